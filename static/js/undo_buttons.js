/** Buttons that take a change back: `data-undo` is the address of its undo. */

import { undo } from "./undo.js";

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-undo]");
  if (!button || button.disabled) return;
  button.disabled = true; // once is enough
  try {
    await undo(button.dataset.undo);
  } finally {
    button.disabled = false;
  }
});
