/** The photo itself, under the boxes: laid out by the viewport, sharper once zoomed in. */

/** How far a picture may be enlarged before its pixels ask for the original. */
const BLURRED_FROM = 1.4;
/** A photo and its upright copy have the same shape, but for rounding. */
const SAME_SHAPE = 0.01;

export class PhotoView {
  #holder;
  #viewport;
  /** @type {import("./queue.js").Item|null} */ #item = null;
  /** @type {HTMLImageElement|null} */ #element = null;
  #hasAskedOriginal = false;

  /** @param {HTMLElement} holder @param {import("./viewport.js").Viewport} viewport */
  constructor(holder, viewport) {
    this.#holder = holder;
    this.#viewport = viewport;
    viewport.addEventListener("change", () => this.#layOut());
  }

  /** The element crops are painted from. */
  get picture() {
    return this.#element;
  }

  /** @param {import("./queue.js").Item} item */
  open(item) {
    this.#item = item;
    this.#hasAskedOriginal = false;
    this.#use(item.picture.element);
    this.#viewport.open({ width: item.image.width, height: item.image.height });
  }

  clear() {
    this.#item = null;
    this.#element = null;
    this.#holder.replaceChildren();
  }

  #use(element) {
    this.#element = element;
    element.className = "label__picture";
    element.style.width = `${this.#item.image.width}px`;
    element.style.height = `${this.#item.image.height}px`;
    this.#holder.replaceChildren(element);
    this.#layOut();
  }

  #layOut() {
    if (!this.#element) return;
    const { x, y, scale } = this.#viewport;
    this.#element.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
    const shown = (this.#item.image.width * scale * devicePixelRatio) / (this.#element.naturalWidth || Infinity);
    if (shown > BLURRED_FROM && !this.#hasAskedOriginal) this.#sharpen(this.#item);
  }

  /** Tiny faces deserve the original's pixels. The copy stays when the browser cannot show the original. */
  async #sharpen(item) {
    this.#hasAskedOriginal = true;
    const { width, height, urls } = item.image;
    if (!urls.original || item.picture.element.naturalWidth >= width) return;
    const original = new Image();
    original.alt = "";
    original.draggable = false;
    original.src = urls.original;
    try {
      await original.decode();
    } catch {
      return; // a format such as HEIC
    }
    const shape = original.naturalWidth / original.naturalHeight;
    // A browser that ignored the orientation flag would lay the boxes on the wrong places.
    if (this.#item !== item || Math.abs(shape / (width / height) - 1) > SAME_SHAPE) return;
    this.#use(original);
  }
}
