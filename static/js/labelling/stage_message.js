/** What the stage says when there is no photo on it: loading, nothing waiting, or what went wrong. */

/** Quicker than this nobody needs to read that something is loading. */
const PATIENCE_MS = 180;

export class StageMessage {
  #box;
  #timer = 0;
  /** @type {string|null} */ #shown = null;

  /** @param {HTMLElement} box  holds one element per data-message */
  constructor(box) {
    this.#box = box;
  }

  /**
   * @param {{phase: string, canLabel: boolean, problem: Error|null}} session
   * @param {() => void} onShown  what was shown before must go now
   */
  show(session, onShown) {
    clearTimeout(this.#timer);
    if (session.phase === "loading") {
      this.#timer = setTimeout(() => {
        onShown();
        this.#only("loading");
      }, PATIENCE_MS);
      return;
    }
    if (session.phase === "ready") return this.#only("");
    onShown();
    const name = session.phase === "empty" && !session.canLabel ? "look" : session.phase;
    const text = this.#box.querySelector(`[data-message=${name}] [data-part=text]`);
    if (text && session.problem) text.textContent = session.problem.message;
    this.#only(name);
  }

  #only(name) {
    if (this.#shown === name) return;
    this.#shown = name;
    for (const message of this.#box.children) message.hidden = message.dataset.message !== name;
    this.#box.hidden = name === "";
  }
}
