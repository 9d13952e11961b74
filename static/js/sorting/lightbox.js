/** The whole photo of the face under the cursor, large, over the grid; it follows the cursor while it is open. */

import { WholePhoto } from "./whole_photo.js";

export class Lightbox {
  #box;
  #board;
  #photo;
  #onClose;

  /**
   * @param {HTMLElement} box
   * @param {object} parts
   * @param {import("./whole_photo.js").Photos} parts.photos
   * @param {import("./board.js").Board} parts.board
   * @param {() => void} parts.onClose
   */
  constructor(box, { photos, board, onClose }) {
    this.#box = box;
    this.#board = board;
    this.#photo = new WholePhoto(box.querySelector("[data-part=photo]"), { photos, size: "large" });
    this.#onClose = onClose;
    box.querySelector("[data-part=close]").addEventListener("click", () => this.toggle(false));
  }

  get isOpen() {
    return !this.#box.hidden;
  }

  /** @param {boolean} [open] */
  toggle(open = !this.isOpen) {
    if (open && !this.#board.current) return;
    this.#box.hidden = !open;
    if (open) this.follow();
    else this.#onClose();
  }

  /** The cursor moved. */
  follow() {
    if (this.isOpen && this.#board.current) this.#photo.show(this.#board.current);
  }
}
