/** Which key does what. Keys can be remapped; two commands never share one. */

/** @typedef {{id: string, words: string, keys: string[], group: string}} Command */

const digits = ["1", "2", "3", "4", "5", "6", "7", "8", "9"];

/** @type {Command[]} */
export const COMMANDS = [
  { id: "accept", group: "Photo", words: "Accept all proposed, send, next photo", keys: ["Enter"] },
  { id: "skip", group: "Photo", words: "Skip this photo", keys: ["s"] },
  { id: "undo", group: "Photo", words: "Undo; then back to the last photo", keys: ["z", "Ctrl+z"] },
  { id: "redo", group: "Photo", words: "Redo", keys: ["Shift+z", "Ctrl+Shift+z"] },
  { id: "next", group: "Face", words: "Next face", keys: ["Tab"] },
  { id: "previous", group: "Face", words: "Previous face", keys: ["Shift+Tab"] },
  ...digits.map((digit) => ({ id: `pick${digit}`, group: "Face", words: `Suggestion ${digit}, next face`, keys: [digit] })),
  { id: "name", group: "Face", words: "Search or write a name", keys: ["/"] },
  { id: "unknown", group: "Face", words: "A face, but nobody we know", keys: ["u"] },
  { id: "ignore", group: "Face", words: "Ignore: too small, blurred, crowd", keys: ["i"] },
  { id: "reject", group: "Face", words: "Not a face", keys: ["x"] },
  { id: "draw", group: "Box", words: "Draw a box; twice: one in the middle", keys: ["n"] },
  { id: "remove", group: "Box", words: "Remove a box drawn just now", keys: ["Delete", "Backspace"] },
  { id: "zoomIn", group: "View", words: "Zoom in", keys: ["+", "="] },
  { id: "zoomOut", group: "View", words: "Zoom out", keys: ["-"] },
  { id: "fit", group: "View", words: "Whole photo", keys: ["0"] },
  { id: "keys", group: "View", words: "Show these keys", keys: ["?"] },
  { id: "cancel", group: "View", words: "Give up, close, then: on to the buttons", keys: ["Escape"] },
];

/** Keys that belong to a gesture rather than to a command; they stay as they are. */
export const FIXED = [
  { group: "Face", words: "Any other letter, or Shift and any: search a name", keys: ["A–Z"] },
  { group: "Box", words: "Move the box by 1 px, with Shift 10 px", keys: ["Arrows"] },
  { group: "Box", words: "Resize it by 1 px, with Shift 10 px", keys: ["Alt+Arrows"] },
  { group: "View", words: "Hold and drag: move the photo", keys: ["Space"] },
];

const ARROWS = { ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←", ArrowRight: "→" };
const RESERVED = new Set([...Object.keys(ARROWS), " ", "Escape", "Enter", "Tab", "Shift+Tab"]);
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
  #storageKey = "facet-label-keys";
  /** @type {Record<string, string[]>} */ #own = {};

  constructor() {
    try {
      this.#own = JSON.parse(localStorage.getItem(this.#storageKey) ?? "{}");
    } catch (error) {
      console.warn("Your own keys could not be read; the usual ones are used.", error);
    }
  }

  /** @param {string} id @returns {string[]} */
  keysOf(id) {
    return this.#own[id] ?? COMMANDS.find((command) => command.id === id).keys;
  }

  /** @param {string} combo @returns {Command|null} */
  find(combo) {
    return COMMANDS.find(({ id }) => this.keysOf(id).includes(combo)) ?? null;
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
    if (RESERVED.has(combo)) return `${comboWords(combo)} cannot be changed.`;
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
      localStorage.setItem(this.#storageKey, JSON.stringify(this.#own));
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
