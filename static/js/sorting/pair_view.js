/** “Same or different?”: two crops side by side, and their whole photos when asked for. */

import { percent } from "../percent.js";
import { counted } from "./verdicts.js";
import { WholePhoto } from "./whole_photo.js";

const SIDE_PX = 224;

export class PairView {
  #view;
  #wholes;
  #isWhole = false;
  /** @type {object|null} */ #question = null;

  /** @param {HTMLElement} view @param {{photos: import("./whole_photo.js").Photos}} parts */
  constructor(view, { photos }) {
    this.#view = view;
    this.#wholes = ["a", "b"].map((side) => new WholePhoto(this.#part(`${side}-photo`), { photos, size: "large" }));
    view.addEventListener("click", (event) => {
      if (event.target.closest("[data-pair-side]")) this.toggleWhole();
    });
  }

  /** @param {object|null} question  as on the wire */
  show(question) {
    this.#view.hidden = question === null;
    if (question === this.#question) return;
    this.#question = question;
    this.#showWhole(false);
    this.#wholes.forEach((whole) => whole.clear());
    if (!question) return;
    const { a, b, decides, probability } = question;
    this.#part("a-crop").replaceChildren(crop(a, "The first face"));
    this.#part("b-crop").replaceChildren(crop(b, "The second face"));
    const settles = decides ? `A yes brings ${counted(decides, "more face")} together. ` : "";
    this.#part("pair-words").textContent = `${settles}Chance that it is one person: ${percent(probability)}.`;
  }

  focus() {
    this.#view.focus({ preventScroll: true });
  }

  /** Crops or whole photos. */
  toggleWhole() {
    if (this.#question) this.#showWhole(!this.#isWhole);
  }

  #showWhole(isWhole) {
    this.#isWhole = isWhole;
    this.#view.classList.toggle("sort__pair--whole", isWhole);
    if (!isWhole) return;
    this.#wholes[0].show(this.#question.a);
    this.#wholes[1].show(this.#question.b);
  }

  #part(name) {
    return this.#view.querySelector(`[data-region=${name}]`);
  }
}

function crop(face, alt) {
  const image = new Image(SIDE_PX, SIDE_PX);
  image.alt = alt;
  image.src = face.crop;
  return image;
}
