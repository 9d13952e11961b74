/** The photo a face is from, with its box: what stands around a face tells more than the crop. */

import { make } from "../element.js";

const MOST_KEPT = 200;

export class Photos {
  #api;
  /** @type {Map<number, Promise<object>>} images as on the wire */ #known = new Map();

  /** @param {typeof import("../api.js").api} api */
  constructor(api) {
    this.#api = api;
  }

  /** @param {number} imageId @returns {Promise<object>} */
  get(imageId) {
    const asked = this.#known.get(imageId) ?? this.#api.get(`images/${imageId}/`);
    this.#known.delete(imageId); // to the end: the oldest goes first
    this.#known.set(imageId, asked);
    asked.catch(() => this.#known.delete(imageId));
    if (this.#known.size > MOST_KEPT) this.#known.delete(this.#known.keys().next().value);
    return asked;
  }
}

/** One frame that shows the whole photo of a face. */
export class WholePhoto {
  #frame;
  #photos;
  #size;
  /** @type {number|null} */ #face = null;

  /**
   * @param {HTMLElement} frame
   * @param {{photos: Photos, size: "small"|"large"}} parts
   */
  constructor(frame, { photos, size }) {
    this.#frame = frame;
    this.#photos = photos;
    this.#size = size;
  }

  clear() {
    this.#face = null;
    this.#frame.replaceChildren();
  }

  /** @param {{id: number, image: number, box: number[]}} face */
  async show(face) {
    if (this.#face === face.id) return;
    this.#face = face.id;
    try {
      const image = await this.#photos.get(face.image);
      if (this.#face !== face.id) return; // the cursor has moved on
      this.#frame.replaceChildren(this.#photo(image, face.box), make("p", "whole__name small muted truncate", about(image)));
    } catch (error) {
      if (!error.kind) throw error;
      if (this.#face !== face.id) return;
      this.#face = null; // so that looking again asks again
      this.#frame.replaceChildren(make("p", "muted small", `The photo cannot be shown. ${error.message}`));
    }
  }

  #photo(image, [x, y, w, h]) {
    const whole = make("div", "whole");
    const picture = new Image(image.width, image.height);
    picture.src = image.urls[this.#size];
    picture.alt = `The photo ${image.name}`;
    const box = make("div", "whole__box");
    const share = (part, all) => `${(100 * part) / all}%`;
    box.style.left = share(x, image.width);
    box.style.top = share(y, image.height);
    box.style.width = share(w, image.width);
    box.style.height = share(h, image.height);
    whole.append(picture, box);
    return whole;
  }
}

function about({ name, session, faces }) {
  const named = [...new Set(faces.map(({ identity }) => identity?.name).filter(Boolean))];
  const others = named.length ? `with ${named.slice(0, 3).join(", ")}${named.length > 3 ? " …" : ""}` : "";
  return [name, session, others].filter(Boolean).join(" · ");
}
