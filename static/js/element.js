/** @param {string} name @param {string} [className] @param {string} [text] @returns {HTMLElement} */
export function make(name, className = "", text = "") {
  const element = document.createElement(name);
  element.className = className;
  element.textContent = text;
  return element;
}
