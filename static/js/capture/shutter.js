/** Counts down, then takes one photo or a burst, until it is stopped. No DOM, no camera. */

/**
 * @typedef {"ready"|"counting"|"shooting"} Phase
 * @typedef {object} Plan
 * @property {number} countdown  seconds before the first photo
 * @property {number} shots  how many photos
 * @property {number} interval  seconds from one photo to the next
 */

/** Fires "change" when the phase or what is left of it changes. */
export class Shutter extends EventTarget {
  /** @type {Phase} */ phase = "ready";
  /** Seconds until the first photo. */ secondsLeft = 0;
  taken = 0;
  total = 0;
  #take;
  #stop = new AbortController();

  /** @param {() => Promise<unknown>} take  takes one photo */
  constructor(take) {
    super();
    this.#take = take;
  }

  get isBusy() {
    return this.phase !== "ready";
  }

  /** Does nothing while it is at work. Raises what taking a photo raised. @param {Plan} plan */
  async press(plan) {
    if (this.isBusy) return;
    this.#stop = new AbortController();
    this.taken = 0;
    const { signal } = this.#stop;
    try {
      await this.#count(plan.countdown, signal);
      await this.#shoot(plan, signal);
    } finally {
      this.#say("ready");
    }
  }

  /** What was taken stays; nothing more is taken. */
  stop() {
    this.#stop.abort();
  }

  async #count(seconds, signal) {
    for (let left = seconds; left > 0 && !signal.aborted; left -= 1) {
      this.secondsLeft = left;
      this.#say("counting");
      await pause(1000, signal);
    }
  }

  async #shoot({ shots, interval }, signal) {
    this.total = shots;
    const began = performance.now();
    while (this.taken < shots && !signal.aborted) {
      this.#say("shooting");
      await this.#take();
      this.taken += 1;
      // By the clock and not one after the other, so that slow photos do not stretch the burst.
      if (this.taken < shots) await pause(began + this.taken * interval * 1000 - performance.now(), signal);
    }
  }

  #say(phase) {
    this.phase = phase;
    this.dispatchEvent(new Event("change"));
  }
}

function pause(ms, signal) {
  if (signal.aborted) return undefined;
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, Math.max(0, ms));
    signal.addEventListener("abort", () => resolve(clearTimeout(timer)), { once: true });
  });
}
