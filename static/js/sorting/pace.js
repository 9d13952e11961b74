/** How many faces a minute somebody settles while at it. */

const REST_MS = 60_000; // longer than this between two decisions is a break, and counts as no work
const LATELY_MS = 5 * 60_000;

export class Pace {
  total = 0;
  #now;
  #last;
  /** @type {{count: number, took: number, at: number}[]} */ #steps = [];

  /** @param {() => number} [now]  milliseconds */
  constructor(now = () => Date.now()) {
    this.#now = now;
    this.#last = now();
  }

  /** @param {number} count  faces decided just now; negative when taken back */
  add(count) {
    const at = this.#now();
    this.#steps.push({ count, took: Math.min(at - this.#last, REST_MS), at });
    this.#steps = this.#steps.filter((step) => at - step.at < LATELY_MS);
    this.#last = at;
    this.total = Math.max(this.total + count, 0);
  }

  /** @returns {number|null} faces a minute of the last five minutes; null before there is anything to say */
  get perMinute() {
    const took = this.#steps.reduce((sum, step) => sum + step.took, 0);
    const count = this.#steps.reduce((sum, step) => sum + step.count, 0);
    return took > 0 && count > 0 ? Math.round((count * 60_000) / took) : null;
  }
}
