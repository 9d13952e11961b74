/** What was decided on this page, and the way back and forth. Knows the outbox and the server's undo. */

/**
 * @typedef {object} Step
 * @property {"faces"|"pair"|"skip"} kind
 * @property {import("../labelling/outbox.js").Entry} [entry]
 * @property {object} [group] @property {import("./board.js").State} [state]  as they were
 * @property {object} [question]
 */

export class Trail {
  /** @type {Step[]} newest last */ #done = [];
  /** @type {Step[]} taken back, newest last */ #undone = [];
  #api;
  #outbox;

  /** @param {typeof import("../api.js").api} api @param {import("../labelling/outbox.js").Outbox} outbox */
  constructor(api, outbox) {
    this.#api = api;
    this.#outbox = outbox;
  }

  /** @returns {Step|null} */
  get last() {
    return this.#done.at(-1) ?? null;
  }

  /** @returns {Step|null} what redo would do again */
  get next() {
    return this.#undone.at(-1) ?? null;
  }

  /** @param {Step} step @param {boolean} isAgain  it was redone: what else was taken back stays */
  add(step, isAgain = false) {
    this.#done.push(step);
    if (isAgain) this.#undone.pop();
    else this.#undone = [];
  }

  /** The last step was taken back. @param {Step} step  it, as it stands now */
  moveBack(step) {
    this.#done.pop();
    this.#undone.push(step);
  }

  /** @param {string} id @param {import("../labelling/outbox.js").Entry|null} entry  sent instead; null: given up */
  replace(id, entry) {
    const at = this.#done.findIndex((step) => step.entry?.id === id);
    if (at !== -1 && entry) this.#done[at] = { ...this.#done[at], entry };
    else if (at !== -1) this.#done.splice(at, 1);
  }

  /**
   * Undo the last step where it was stored.
   * @returns {Promise<{problem: string|null, faces: {id: number, version: number}[]}>}  faces as the undoing left them
   */
  async takeBack() {
    const { kind, entry } = this.last;
    const done = (faces = []) => ({ problem: null, faces });
    const kept = (problem) => ({ problem, faces: [] });
    if (kind === "skip") return done();
    if (await this.#outbox.withdraw(entry.id)) return done();
    await this.#answered(entry.id);
    if (this.#outbox.find(entry.id)?.refusal) {
      return kept("Your last decision was not saved: choose first what should become of it.");
    }
    if (this.#outbox.find(entry.id)) {
      return kept("Your last decision is still on its way to the server. Undo it when the badge says Saved.");
    }
    try {
      return done((await this.#api.post(`events/${entry.id}/undo/`)).faces);
    } catch (error) {
      if (!error.kind) throw error;
      return kept(`Your last decision was not undone. ${error.message}`);
    }
  }

  /** Resolves once the attempt to send the entry that is under way has ended, one way or the other. */
  async #answered(id) {
    while (this.#outbox.sending?.id === id) {
      await new Promise((resolve) => this.#outbox.addEventListener("change", resolve, { once: true }));
    }
  }
}
