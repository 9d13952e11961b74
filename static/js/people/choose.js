/** Choosing faces in a grid: click or Space one, Shift a range, arrows move, Escape lets all go. */

/** @param {HTMLFormElement} form  with `data-choose-grid`, and `data-choose-count` and `data-choose-all` if it likes */
export class Choice {
  #form;
  #grid;
  /** @type {HTMLInputElement|null} where a range begins */ #anchor = null;

  constructor(form) {
    this.#form = form;
    this.#grid = form.querySelector("[data-choose-grid]");
    this.#grid.addEventListener("click", (event) => this.#click(event));
    this.#grid.addEventListener("keydown", (event) => this.#key(event));
    this.#grid.addEventListener("focusin", (event) => this.#rove(event.target));
    form.addEventListener("change", () => this.#count());
    form.querySelector("[data-choose-all]")?.addEventListener("click", () => this.#all());
    this.#rove(this.#boxes()[0]);
    this.#count();
  }

  /** @returns {string[]} ids of the chosen faces */
  get chosen() {
    return this.#boxes().filter((box) => box.checked).map((box) => box.value);
  }

  /** @returns {HTMLInputElement[]} */
  #boxes() {
    return [...this.#grid.querySelectorAll("input[type=checkbox]")];
  }

  /** Tab enters the grid once and leaves it again. */
  #rove(box) {
    if (!box?.matches("input[type=checkbox]")) return;
    for (const other of this.#boxes()) other.tabIndex = other === box ? 0 : -1;
  }

  #click(event) {
    const box = event.target.closest("input[type=checkbox]");
    if (!box) return;
    if (event.shiftKey && this.#anchor) this.#range(this.#anchor, box, box.checked);
    this.#anchor = box;
  }

  #range(from, to, checked) {
    const boxes = this.#boxes();
    const [low, high] = [boxes.indexOf(from), boxes.indexOf(to)].sort((a, b) => a - b);
    for (const box of boxes.slice(low, high + 1)) box.checked = checked;
    this.#count();
  }

  #key(event) {
    const box = event.target.closest("input[type=checkbox]");
    if (!box || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") {
      for (const other of this.#boxes()) other.checked = false;
      this.#count();
      return;
    }
    const next = this.#beside(box, event.key);
    if (!next) return;
    event.preventDefault();
    next.focus();
    if (!event.shiftKey) return;
    this.#anchor ??= box;
    this.#range(this.#anchor, next, true);
  }

  /** The face the key leads to, by what is drawn: rows are as long as the window is wide. */
  #beside(box, key) {
    const boxes = this.#boxes();
    const at = boxes.indexOf(box);
    const row = this.#perRow(boxes);
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: row, ArrowUp: -row, Home: -at, End: boxes.length - 1 - at }[key];
    return step === undefined ? null : boxes[at + step] ?? null;
  }

  #perRow(boxes) {
    const top = (box) => Math.round(box.getBoundingClientRect().top);
    const second = boxes.findIndex((box) => top(box) !== top(boxes[0]));
    return second < 0 ? boxes.length : second;
  }

  #all() {
    const boxes = this.#boxes();
    const checked = boxes.some((box) => !box.checked);
    for (const box of boxes) box.checked = checked;
    this.#count();
  }

  #count() {
    const count = this.chosen.length;
    const place = this.#form.querySelector("[data-choose-count]");
    if (place) place.textContent = count ? `${count} chosen` : "None chosen";
    const all = this.#form.querySelector("[data-choose-all]");
    if (all) all.textContent = count && count === this.#boxes().length ? "Choose none" : "Choose all";
  }
}
