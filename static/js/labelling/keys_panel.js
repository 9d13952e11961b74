/** The panel behind "?": all keys, and a way to change them. It does not stop the work beside it. */

import { comboOf, comboWords } from "./keys.js";

function make(name, className, text = "") {
  const element = document.createElement(name);
  element.className = className;
  element.textContent = text;
  return element;
}

export class KeysPanel {
  #panel;
  #list;
  #note;
  #keys;
  #onChange;
  /** @type {(() => void)|null} stops waiting for the new key */ #stopWaiting = null;

  /** @param {HTMLElement} panel @param {{keys: import("./keys.js").KeyMap, onChange: () => void}} parts */
  constructor(panel, { keys, onChange }) {
    this.#panel = panel;
    this.#list = panel.querySelector("[data-keys-list]");
    this.#note = panel.querySelector("[data-keys-note]");
    this.#keys = keys;
    this.#onChange = onChange;
    panel.querySelector("[data-keys-close]").addEventListener("click", () => this.toggle(false));
    panel.querySelector("[data-keys-reset]").addEventListener("click", () => {
      this.#changed(this.#keys.reset() ?? "The usual keys are back.");
    });
  }

  get isOpen() {
    return !this.#panel.hidden;
  }

  /** @param {boolean} [open] */
  toggle(open = !this.isOpen) {
    this.#stopWaiting?.();
    this.#panel.hidden = !open;
    this.#note.textContent = "";
    if (open) this.#render();
  }

  #render() {
    const { commands, gestures } = this.#keys.table;
    const groups = Map.groupBy(commands.filter(({ id }) => !/^pick[2-9]$/.test(id)), ({ group }) => group);
    const sections = [...groups].map(([group, members]) => {
      const section = make("section", "keys__section");
      const fixed = gestures.filter((one) => one.group === group).map(({ words, keys }) => this.#line(words, keys));
      section.append(make("h3", "keys__group", group), ...members.map((command) => this.#row(command)), ...fixed);
      return section;
    });
    this.#list.replaceChildren(...sections);
  }

  #row({ id, words }) {
    if (id === "pick1") return this.#line(this.#keys.table.nine, ["1 – 9"]);
    const row = this.#line(words, this.#keys.keysOf(id));
    if (this.#keys.table.kept.test(id)) return row;
    const change = make("button", "button button--quiet button--small", "change");
    change.type = "button";
    change.setAttribute("aria-label", `Change the key for: ${words}`);
    change.addEventListener("click", () => this.#wait(id, words, change));
    row.append(change);
    return row;
  }

  #line(words, keys) {
    const row = make("div", "keys__row");
    const caps = make("span", "keys__caps");
    caps.append(...keys.map((combo) => make("kbd", "kbd", comboWords(combo))));
    row.append(caps, make("span", "keys__words", words));
    return row;
  }

  #wait(id, words, button) {
    this.#stopWaiting?.();
    button.textContent = "press…";
    this.#note.textContent = `Press the new key for “${words}”, Esc keeps the old one.`;
    const take = (event) => {
      const combo = comboOf(event);
      if (combo === null) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      this.#stopWaiting();
      if (combo === "Escape") this.#changed("");
      else this.#changed(this.#keys.set(id, combo) ?? `“${words}” is now ${comboWords(combo)}.`);
    };
    this.#stopWaiting = () => {
      document.removeEventListener("keydown", take, true);
      button.textContent = "change";
      this.#stopWaiting = null;
    };
    document.addEventListener("keydown", take, true);
  }

  #changed(note) {
    this.#render();
    this.#note.textContent = note;
    this.#onChange();
  }
}
