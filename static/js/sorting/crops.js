/** Crops fetched ahead, so that the next group is painted the moment it is wanted. */

export const SIDE_PX = 112;
const MOST = 400;

export class Crops {
  /** @type {Map<string, HTMLImageElement>} oldest first */ #ready = new Map();

  /** @param {string[]} urls */
  preload(urls) {
    for (const url of urls) {
      if (this.#ready.has(url)) continue;
      const image = new Image(SIDE_PX, SIDE_PX);
      image.alt = "";
      image.decoding = "async";
      image.src = url;
      this.#ready.set(url, image);
    }
    for (const url of [...this.#ready.keys()].slice(0, Math.max(this.#ready.size - MOST, 0))) this.#ready.delete(url);
  }

  /** @param {string} url @returns {HTMLImageElement} of its final size from the start; yours alone */
  take(url) {
    const ready = this.#ready.get(url);
    this.#ready.delete(url);
    if (ready) return ready;
    const image = new Image(SIDE_PX, SIDE_PX);
    image.alt = "";
    image.loading = "lazy";
    image.decoding = "async";
    image.src = url;
    return image;
  }
}
