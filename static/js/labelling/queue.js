/** Which photo comes next: leases, their heartbeat, and the photos fetched ahead. */

import { loadPicture } from "./picture.js";

/**
 * @typedef {object} Item  a photo in hand
 * @property {string|null} lease  null when only looked at
 * @property {object} image  as on the wire
 * @property {object[]} faces  as on the wire
 * @property {number} waiting  photos that waited for a person when this one was fetched
 * @property {boolean} [isAhead]  fetched while another photo was open
 * @property {import("./picture.js").Picture} picture
 * @property {object[]} [remarks]  what was said about it, as on the wire
 */

const RENEW_EVERY_MS = 30_000;
/** Enough for quick deciders, few enough that others do not run out of photos. */
const AHEAD = 3;
/** By then a name just sent has changed what is suggested elsewhere. */
const REFRESH_AFTER_MS = 900;

/** Fires "lost" with {item, error} when a lease could not be held. */
export class ImageQueue extends EventTarget {
  #api;
  #slug;
  #isDecided;
  /** @type {Map<number, string>} leases to renew, by image */ #leases = new Map();
  /** @type {Item[]} the next one first */ #ahead = [];
  /** @type {Promise<void>|null} */ #fetching = null;
  #heartbeat;
  #refreshing = 0;
  /** Grows with each photo that is done with. */ #settled = 0;
  /** @type {Map<number, number>} when a photo was done with, by image */ #settledAt = new Map();

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
    clearTimeout(this.#refreshing);
  }

  /** The next photo, at once when it was fetched ahead. @param {number|null} after @returns {Promise<Item|null>} */
  async next(after) {
    while (this.#ahead.length === 0 && this.#fetching) await this.#fetching;
    const item = this.#ahead.shift() ?? (await this.#lease("queue/next/", after === null ? {} : { after }));
    // Fetching ahead may have been given the same photo at the same moment.
    if (item) this.#ahead = this.#ahead.filter(({ image }) => image.id !== item.image.id);
    return item;
  }

  /** One chosen photo. @param {number} imageId @returns {Promise<Item>} */
  async open(imageId) {
    const item = await this.#lease("queue/open/", { image: imageId });
    this.#ahead = this.#ahead.filter(({ image }) => image.id !== imageId);
    return item;
  }

  /** A photo to look at without leasing it. @param {number} imageId @returns {Promise<Item>} */
  async look(imageId) {
    const image = await this.#api.get(`images/${imageId}/`);
    return { lease: null, image, faces: image.faces, waiting: 0, picture: loadPicture(image.urls.large, image.name) };
  }

  /** Fetch the photos after `imageId` behind the scenes, one after the other. @param {number} imageId */
  prefetch(imageId) {
    if (this.#ahead.length >= AHEAD || this.#fetching) return;
    const after = this.#ahead.at(-1)?.image.id ?? imageId;
    this.#fetching = this.#lease("queue/next/", { after }, { fresh: true })
      .then((item) => {
        if (item) this.#ahead.push({ ...item, isAhead: true });
        return item !== null;
      })
      .catch((error) => {
        // Fetching ahead is only for speed: the real `next` will say what is wrong.
        if (!error.kind) throw error;
        return false;
      })
      .then((isMore) => {
        this.#fetching = null;
        if (isMore) this.prefetch(imageId);
      });
  }

  /** Names were sent: soon there will be better suggestions for the photos fetched ahead. */
  refreshSoon() {
    clearTimeout(this.#refreshing);
    this.#refreshing = setTimeout(() => this.#refresh(), REFRESH_AFTER_MS);
  }

  async #refresh() {
    for (const { image } of this.#ahead.slice(0, 2)) {
      // Opened anew rather than read: whoever labels blindly must not be told what others said.
      const answer = await this.#api.post(`projects/${this.#slug}/queue/open/`, { image: image.id }).catch((error) => {
        if (!error.kind) throw error;
        return null; // what was fetched before will do
      });
      if (answer) this.#ahead = this.#ahead.map((item) => (item.image.id === image.id ? { ...item, ...answer } : item));
    }
  }

  /** Load the picture anew. @param {Item} item @returns {Item} */
  reload(item) {
    return { ...item, picture: loadPicture(item.image.urls.large, item.image.name) };
  }

  /** Keep a photo for later, before all others. @param {Item} item */
  putBack(item) {
    this.#ahead.unshift(item);
    while (this.#ahead.length > 2 * AHEAD) this.release(this.#ahead.pop());
  }

  /** The server takes the lease back itself (submitted, skipped). @param {number} imageId */
  forget(imageId) {
    this.#leases.delete(imageId);
    this.#settledAt.set(imageId, ++this.#settled);
    this.#ahead = this.#ahead.filter(({ image }) => image.id !== imageId);
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
    const items = [current, ...this.#ahead].filter((item) => item?.lease && !unsent.includes(item.image.id));
    items.forEach((item) => this.release(item));
    this.#ahead = [];
  }

  /** @param {{fresh?: boolean}} [options]  fresh: a photo that is held already is no answer */
  async #lease(path, body, { fresh = false } = {}) {
    const asked = this.#settled;
    const answer = await this.#api.post(`projects/${this.#slug}/${path}`, body);
    if (answer === null || this.#isDecided(answer.image.id)) return null;
    // The server answered before it stored the decision about that very photo: what it gave is out of date.
    if ((this.#settledAt.get(answer.image.id) ?? 0) > asked) return this.#lease(path, body, { fresh });
    if (fresh && this.#leases.has(answer.image.id)) return null; // all others are in other hands
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
      const isAhead = this.#ahead.some(({ image }) => image.id === imageId);
      this.#ahead = this.#ahead.filter(({ image }) => image.id !== imageId);
      if (!isAhead) this.dispatchEvent(new CustomEvent("lost", { detail: { imageId, error } }));
    }
  }
}
