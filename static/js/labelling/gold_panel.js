/** After a photo whose truth is known: which names were right. Calm, beside the work, and gone by itself. */

import { squareAround } from "./box_geometry.js";
import { paintCrop } from "./picture.js";

const STAY_MS = 15_000;
const CROP_PX = 96;

function make(name, className, text = "") {
  const element = document.createElement(name);
  element.className = className;
  element.textContent = text;
  return element;
}

export class GoldPanel {
  #panel;
  #timer = 0;

  /** @param {HTMLElement} panel */
  constructor(panel) {
    this.#panel = panel;
    panel.querySelector("[data-gold-close]").addEventListener("click", () => this.close());
    const hold = () => clearTimeout(this.#timer);
    panel.addEventListener("pointerenter", hold);
    panel.addEventListener("focusin", hold);
    panel.addEventListener("pointerleave", () => this.#leaveLater());
  }

  get isOpen() {
    return !this.#panel.hidden;
  }

  close() {
    clearTimeout(this.#timer);
    this.#panel.hidden = true;
  }

  /**
   * @param {{right: number, wrong: number, faces: {key: string, said: string, truth: string, right: boolean}[]}} gold
   * @param {import("./session.js").Sent|undefined} sent  for the crops
   */
  show({ right, wrong, faces }, sent) {
    const all = right + wrong;
    this.#panel.querySelector("[data-part=title]").textContent =
      wrong === 0 ? `All ${all} right` : `${right} of ${all} right`;
    const wrongOnes = faces.filter((face) => !face.right);
    this.#panel.querySelector("[data-part=faces]").replaceChildren(...wrongOnes.map((face) => row(face, sent)));
    this.#panel.hidden = false;
    this.#leaveLater();
  }

  #leaveLater() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.close(), STAY_MS);
  }
}

function row({ key, said, truth }, sent) {
  const item = make("li", "gold__face");
  const face = sent?.faces.find((one) => one.uid === String(key) || String(one.id) === String(key));
  if (face) item.append(crop(face, sent.item));
  const words = make("p", "");
  words.append("You said ", make("strong", "", said), ", it is ", make("strong", "", truth), ".");
  item.append(words);
  return item;
}

function crop(face, { picture, image }) {
  const canvas = make("canvas", "gold__crop");
  canvas.width = CROP_PX;
  canvas.height = CROP_PX;
  paintCrop(canvas, picture.element, squareAround(face.box, image), image);
  return canvas;
}
