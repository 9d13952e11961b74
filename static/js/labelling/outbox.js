/**
 * Decisions on their way to the server. Each is kept on this computer until the server has said yes, is sent
 * again after every failure, and carries an event id, so that sending twice changes nothing.
 *
 * Saving has three ends: saved (dropped here), refused (kept, a person decides), unknown (sent again).
 */

/**
 * @typedef {object} Entry
 * @property {string} id  the event id
 * @property {string} owner  who decided; nobody else's login may send it
 * @property {string} project  slug
 * @property {string} path  of the API, where `body` goes
 * @property {object} body
 * @property {number} [imageId]  the photo it is about, if it is about one
 * @property {string} [imageName]
 * @property {string} [words]  what it is, where that is no photo's labels
 * @property {number} at  milliseconds; the order of sending
 * @property {number} attempts
 * @property {{kind: string, code: string, message: string, current: object|null, gone: number[]}|null} refusal
 */

/** @typedef {"saved"|"saving"|"pending"|"offline"|"login"|"conflict"} SaveState */

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;

/** Fires "change"; "saved" with {entry, answer}; "refused" with {entry}; "unkept" when the disk refused an entry. */
export class Outbox extends EventTarget {
  /** @type {Entry[]} */ entries = [];
  /** @type {Entry|null} */ sending = null;
  /** @type {"offline"|"server"|"login"|null} what kept the last attempt from the server */ trouble = null;
  /** @type {import("../api.js").ApiError|Error|null} the same, in words */ problem = null;
  #table;
  #owner;
  #project;
  #send;
  #timer = 0;
  #failures = 0;
  /** @type {Set<string>} made by another page; tabs of one person share what is kept */ #adopted = new Set();
  /** @type {Map<string, Promise<void>>} being written to disk */ #making = new Map();
  /** @type {Set<string>} only this page has them */ #unkept = new Set();
  #lastAt = 0;

  /**
   * @param {import("./kept_records.js").Table} table
   * @param {{owner: string, project: string, send: (entry: Entry) => Promise<object>}} options
   */
  constructor(table, { owner, project, send }) {
    super();
    this.#table = table;
    this.#owner = owner;
    this.#project = project;
    this.#send = send;
  }

  get lasts() {
    return this.#table.lasts;
  }

  /** Take up what other pages left behind. @returns {Promise<number>} how many entries */
  async load() {
    const isMine = ({ owner, project }) => owner === this.#owner && project === this.#project;
    const isNew = ({ id }) => !this.find(id) && !this.#making.has(id);
    const left = (await this.#all()).filter((entry) => isMine(entry) && isNew(entry)).map(withPath);
    // Whether the other page got as far as sending is not known: count it as tried.
    const taken = left.map((entry) => ({ ...entry, attempts: entry.attempts + 1 }));
    taken.forEach(({ id }) => this.#adopted.add(id));
    this.entries = [...this.entries, ...taken].sort((a, b) => a.at - b.at);
    this.#lastAt = Math.max(this.#lastAt, this.entries.at(-1)?.at ?? 0);
    this.#tell();
    taken.filter(({ refusal }) => refusal).forEach((entry) => this.#fire("refused", { entry }));
    this.#go();
    return taken.length;
  }

  /** Entries still on their way. */
  get waiting() {
    return this.entries.filter(({ refusal }) => refusal === null);
  }

  /** Entries the server refused; a person has to choose. */
  get refused() {
    return this.entries.filter(({ refusal }) => refusal !== null);
  }

  /** @returns {SaveState} */
  get state() {
    if (this.waiting.length && this.trouble === "login") return "login";
    if (this.refused.length) return "conflict";
    if (this.waiting.length && this.trouble === "offline") return "offline";
    if (this.waiting.length > 1 || (this.waiting.length && this.trouble)) return "pending";
    // What is just being written to disk is decided already, and not saved.
    return this.waiting.length || this.#making.size ? "saving" : "saved";
  }

  /** Resolves once the entry is kept on this computer; sending goes on behind. @param {Partial<Entry>} decision */
  async add(decision) {
    // A clock that is set back must not change the order of what was decided.
    this.#lastAt = Math.max(Date.now(), this.#lastAt + 1);
    const kept = { owner: this.#owner, project: this.#project, at: this.#lastAt, attempts: 0, refusal: null };
    const entry = { ...decision, ...kept };
    const written = this.#write(entry);
    this.#making.set(entry.id, written);
    this.#tell();
    await written;
    this.entries.push(entry);
    this.#making.delete(entry.id);
    this.#tell();
    this.#go();
    return entry;
  }

  async #write(entry) {
    try {
      await this.#table.put(entry);
    } catch (error) {
      // A full disk must not stop the sending; but then only this page has the entry, and the person must know.
      console.error("A decision could not be written to disk.", error);
      this.#unkept.add(entry.id);
      this.#fire("unkept", { entry });
    }
  }

  /** @param {string} id @returns {Entry|undefined} */
  find(id) {
    return this.entries.find((entry) => entry.id === id);
  }

  /** Take an entry back. False when the server may already have it. @param {string} id */
  async withdraw(id) {
    await this.#making.get(id); // else it would look as if the server had it
    const entry = this.find(id);
    if (!entry || entry.attempts > 0) return false;
    return alone(id, { ifAvailable: true }, async (lock) => {
      if (!lock || !(await this.#isKept(id))) return false; // another tab is sending it, or has
      await this.discard(id);
      return true;
    });
  }

  /** Give up an entry for good. @param {string} id */
  async discard(id) {
    this.entries = this.entries.filter((entry) => entry.id !== id);
    this.#tell();
    try {
      await this.#table.remove(id);
    } catch (error) {
      console.warn("A decision that is done with could not be removed from disk; it may be sent once more.", error);
    }
  }

  /** Put a new decision in place of a refused one. @param {string} id @param {Partial<Entry>} decision */
  async replace(id, decision) {
    const entry = await this.add(decision); // first the new one: never is there none of the two on disk
    await this.discard(id);
    return entry;
  }

  /** Try now: the network came back, or the person logged in again. */
  retryNow() {
    if (!this.waiting.length) return;
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#go();
  }

  async #go() {
    if (this.sending || this.#timer) return;
    const entry = this.waiting[0];
    if (!entry) return;
    this.sending = entry;
    entry.attempts += 1;
    this.#tell();
    await alone(entry.id, {}, () => this.#deliver(entry));
    this.sending = null;
    this.#tell();
    this.#go();
  }

  async #deliver(entry) {
    const isElsewhere = this.#adopted.has(entry.id) && !(await this.#isKept(entry.id));
    if (isElsewhere) await this.discard(entry.id); // its own page has sent it, or taken it back
    if (!this.find(entry.id)) return;
    let answer;
    try {
      answer = await this.#send(entry);
    } catch (error) {
      return this.#failed(entry, error);
    }
    this.#failures = 0;
    this.trouble = null;
    this.problem = null;
    const gone = this.discard(entry.id); // out of the list at once
    // In the same turn: a photo that the queue gave before it knew must not pass for one that waits.
    this.#fire("saved", { entry, answer });
    await gone;
  }

  async #all() {
    try {
      return await this.#table.all();
    } catch (error) {
      console.warn("What is kept on this computer could not be read.", error);
      return [];
    }
  }

  async #isKept(id) {
    try {
      return this.#unkept.has(id) || Boolean(await this.#table.get(id));
    } catch (error) {
      console.warn("What is kept on this computer could not be read.", error);
      return true;
    }
  }

  async #failed(entry, error) {
    if (!error.kind) console.error("A decision could not be sent; it stays kept.", error);
    if (!error.kind || error.passing || error.kind === "login") {
      this.trouble = error.kind ?? "server";
      this.problem = error;
      const wait = Math.min(FIRST_WAIT_MS * 2 ** this.#failures, LONGEST_WAIT_MS);
      this.#failures += 1;
      this.#timer = setTimeout(() => this.retryNow(), wait * (0.75 + Math.random() / 2));
      return;
    }
    this.trouble = null;
    this.problem = null;
    this.#failures = 0;
    const { kind, code, message, body } = error;
    entry.refusal = { kind, code, message, current: body?.current ?? null, gone: body?.gone ?? [] };
    try {
      await this.#table.put(entry);
    } catch (failure) {
      console.warn("The refusal could not be written to disk; after a reload the decision is sent again.", failure);
    }
    this.#fire("refused", { entry });
  }

  #fire(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }
}

/** While `act` runs, no other tab does anything about that entry. @param {LockOptions} options */
function alone(id, options, act) {
  return navigator.locks ? navigator.locks.request(`facet-outbox-${id}`, options, act) : act(true);
}

/** Entries of before an outbox could send more than photos say nothing of where to. */
const withPath = (entry) => ({ path: `images/${entry.imageId}/submit/`, ...entry });
