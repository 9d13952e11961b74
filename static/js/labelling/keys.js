/** Which key does what. Keys can be remapped; two commands never share one. */

/**
 * @typedef {{id: string, words: string, keys: string[], group: string}} Command
 * @typedef {object} KeyTable  the keys of one screen
 * @property {string} storageKey  under which a person's own keys are kept
 * @property {Command[]} commands
 * @property {{words: string, keys: string[], group: string}[]} gestures  belong to no command and stay as they are
 * @property {RegExp} kept  commands whose key is part of the page's promise, or one of a row of nine
 * @property {string} nine  what the row pick1 … pick9 does
 */

const ARROWS = { ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←", ArrowRight: "→" };
const RESERVED = /^(Alt\+)?(Shift\+)?(Arrow(Up|Down|Left|Right)|Escape|Enter|Tab| )$/;
const MODIFIERS = new Set(["Shift", "Control", "Alt", "Meta", "AltGraph", "CapsLock", "Dead"]);
const SHORT = { Escape: "Esc", Delete: "Del", Backspace: "⌫", " ": "Space", ...ARROWS };

/** @param {KeyboardEvent} event @returns {string|null} like "x", "Shift+z", "Ctrl+z", "?"; null for a bare modifier */
export function comboOf(event) {
  if (MODIFIERS.has(event.key)) return null;
  const isLetter = /^\p{L}$/u.test(event.key);
  const key = isLetter ? event.key.toLowerCase() : event.key;
  // For signs the layout has used Shift up already: "?" is Shift and something on one keyboard, not on another.
  const isCapital = isLetter && event.key !== key && !event.getModifierState("CapsLock");
  const shift = isCapital || (event.shiftKey && (isLetter || key.length > 1)) ? "Shift+" : "";
  return `${event.ctrlKey || event.metaKey ? "Ctrl+" : ""}${event.altKey ? "Alt+" : ""}${shift}${key}`;
}

/** @param {string} combo @returns {string} for a small cap */
export function comboWords(combo) {
  const parts = combo === "+" ? ["+"] : combo.split("+");
  return parts.map((part) => SHORT[part] ?? (part.length === 1 ? part.toUpperCase() : part)).join(" ");
}

export class KeyMap {
  /** @type {Record<string, string[]>} */ #own = {};

  /** @param {KeyTable} table */
  constructor(table) {
    this.table = table;
    try {
      this.#own = JSON.parse(localStorage.getItem(table.storageKey) ?? "{}");
    } catch (error) {
      console.warn("Your own keys could not be read; the usual ones are used.", error);
    }
  }

  /** @param {string} id @returns {string[]} */
  keysOf(id) {
    return this.#own[id] ?? this.table.commands.find((command) => command.id === id).keys;
  }

  /** @param {string} combo @returns {Command|null} */
  find(combo) {
    return this.table.commands.find(({ id }) => this.keysOf(id).includes(combo)) ?? null;
  }

  /** @param {KeyboardEvent} event @returns {string|null} command id */
  commandFor(event) {
    const combo = comboOf(event);
    if (combo === null) return null;
    // On Greek or Cyrillic keyboards N still means the key where N is.
    const latin = /^Key[A-Z]$/.test(event.code) && /[^\x00-\x7f]/.test(event.key);
    const fallback = latin ? combo.slice(0, -1) + event.code.slice(3).toLowerCase() : combo;
    return (this.find(combo) ?? this.find(fallback))?.id ?? null;
  }

  /** Give a command another key. @param {string} id @param {string} combo @returns {string|null} why not */
  set(id, combo) {
    if (RESERVED.test(combo)) return `${comboWords(combo)} cannot be changed.`;
    const other = this.find(combo);
    if (other && other.id !== id) return `${comboWords(combo)} already does “${other.words}”. Pick another key.`;
    this.#own = { ...this.#own, [id]: [combo] };
    return this.#save();
  }

  reset() {
    this.#own = {};
    return this.#save();
  }

  #save() {
    try {
      localStorage.setItem(this.table.storageKey, JSON.stringify(this.#own));
      return null;
    } catch {
      return "The keys count for this page only: this browser forbids storage.";
    }
  }
}

/** Show the present keys in everything marked data-key-for. @param {ParentNode} root @param {KeyMap} keys */
export function showKeys(root, keys) {
  for (const cap of root.querySelectorAll("[data-key-for]")) {
    cap.textContent = comboWords(keys.keysOf(cap.dataset.keyFor)[0]);
  }
}
