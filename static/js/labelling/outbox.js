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
  /** @type {"offline"|"server"|"login"|null} why the last attempt failed */ trouble = null;
  #table;
  #owner;
  #project;
  #send;
  #timer = 0;
  #failures = 0;

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

  /** Take up what an earlier page left behind. @returns {Promise<number>} how many entries */
  async load() {
    const isMine = ({ owner, project }) => owner === this.#owner && project === this.#project;
    const mine = (await this.#table.all()).filter(isMine).map(withPath);
    // Whether an earlier page got as far as sending is not known: count it as tried.
    this.entries = mine.sort((a, b) => a.at - b.at).map((entry) => ({ ...entry, attempts: entry.attempts + 1 }));
    this.#tell();
    this.entries.filter(({ refusal }) => refusal).forEach((entry) => this.#fire("refused", { entry }));
    this.#go();
    return mine.length;
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
    return this.waiting.length ? "saving" : "saved";
  }

  /** Resolves once the entry is kept on this computer; sending goes on behind. @param {Partial<Entry>} decision */
  async add(decision) {
    const kept = { owner: this.#owner, project: this.#project, at: Date.now(), attempts: 0, refusal: null };
    const entry = { ...decision, ...kept };
    try {
      await this.#table.put(entry);
    } catch (error) {
      // A full disk must not stop the sending; but then only this page has the entry, and the person must know.
      console.error("A decision could not be written to disk.", error);
      this.#fire("unkept", { entry });
    }
    this.entries.push(entry);
    this.#tell();
    this.#go();
    return entry;
  }

  /** @param {string} id @returns {Entry|undefined} */
  find(id) {
    return this.entries.find((entry) => entry.id === id);
  }

  /** Take an entry back. False when the server may already have it. @param {string} id */
  async withdraw(id) {
    const entry = this.find(id);
    if (!entry || entry.attempts > 0) return false;
    await this.discard(id);
    return true;
  }

  /** Give up an entry for good. @param {string} id */
  async discard(id) {
    this.entries = this.entries.filter((entry) => entry.id !== id);
    this.#tell();
    await this.#table.remove(id);
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
    try {
      const answer = await this.#send(entry);
      await this.#settle(entry, answer);
    } catch (error) {
      await this.#failed(entry, error);
    } finally {
      this.sending = null;
    }
    this.#tell();
    this.#go();
  }

  async #settle(entry, answer) {
    this.#failures = 0;
    this.trouble = null;
    await this.discard(entry.id);
    this.#fire("saved", { entry, answer });
  }

  async #failed(entry, error) {
    if (!error.kind) console.error("A decision could not be sent; it stays kept.", error);
    if (!error.kind || error.passing || error.kind === "login") {
      this.trouble = error.kind ?? "server";
      const wait = Math.min(FIRST_WAIT_MS * 2 ** this.#failures, LONGEST_WAIT_MS);
      this.#failures += 1;
      this.#timer = setTimeout(() => this.retryNow(), wait * (0.75 + Math.random() / 2));
      return;
    }
    this.trouble = null;
    this.#failures = 0;
    const { kind, code, message, body } = error;
    entry.refusal = { kind, code, message, current: body?.current ?? null, gone: body?.gone ?? [] };
    await this.#table.put(entry);
    this.#fire("refused", { entry });
  }

  #fire(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }
}

/** Entries of before an outbox could send more than photos say nothing of where to. */
const withPath = (entry) => ({ path: `images/${entry.imageId}/submit/`, ...entry });
