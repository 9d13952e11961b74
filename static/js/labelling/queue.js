/** Which photo comes next: leases, their heartbeat, and the one photo fetched ahead. */

import { loadPicture } from "./picture.js";

/**
 * @typedef {object} Item  a photo in hand
 * @property {string|null} lease  null when only looked at
 * @property {object} image  as on the wire
 * @property {object[]} faces  as on the wire
 * @property {number} waiting  photos that waited for a person when this one was fetched
 * @property {boolean} [isAhead]  fetched while another photo was open
 * @property {import("./picture.js").Picture} picture
 */

const RENEW_EVERY_MS = 30_000;

/** Fires "lost" with {item, error} when a lease could not be held. */
export class ImageQueue extends EventTarget {
  #api;
  #slug;
  #isDecided;
  /** @type {Map<number, string>} leases to renew, by image */ #leases = new Map();
  /** @type {Item|null} */ #ahead = null;
  /** @type {Promise<void>|null} */ #fetching = null;
  #heartbeat;

  /**
   * @param {typeof import("../api.js").api} api
   * @param {{slug: string, isDecided: (imageId: number) => boolean}} options  isDecided: decided here, but the
   *   server may not know yet and would hand the photo out once more
   */
  constructor(api, { slug, isDecided }) {
    super();
    this.#api = api;
    this.#slug = slug;
    this.#isDecided = isDecided;
    this.#heartbeat = setInterval(() => this.#renewAll(), RENEW_EVERY_MS);
  }

  destroy() {
    clearInterval(this.#heartbeat);
  }

  /** The next photo, at once when it was fetched ahead. @param {number|null} after @returns {Promise<Item|null>} */
  async next(after) {
    await this.#fetching;
    const ahead = this.#ahead;
    this.#ahead = null;
    if (ahead) return ahead;
    return this.#lease("queue/next/", after === null ? {} : { after });
  }

  /** One chosen photo. @param {number} imageId @returns {Promise<Item>} */
  async open(imageId) {
    await this.#fetching;
    if (this.#ahead?.image.id === imageId) this.#ahead = null;
    return this.#lease("queue/open/", { image: imageId });
  }

  /** A photo to look at without leasing it. @param {number} imageId @returns {Promise<Item>} */
  async look(imageId) {
    const image = await this.#api.get(`images/${imageId}/`);
    return { lease: null, image, faces: image.faces, waiting: 0, picture: loadPicture(image.urls.large, image.name) };
  }

  /** Fetch the photo after `imageId` behind the scenes. @param {number} imageId */
  prefetch(imageId) {
    if (this.#ahead || this.#fetching) return;
    this.#fetching = this.#lease("queue/next/", { after: imageId }, imageId)
      .then((item) => {
        this.#ahead = item && { ...item, isAhead: true };
      })
      .catch((error) => {
        // Fetching ahead is only for speed: the real `next` will say what is wrong.
        if (!error.kind) throw error;
      })
      .finally(() => {
        this.#fetching = null;
      });
  }

  /** Load the picture anew. @param {Item} item @returns {Item} */
  reload(item) {
    return { ...item, picture: loadPicture(item.image.urls.large, item.image.name) };
  }

  /** Keep a photo for later, before all others. @param {Item} item */
  putBack(item) {
    if (this.#ahead) this.release(this.#ahead);
    this.#ahead = item;
  }

  /** The server took the lease back itself (submitted). @param {number} imageId */
  forget(imageId) {
    this.#leases.delete(imageId);
  }

  /** Let somebody else have the photo. @param {Item} item */
  release(item) {
    if (!this.#leases.delete(item.image.id)) return;
    // A release that fails costs nothing: the lease runs out by itself.
    this.#api.post(`leases/${item.lease}/release/`, {}, { keepalive: true }).catch((error) => {
      if (!error.kind) throw error;
    });
  }

  /** Leaving the page. @param {Item|null} current @param {number[]} unsent  images with a decision on its way */
  releaseAll(current, unsent) {
    const items = [current, this.#ahead].filter((item) => item?.lease && !unsent.includes(item.image.id));
    items.forEach((item) => this.release(item));
    this.#ahead = null;
  }

  async #lease(path, body, notThis = null) {
    const answer = await this.#api.post(`projects/${this.#slug}/${path}`, body);
    if (answer === null || answer.image.id === notThis || this.#isDecided(answer.image.id)) return null;
    this.#leases.set(answer.image.id, answer.lease);
    return { ...answer, picture: loadPicture(answer.image.urls.large, answer.image.name) };
  }

  async #renewAll() {
    await Promise.all([...this.#leases].map(([imageId, lease]) => this.#renew(imageId, lease)));
  }

  async #renew(imageId, lease) {
    try {
      await this.#api.post(`leases/${lease}/renew/`);
    } catch (error) {
      if (!error.kind) throw error;
      if (error.passing || error.kind === "login") return; // tried again at the next beat
      this.#leases.delete(imageId);
      if (this.#ahead?.image.id === imageId) this.#ahead = null;
      else this.dispatchEvent(new CustomEvent("lost", { detail: { imageId, error } }));
    }
  }
}
