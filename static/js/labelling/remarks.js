/** What others remarked about the open photo: flags, and why a reviewer returned it. */

const KINDS = { flag: "flagged", return: "returned" };

function make(name, className, text = "") {
  const element = document.createElement(name);
  element.className = className;
  element.textContent = text;
  return element;
}

/**
 * @param {HTMLElement} list
 * @param {object[]} remarks  as on the wire
 * @param {{canSettle: boolean, onSettle: (id: number) => void}} parts
 */
export function showRemarks(list, remarks, { canSettle, onSettle }) {
  list.hidden = remarks.length === 0;
  list.replaceChildren(...remarks.map((remark) => row(remark, canSettle, onSettle)));
}

function row({ id, kind, text, author }, canSettle, onSettle) {
  const item = make("li", "remark");
  const words = make("p", "");
  const who = typeof author === "string" ? author : author?.username;
  words.append(make("strong", "", `${who ?? "Somebody"} ${KINDS[kind] ?? kind} this: `), text);
  item.append(words);
  if (canSettle) {
    const settle = make("button", "button button--small", "Settled");
    settle.type = "button";
    settle.addEventListener("click", () => onSettle(id));
    item.append(settle);
  }
  return item;
}
