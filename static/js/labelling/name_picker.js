/** The input that names a face: searches on the server as you type, and offers a new person. */

import { samePerson } from "./decisions.js";

/** @typedef {import("./decisions.js").Person & {faces?: number, crop?: string|null}} Found */

const WAIT_MS = 120;
const MOST_RECENT = 8;

export class NamePicker {
  /** The whole combobox: put it where it should show. @type {HTMLElement} */ element;
  #input;
  #list;
  #note;
  #search;
  #onPick;
  #onClose;
  /** @type {(Found & {isNew?: boolean})[]} */ #options = [];
  #active = 0;
  /** @type {Found[]} names used on this page, latest first */ #recent = [];
  #timer = 0;
  /** @type {AbortController|null} */ #asking = null;
  /** The text the shown options belong to; null while the server is asked. */ #answered = "";
  #enterWaits = false;

  /**
   * @param {HTMLTemplateElement} template
   * @param {object} parts
   * @param {(text: string, signal: AbortSignal) => Promise<Found[]>} parts.search
   * @param {(person: Found) => void} parts.onPick
   * @param {() => void} parts.onClose  left without a choice
   */
  constructor(template, { search, onPick, onClose }) {
    this.element = template.content.firstElementChild.cloneNode(true);
    this.#input = this.element.querySelector("input");
    this.#list = this.element.querySelector("[role=listbox]");
    this.#note = this.element.querySelector("[data-picker-note]");
    this.#search = search;
    this.#onPick = onPick;
    this.#onClose = onClose;
    this.#input.addEventListener("input", () => this.#typed());
    this.#input.addEventListener("focus", () => this.#typed());
    this.#input.addEventListener("blur", () => this.#left());
    this.#input.addEventListener("keydown", (event) => this.#key(event));
    this.#list.addEventListener("pointerdown", (event) => this.#press(event));
  }

  get isOpen() {
    return document.activeElement === this.#input;
  }

  /** @param {string} text  what was typed already */
  open(text = "") {
    this.#input.value = text;
    this.#input.focus({ preventScroll: true });
    this.#typed();
  }

  /** Forget text and options, for the next face. */
  reset() {
    this.#hush();
    this.#input.value = "";
    this.#show([]);
    this.#note.textContent = "";
  }

  /** @param {Found} person  offered first from now on */
  remember(person) {
    this.#recent = [person, ...this.#recent.filter((other) => !samePerson(other, person))].slice(0, MOST_RECENT);
  }

  /** A new person has got an id: use it from now on. @param {Found} person */
  learn(person) {
    const isNew = (known) => known.id === null && samePerson(known, person);
    this.#recent = this.#recent.map((known) => (isNew(known) ? { ...known, id: person.id } : known));
  }

  #typed() {
    const text = this.#input.value.trim();
    this.#hush();
    if (text === "") {
      this.#answer(text, this.#recent);
      this.#note.textContent = this.#recent.length ? "Names used last" : "Type a name";
      return;
    }
    this.#timer = setTimeout(() => this.#ask(text), WAIT_MS);
  }

  async #ask(text) {
    const asking = new AbortController();
    this.#asking = asking;
    this.#list.setAttribute("aria-busy", "true");
    try {
      this.#answer(text, await this.#search(text, asking.signal));
      this.#note.textContent = "";
    } catch (error) {
      if (asking.signal.aborted) return;
      if (!error.kind) throw error;
      this.#answer(text, this.#recent.filter(({ name }) => fold(name).includes(fold(text))));
      this.#note.textContent = `Names cannot be searched now. ${error.message} You can still use the name as typed.`;
    } finally {
      if (this.#asking === asking) this.#list.removeAttribute("aria-busy");
    }
  }

  #answer(text, found) {
    this.#answered = text;
    const hasExact = found.some(({ name }) => fold(name) === fold(text));
    const fresh = text === "" || hasExact ? [] : [{ id: null, name: text.replace(/\s+/g, " "), isNew: true }];
    this.#show([...found, ...fresh]);
    const exact = this.#options.findIndex(({ name, isNew }) => !isNew && fold(name) === fold(text));
    this.#activate(Math.max(exact, 0));
    if (!this.#enterWaits) return;
    this.#enterWaits = false;
    // Enter came before the answer: only a choice without any doubt is taken for the person.
    if (exact !== -1 || (this.#options.length === 1 && fresh.length === 1)) this.#pick(Math.max(exact, 0));
  }

  #show(options) {
    this.#options = options;
    this.#list.replaceChildren(...options.map((option, index) => this.#row(option, index)));
    this.#list.hidden = options.length === 0;
    this.#input.setAttribute("aria-expanded", String(options.length > 0));
    if (options.length === 0) this.#input.removeAttribute("aria-activedescendant"); // no row is left to point at
  }

  #row(option, index) {
    const row = document.createElement("li");
    row.id = `name-option-${index}`;
    row.role = "option";
    row.className = "picker__option";
    row.dataset.index = String(index);
    if (option.crop) {
      const crop = new Image(24, 24);
      crop.src = option.crop;
      crop.alt = "";
      crop.className = "picker__crop";
      row.append(crop);
    }
    const name = document.createElement("span");
    name.className = "picker__name";
    name.textContent = option.isNew ? `New person “${option.name}”` : option.name;
    row.append(name);
    if (option.faces !== undefined) {
      const count = document.createElement("span");
      count.className = "picker__count";
      count.textContent = option.faces === 1 ? "1 face" : `${option.faces} faces`;
      row.append(count);
    }
    return row;
  }

  #activate(index) {
    this.#active = index;
    [...this.#list.children].forEach((row, at) => row.setAttribute("aria-selected", String(at === index)));
    const row = this.#list.children[index];
    if (row) this.#input.setAttribute("aria-activedescendant", row.id);
    else this.#input.removeAttribute("aria-activedescendant");
    row?.scrollIntoView({ block: "nearest" });
  }

  #key(event) {
    if (event.isComposing) return; // Enter ends the composition, not the search
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && this.#options.length) {
      event.preventDefault();
      this.#activate((this.#active + step + this.#options.length) % this.#options.length);
    } else if (event.key === "Enter") {
      event.preventDefault();
      event.stopPropagation();
      this.#enter();
    } else if (event.key === "Escape" || event.key === "Tab") {
      event.preventDefault();
      if (event.key === "Escape") event.stopPropagation();
      this.#input.blur();
    }
  }

  #enter() {
    const text = this.#input.value.trim();
    if (text !== this.#answered) this.#enterWaits = true;
    else if (this.#options.length) this.#pick(this.#active);
    else this.#input.blur();
  }

  #press(event) {
    event.preventDefault(); // the input keeps the focus until the choice is made
    const row = event.target.closest("[data-index]");
    if (row) this.#pick(Number(row.dataset.index));
  }

  #pick(index) {
    const { id, name, crop, faces } = this.#options[index];
    const person = { id, name, crop, faces };
    this.remember(person);
    this.reset();
    this.#onPick(person);
  }

  #left() {
    this.reset();
    this.#onClose();
  }

  #hush() {
    clearTimeout(this.#timer);
    this.#asking?.abort();
    this.#asking = null;
    this.#enterWaits = false;
    this.#list.removeAttribute("aria-busy");
  }
}

const fold = (text) => text.normalize("NFC").toLocaleLowerCase();
