/** Photos to go through one after the other: fetched a handful at a time, before they are needed. */

const FETCH_WHEN_LEFT = 4;
const LOADED_AHEAD = 2;

/**
 * @typedef {object} Photo  as on the wire
 * @property {number} id @property {string} name @property {number} version @property {{large: string}} urls
 * @property {{words: string, eventId: string}} [outcome]  what was decided here
 */

/** Fires "change". `phase`: loading, ready, empty (nothing more), failed. */
export class Feed extends EventTarget {
  /** @type {Photo[]} */ items = [];
  at = 0;
  /** @type {object|null} the newest answer, for its counts */ answer = null;
  /** @type {Error|null} */ problem = null;
  #load;
  #fetching = null;
  #isAll = false;

  /** @param {(asked: {after?: number, only?: number}) => Promise<{results: Photo[]}>} load */
  constructor(load) {
    super();
    this.#load = load;
  }

  /** @returns {Photo|null} */
  get current() {
    return this.items[this.at] ?? null;
  }

  get phase() {
    if (this.current) return "ready";
    if (this.problem) return "failed";
    return this.#isAll ? "empty" : "loading";
  }

  /** Fetch what is needed next. @returns {Promise<void>} */
  async fill() {
    if (this.#isAll || this.items.length - this.at > FETCH_WHEN_LEFT) return;
    this.#fetching ??= this.#fetch();
    await this.#fetching;
  }

  async #fetch() {
    try {
      this.answer = await this.#load(this.items.length ? { after: this.items.at(-1).id } : {});
      this.problem = null;
      this.items.push(...this.answer.results);
      this.#isAll = this.answer.results.length === 0;
    } catch (error) {
      if (!error.kind) throw error;
      this.problem = error;
    } finally {
      this.#fetching = null;
    }
    this.#tell();
  }

  /** @param {number} step @returns {boolean} whether there was somewhere to go */
  move(step) {
    const to = Math.min(Math.max(this.at + step, 0), this.items.length);
    if (to === this.at) return false;
    this.at = to;
    this.#tell();
    this.fill();
    return true;
  }

  /** Open a photo that waits again, as it is now. @param {number} id @returns {Promise<boolean>} whether it does */
  async reopen(id) {
    const { results: [photo] } = await this.#load({ only: id });
    const at = this.items.findIndex((item) => item.id === id);
    if (!photo) return false;
    if (at >= 0) this.items[at] = photo;
    else this.items.splice(this.at, 0, photo);
    this.at = this.items.indexOf(photo);
    this.#tell();
    return true;
  }

  /** Have the next photos painted at once when they are opened. The open one should have arrived before. */
  preload() {
    for (const { urls } of this.items.slice(this.at + 1, this.at + 1 + LOADED_AHEAD)) new Image().src = urls.large;
  }

  retry() {
    this.problem = null;
    this.#tell();
    return this.fill();
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }
}
