/** Keys of the review pages: one each, none of them taken from text fields or from buttons that have the focus. */

import { comboOf } from "../labelling/keys.js";

const TEXT = "input, textarea, select, [contenteditable]";
const FOR_BUTTONS = new Set([" ", "Enter"]);

/** @param {Record<string, () => void>} commands  by key, as labelling/keys.js names them */
export function onKeys(commands) {
  document.addEventListener("keydown", (event) => {
    const combo = comboOf(event);
    if (event.defaultPrevented || combo === null || event.target.closest?.(TEXT)) return;
    if (FOR_BUTTONS.has(event.key) && event.target.closest?.("button, a, summary")) return;
    const run = commands[combo];
    if (!run) return;
    event.preventDefault();
    // A key that is held down must not race through what nobody has looked at.
    if (!event.repeat || combo.startsWith("Arrow")) run();
  });
}

/** Buttons with data-command run the same. @param {HTMLElement} root @param {Record<string, () => void>} commands */
export function onButtons(root, commands) {
  root.addEventListener("click", (event) => {
    const pressed = event.target.closest("[data-command]");
    if (!pressed || pressed.disabled) return;
    commands[pressed.dataset.command]?.();
    // A mouse click must not leave the focus there, or the next Enter would press it again.
    if (event.detail > 0) pressed.blur();
  });
}
