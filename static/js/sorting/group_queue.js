/** Which group or question comes next: fetched ahead, and put anew in order after every decision. */

const AHEAD = 2;
const QUESTIONS = 4;

/**
 * @typedef {object} Standing
 * @property {"ready"|"working"|"none"} state  working: no clustering has been finished yet
 * @property {{title: string, done: number, total: number}|null} work  what workers do before there are groups
 * @property {number} faces  that wait, in groups
 * @property {number} groups
 */

/** Fires "change" when the standing or what is ahead changed. */
export class GroupQueue extends EventTarget {
  /** @type {Standing} */ standing = { state: "working", work: null, faces: 0, groups: 0 };
  #api;
  #slug;
  #isSettled;
  #isSkipped;
  #held;
  #onAhead;
  /** @type {object[]} groups as on the wire */ #ahead = [];
  /** @type {object[]} */ #questions = [];
  /** @type {Promise<void>|null} */ #asking = null;
  /** Groups of these ids were skipped under another id, before a new clustering. */ #skippedAgain = new Set();

  /**
   * @param {typeof import("../api.js").api} api
   * @param {object} parts
   * @param {string} parts.slug
   * @param {(faceId: number) => boolean} parts.isSettled  decided here; the server may not know yet
   * @param {(group: object) => boolean} parts.isSkipped
   * @param {() => number[]} parts.held  groups not to be handed out now
   * @param {(group: object) => void} parts.onAhead  a group is fetched ahead: load its pictures
   */
  constructor(api, { slug, isSettled, isSkipped, held, onAhead }) {
    super();
    this.#api = api;
    this.#slug = slug;
    this.#isSettled = isSettled;
    this.#isSkipped = isSkipped;
    this.#held = held;
    this.#onAhead = onAhead;
  }

  /** The next group, at once when one is ahead. @returns {Promise<object|null>} */
  async take() {
    this.#prune();
    if (!this.#ahead.length && this.#asking) await this.#asking.catch(() => {}); // the real request below will say
    this.#prune();
    if (!this.#ahead.length) await this.#ask();
    return this.#ahead.shift() ?? null;
  }

  /** One chosen group, whole. @param {number} id @returns {Promise<object|null>} null when it is no more */
  async open(id) {
    try {
      return this.#waiting(await this.#api.get(`clusters/${id}/`));
    } catch (error) {
      if (error.status === 404) return null;
      throw error;
    }
  }

  /** @returns {object|null} what `take` would give now */
  get following() {
    this.#prune();
    return this.#ahead[0] ?? null;
  }

  /** @returns {object|null} the question that decides the most */
  get question() {
    return this.#questions.find(({ a, b }) => !(this.#isSettled(a.id) && this.#isSettled(b.id))) ?? null;
  }

  /** @param {number} id  answered, or not wanted */
  dropQuestion(id) {
    this.#questions = this.#questions.filter((question) => question.id !== id);
  }

  /** @param {object} group  skipped a while ago, or given back */
  putBack(group) {
    this.#ahead.unshift(group);
  }

  /** Ask for what comes next behind the scenes. */
  refresh() {
    this.#asking ??= this.#ask()
      .catch((error) => {
        // Fetching ahead is only for speed: the real request will say what is wrong.
        if (!error.kind) throw error;
      })
      .finally(() => {
        this.#asking = null;
      });
  }

  async #ask() {
    const [groups] = await Promise.all([this.#askGroups(), this.#askQuestions()]);
    this.#ahead = groups;
    this.#prune();
    this.#ahead.forEach(this.#onAhead);
    this.dispatchEvent(new Event("change"));
  }

  async #askGroups() {
    const without = [...this.#held(), ...this.#skippedAgain].join(",");
    const query = new URLSearchParams({ limit: String(AHEAD), not: without });
    const answer = await this.#api.get(`projects/${this.#slug}/clusters/?${query}`);
    const { state, work, waiting_faces: faces, waiting_clusters: groups } = answer;
    this.standing = { state, work, faces, groups };
    const again = answer.results.filter(this.#isSkipped);
    again.forEach(({ id }) => this.#skippedAgain.add(id));
    return again.length ? this.#askGroups() : answer.results;
  }

  /** Skipped groups are welcome again. */
  forgetSkipped() {
    this.#skippedAgain.clear();
  }

  async #askQuestions() {
    const { results } = await this.#api.get(`projects/${this.#slug}/pairs/?limit=${QUESTIONS}`);
    this.#questions = results;
  }

  #prune() {
    const held = new Set(this.#held());
    this.#ahead = this.#ahead.map((group) => this.#waiting(group)).filter((group) => group && !held.has(group.id));
  }

  /** A group without the faces that were decided here. */
  #waiting(group) {
    const faces = group.faces.filter(({ id }) => !this.#isSettled(id));
    if (!faces.length) return null;
    if (faces.length === group.faces.length) return group;
    return { ...group, faces, size: group.size - (group.faces.length - faces.length) };
  }
}
