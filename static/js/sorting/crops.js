/** Crops fetched ahead, so that the next group is painted the moment it is wanted. */

export const SIDE_PX = 112;
const MOST = 400;
/** Browsers open six connections to a server: some must stay free for decisions. */
const AT_ONCE = 3;

export class Crops {
  /** @type {Map<string, HTMLImageElement>} asked for, oldest first */ #ready = new Map();
  /** @type {Set<string>} still to be asked for */ #wanted = new Set();
  #running = 0;

  /** @param {string[]} urls */
  preload(urls) {
    urls.filter((url) => !this.#ready.has(url)).forEach((url) => this.#wanted.add(url));
    this.#go();
  }

  /** What was wanted ahead is wanted no more: something else comes first. */
  forgetWanted() {
    this.#wanted.clear();
  }

  /** @param {string} url @returns {HTMLImageElement} of its final size from the start; yours alone */
  take(url) {
    const ready = this.#ready.get(url);
    this.#ready.delete(url);
    this.#wanted.delete(url);
    if (ready) return ready;
    const image = sized();
    image.loading = "lazy";
    image.src = url;
    return image;
  }

  #go() {
    for (const url of this.#wanted) {
      if (this.#running >= AT_ONCE) return;
      this.#wanted.delete(url);
      this.#running += 1;
      this.#load(url).finally(() => {
        this.#running -= 1;
        this.#go();
      });
    }
  }

  #load(url) {
    const image = sized();
    this.#ready.set(url, image);
    if (this.#ready.size > MOST) this.#ready.delete(this.#ready.keys().next().value);
    return new Promise((resolve) => {
      image.addEventListener("load", resolve, { once: true });
      image.addEventListener("error", resolve, { once: true }); // who shows it will see that it did not come
      image.fetchPriority = "low";
      image.src = url;
    });
  }
}

function sized() {
  const image = new Image(SIDE_PX, SIDE_PX);
  image.alt = "";
  image.decoding = "async";
  return image;
}
