/** Has the server look at boxes that were drawn or moved just now: landmarks, and who it may be. No DOM. */

import { boxToList, sameBox } from "./box_geometry.js";
import { suggestionsFromWire } from "./decisions.js";

/** A moved box is looked at once the hand rests. */
const REST_MS = 350;
const FIRST_POLL_MS = 60;
const LONGEST_POLL_MS = 500;
const PATIENCE_MS = 20_000;

/**
 * @typedef {object} Look
 * @property {import("./box_geometry.js").Box} box
 * @property {"looking"|"done"|"failed"} state
 * @property {string} words  why it failed
 */

/** Fires "change" when the standing of a look changed. What is found goes into the store. */
export class Looks extends EventTarget {
  #api;
  #store;
  /** @type {Map<string, Look & {stop: AbortController}>} by key of the face */ #looks = new Map();
  /** @type {object|null} the open photo */ #image = null;

  /**
   * @param {typeof import("../api.js").api} api
   * @param {import("./store.js").FaceStore} store
   */
  constructor(api, store) {
    super();
    this.#api = api;
    this.#store = store;
    store.addEventListener("change", () => this.#compare());
  }

  /** @param {object|null} image  the photo that can be edited now, if one can */
  open(image) {
    for (const { stop } of this.#looks.values()) stop.abort();
    this.#looks.clear();
    this.#image = image;
    this.#compare();
  }

  /** @param {import("./decisions.js").Face} face @returns {Look|null} of the box as it is now */
  of(face) {
    const look = this.#looks.get(face.key);
    return look && sameBox(look.box, face.box) ? look : null;
  }

  #compare() {
    if (!this.#image) return;
    for (const face of this.#store.changed()) {
      if (face.state === "rejected" || !this.#store.boxChanged(face)) continue;
      const before = this.#looks.get(face.key);
      if (before && sameBox(before.box, face.box)) continue;
      before?.stop.abort();
      this.#look(face, before ? REST_MS : this.#patience(face));
    }
  }

  /** What was just drawn is looked at on the spot; what is being moved, when it comes to rest. */
  #patience(face) {
    return face.id === null ? 0 : REST_MS;
  }

  async #look({ key, uid, box }, waitMs) {
    const stop = new AbortController();
    const look = { box, state: "looking", words: "", stop };
    this.#looks.set(key, look);
    const { id: imageId, claimed_identity: claimed } = this.#image;
    try {
      await rest(waitMs, stop.signal);
      const asked = { uid, box: boxToList(box), present: this.#present(key) };
      const { job } = await this.#api.post(`images/${imageId}/look/`, asked, { signal: stop.signal });
      const { landmarks, suggestions } = await this.#answer(job, stop.signal);
      look.state = "done";
      this.#store.learn(key, box, { landmarks, suggestions: suggestionsFromWire(suggestions, claimed) });
    } catch (error) {
      if (stop.signal.aborted) return;
      if (!error.kind) console.error("A box could not be looked at.", error);
      look.state = "failed";
      look.words = error.message;
    }
    this.dispatchEvent(new Event("change"));
  }

  /** People named elsewhere in the photo: nobody is in it twice. */
  #present(key) {
    const named = this.#store.faces.filter((face) => face.key !== key && face.person?.id);
    return named.map(({ person }) => person.id);
  }

  async #answer(jobId, signal) {
    const until = performance.now() + PATIENCE_MS;
    for (let waitMs = FIRST_POLL_MS; performance.now() < until; waitMs = Math.min(waitMs * 1.4, LONGEST_POLL_MS)) {
      await rest(waitMs, signal);
      const job = await this.#api.get(`jobs/${jobId}/`, { signal });
      if (job.state === "done") return job.result;
      if (!["queued", "running"].includes(job.state)) throw new Error(job.message || "The box could not be looked at.");
    }
    throw new Error("No worker has looked at this box yet.");
  }
}

/** Resolves after a pause; rejects at once when it is called off. */
function rest(ms, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}
