/** A photo with boxes over it, for pages where they are looked at and not changed. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * @typedef {object} ShownBox
 * @property {string} key
 * @property {number[]} box  x, y, width, height in upright pixels
 * @property {string} tone  a state, or voice-1 to voice-5
 * @property {string} [words]  written beside the box
 */

export class BoxedPhoto {
  /** @type {Map<string, Element[]>} */ #parts = new Map();
  #place;

  /** @param {HTMLElement} place */
  constructor(place) {
    this.#place = place;
  }

  /** @param {{width: number, height: number, name: string, urls: {large: string}}} image @param {ShownBox[]} boxes */
  show(image, boxes) {
    const picture = document.createElement("img");
    picture.className = "boxed__picture";
    picture.alt = `Photo ${image.name}`;
    picture.src = image.urls.large;
    picture.addEventListener("error", () => this.#place.classList.add("boxed--broken"));
    const lines = document.createElementNS(SVG, "svg");
    lines.setAttribute("class", "boxed__lines");
    lines.setAttribute("viewBox", `0 0 ${image.width} ${image.height}`);
    lines.setAttribute("preserveAspectRatio", "none");
    lines.setAttribute("aria-hidden", "true");
    this.#place.classList.remove("boxed--broken");
    this.#place.style.setProperty("--ratio", image.width / image.height);
    this.#place.hidden = false;
    this.#place.replaceChildren(picture, lines);
    this.picture = picture;
    this.setBoxes(image, boxes, lines);
  }

  hide() {
    this.#place.hidden = true;
    this.#place.replaceChildren();
    this.#parts.clear();
  }

  /** Draw other boxes over the same photo. */
  setBoxes(image, boxes, lines = this.#place.querySelector("svg")) {
    this.#place.querySelectorAll(".boxed__words").forEach((words) => words.remove());
    lines.replaceChildren();
    this.#parts.clear();
    for (const one of boxes) {
      const [x, y, w, h] = one.box;
      const rects = ["halo", "line"].map((name) => {
        const rect = document.createElementNS(SVG, "rect");
        rect.setAttribute("class", `boxed__${name} boxed__${name}--${one.tone}`);
        for (const [side, value] of Object.entries({ x, y, width: w, height: h })) rect.setAttribute(side, value);
        rect.setAttribute("vector-effect", "non-scaling-stroke");
        return rect;
      });
      lines.append(...rects);
      this.#parts.set(one.key, one.words ? [...rects, this.#write(image, one)] : rects);
    }
  }

  /** Make some boxes stand out. @param {string[]} keys */
  mark(keys) {
    for (const [key, parts] of this.#parts) {
      for (const part of parts) part.classList.toggle("is-current", keys.includes(key));
    }
  }

  #write(image, { box: [x, y, w, h], words, tone }) {
    const label = document.createElement("span");
    label.className = `boxed__words boxed__words--${tone}`;
    label.textContent = words;
    const isHigh = y / image.height < 0.06;
    label.style.left = `${(100 * x) / image.width}%`;
    label.style.top = `${(100 * (isHigh ? y + h : y)) / image.height}%`;
    label.style.maxWidth = `${Math.max(16, (100 * w) / image.width)}%`;
    label.classList.toggle("boxed__words--below", isHigh);
    this.#place.append(label);
    return label;
  }
}
