/** A small form over the stage: flag with a comment, skip with a reason. Not modal; Esc closes it, Enter sends it. */

export class AskPanel {
  #form;
  #onDone;

  /**
   * @param {HTMLFormElement} form  with at most one text input
   * @param {{onSend: (form: HTMLFormElement) => void, onDone: () => void}} parts  onDone: it is closed
   */
  constructor(form, { onSend, onDone }) {
    this.#form = form;
    this.#onDone = onDone;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      onSend(form);
      this.toggle(false);
    });
    form.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        event.stopPropagation();
        event.preventDefault();
        this.toggle(false);
      }
    });
    form.querySelector("[data-ask-close]").addEventListener("click", () => this.toggle(false));
  }

  get isOpen() {
    return !this.#form.hidden;
  }

  /** @param {boolean} [open] */
  toggle(open = !this.isOpen) {
    if (open === this.isOpen) return;
    this.#form.hidden = !open;
    if (open) {
      this.#form.reset();
      this.#form.querySelector("[data-ask-first]").focus();
    } else this.#onDone();
  }
}

/**
 * Quick answers by digit: the press of 1 presses the first of the form's answers.
 * @param {HTMLFormElement} form
 */
export function connectQuickAnswers(form) {
  form.addEventListener("keydown", (event) => {
    if (event.target.matches("input")) return;
    const answer = form.querySelector(`[data-quick="${CSS.escape(event.key.toLowerCase())}"]`);
    if (!answer || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    answer.click();
  });
}
