/** The crops of the open group as one listbox: kept ones are the selected options. Doubtful ones stay in sight below. */

import { make } from "../element.js";
import { percent } from "../percent.js";

const AGAIN_MS = 3_000;
const TRIES = 3;

const PARTS = ["sure", "merged", "doubtful"];

export class Grid {
  #list;
  #board;
  #crops;
  /** @type {Map<number, {element: HTMLElement, image: HTMLImageElement, shown: string}>} */ #cards = new Map();
  #shownParts = null;

  /**
   * @param {HTMLElement} list  the listbox, with an element for each part
   * @param {object} parts
   * @param {import("./board.js").Board} parts.board
   * @param {import("./crops.js").Crops} parts.crops
   * @param {(id: number) => void} parts.onLook  the pointer rests on a face, or the cursor is there
   */
  constructor(list, { board, crops, onLook }) {
    this.#list = list;
    this.#board = board;
    this.#crops = crops;
    list.addEventListener("click", (event) => this.#click(event));
    list.addEventListener("pointerover", (event) => {
      const id = faceAt(event);
      if (id !== null) onLook(id);
    });
    // Shift and a click would select the text between.
    list.addEventListener("mousedown", (event) => event.shiftKey && event.preventDefault());
  }

  /** How many crops stand in a line. */
  get columns() {
    const line = this.#list.querySelector(".sort-faces");
    return Math.max(getComputedStyle(line).gridTemplateColumns.split(" ").length, 1);
  }

  /** Whether all pictures that are in sight have come: before, nobody may decide. */
  get isSeen() {
    return [...this.#list.querySelectorAll("[data-scrolls]")].every((pane) => {
      const { top, bottom } = pane.getBoundingClientRect();
      const isInSight = ({ y, height }) => y < bottom && y + height > top;
      const pictures = [...pane.querySelectorAll(".sort-face > img")];
      return pictures.every((picture) => picture.complete || !isInSight(picture.getBoundingClientRect()));
    });
  }

  focus() {
    this.#list.focus({ preventScroll: true });
  }

  render() {
    const { state } = this.#board;
    if (this.#shownParts !== state.parts) this.#build(state.parts);
    const faces = this.#board.faces;
    faces.forEach((face, index) => this.#update(face, index, faces.length));
    const current = this.#cards.get(this.#board.cursor)?.element;
    if (current) this.#list.setAttribute("aria-activedescendant", current.id);
    else this.#list.removeAttribute("aria-activedescendant");
  }

  /** Bring the face under the cursor into sight. */
  follow() {
    this.#cards.get(this.#board.cursor)?.element.scrollIntoView({ block: "nearest" });
  }

  scrollToStart() {
    this.#list.querySelectorAll("[data-scrolls]").forEach((part) => part.scrollTo(0, 0));
  }

  #build(parts) {
    const old = this.#cards;
    this.#cards = new Map();
    for (const name of PARTS) {
      const section = this.#list.querySelector(`[data-part=${name}]`);
      section.hidden = parts[name].length === 0;
      section.querySelector("[data-count]").textContent = String(parts[name].length);
      const cards = parts[name].map((face) => {
        const card = old.get(face.id) ?? this.#make(face);
        card.shown = "";
        this.#cards.set(face.id, card);
        return card.element;
      });
      section.querySelector(".sort-faces").replaceChildren(...cards);
    }
    this.#shownParts = parts;
  }

  #make(face) {
    const element = make("div", "sort-face");
    element.id = `face-${face.id}`;
    element.role = "option";
    element.dataset.face = String(face.id);
    const image = this.#crops.take(face.crop);
    image.draggable = false;
    this.#watch(image, face);
    element.append(image);
    if (face.doubtful) element.append(make("span", "sort-face__doubt", "doubtful"));
    element.append(make("span", "sort-face__out", "out"));
    return { element, image, shown: "" };
  }

  /** A picture that does not come is asked for again; in the end its face is left out of every decision. */
  #watch(image, face, tries = TRIES) {
    const failed = () => {
      if (tries === 0) return this.#board.cannotShow(face.id);
      setTimeout(() => {
        image.src = `${face.crop}?again=${tries}`;
        this.#watch(image, face, tries - 1);
      }, AGAIN_MS);
    };
    if (image.complete && image.naturalWidth === 0 && image.loading !== "lazy") failed();
    else image.addEventListener("error", failed, { once: true });
  }

  #update(face, index, count) {
    const card = this.#cards.get(face.id);
    const { state, cursor, blind } = this.#board;
    const isOut = state.out.has(face.id);
    const isBlind = blind.has(face.id);
    const shown = `${isOut} ${isBlind} ${cursor === face.id} ${index} ${count}`;
    if (shown === card.shown) return; // two hundred crops, of which a key changes one or two
    card.shown = shown;
    const { element } = card;
    element.classList.toggle("sort-face--out", isOut);
    element.classList.toggle("sort-face--blind", isBlind);
    element.classList.toggle("sort-face--current", cursor === face.id);
    element.ariaSelected = String(!isOut && !isBlind);
    element.ariaPosInSet = String(index + 1);
    element.ariaSetSize = String(count);
    element.ariaLabel = label(face, index, count, isOut, isBlind);
    element.title = `Likeness ${percent(face.likeness)}`;
  }

  #click(event) {
    const id = faceAt(event);
    if (id === null) return;
    if (event.shiftKey) this.#board.extendTo(id);
    else this.#board.toggle(id);
  }
}

function faceAt(event) {
  const card = event.target.closest("[data-face]");
  return card ? Number(card.dataset.face) : null;
}

function label(face, index, count, isOut, isBlind) {
  const state = isBlind ? "no picture, left out" : isOut ? "knocked out" : "kept";
  const doubt = face.doubtful ? ", doubtful" : "";
  return `Face ${index + 1} of ${count}, likeness ${percent(face.likeness)}${doubt}, ${state}`;
}
