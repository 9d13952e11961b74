/** Short words at the bottom of the page, with an undo where there is one. */

/**
 * @typedef {object} ToastOptions
 * @property {"info"|"success"|"warn"|"error"} [tone]
 * @property {{label: string, run: () => unknown}} [action]
 * @property {number} [ms]  how long it stays; errors stay until closed
 */

const STAY_MS = 6000;
const MOST = 3;

/** @param {string} message @param {ToastOptions} [options] @returns {() => void} closes it early */
export function toast(message, { tone = "info", action, ms } = {}) {
  const region = document.getElementById("toasts");
  if (!region) return () => {};
  const box = document.createElement("div");
  box.className = `toast toast--${tone}`;
  const text = document.createElement("span");
  text.className = "toast__text";
  text.textContent = message;
  box.append(text);
  const close = () => box.remove();
  if (action) {
    box.append(button(action.label, () => {
      close();
      action.run();
    }));
  }
  box.append(button("×", close, "Close"));
  region.append(box);
  while (region.children.length > MOST) region.firstElementChild.remove();
  leaveLater(box, close, ms ?? (tone === "error" ? 0 : STAY_MS));
  return close;
}

function button(label, run, name) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "button button--small button--quiet";
  made.textContent = label;
  if (name) made.setAttribute("aria-label", name);
  made.addEventListener("click", run);
  return made;
}

/** The clock stands still while the pointer or the focus is on the toast. */
function leaveLater(box, close, ms) {
  if (!ms) return;
  let timer = setTimeout(close, ms);
  const hold = () => clearTimeout(timer);
  const go = () => {
    clearTimeout(timer);
    timer = setTimeout(close, ms);
  };
  box.addEventListener("pointerenter", hold);
  box.addEventListener("focusin", hold);
  box.addEventListener("pointerleave", go);
  box.addEventListener("focusout", go);
}
