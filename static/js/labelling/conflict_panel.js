/** What the server refused: my version and theirs side by side, and the choice between them. Not modal. */

import { describeState, faceFromWire, sameDecision } from "./decisions.js";

/** @typedef {import("./decisions.js").Face} Face */

const MOST_ROWS = 12;

function make(name, className, text = "") {
  const element = document.createElement(name);
  element.className = className;
  element.textContent = text;
  return element;
}

export class ConflictPanel {
  #panel;
  #title;
  #text;
  #sides;
  #send;
  #drop;
  /** @type {import("./outbox.js").Entry|null} */ #entry = null;

  /**
   * @param {HTMLElement} panel
   * @param {{onDrop: (entry: object) => void, onSend: (entry: object) => void}} parts
   */
  constructor(panel, { onDrop, onSend }) {
    const part = (name) => panel.querySelector(`[data-part=${name}]`);
    this.#panel = panel;
    this.#title = part("title");
    this.#text = part("text");
    this.#sides = part("sides");
    this.#send = part("send");
    this.#drop = part("drop");
    this.#drop.addEventListener("click", () => this.#entry && onDrop(this.#entry));
    this.#send.addEventListener("click", () => this.#entry && onSend(this.#entry));
  }

  /**
   * @param {import("./outbox.js").Entry|null} entry  null hides the panel
   * @param {object|null} theirs  the photo as the server has it now, if known
   * @param {number} more  further refused photos behind this one
   */
  show(entry, theirs = null, more = 0) {
    this.#entry = entry;
    this.#panel.hidden = entry === null;
    if (!entry) return;
    const stale = entry.refusal.kind === "stale";
    this.#panel.removeAttribute("aria-busy");
    this.#title.textContent = `${titleOf(entry)} was not saved${more ? ` (and ${more} more)` : ""}`;
    this.#text.textContent = entry.refusal.message;
    this.#drop.textContent = entry.faces ? "Keep theirs" : "Give it up";
    this.#send.hidden = !stale && entry.refusal.kind !== "forbidden" && entry.refusal.code !== "refused";
    if (!entry.faces) return this.#sides.replaceChildren();
    const other = theirFaces(theirs);
    this.#sides.replaceChildren(side("Mine", entry.faces, other), side("Theirs", other, entry.faces));
  }

  /** While the choice is carried out. */
  busy() {
    this.#panel.setAttribute("aria-busy", "true");
  }

}

/** @param {import("./outbox.js").Entry} entry @returns {string} what it is about */
export const titleOf = ({ words, imageName }) => words ?? `“${imageName}”`;

/** @param {string} title @param {Face[]|null} faces  null when not known @param {Face[]|null} others  to compare with */
function side(title, faces, others) {
  const made = make("div", "conflict__side");
  if (faces === null) {
    made.append(make("h4", "", title), make("p", "muted", "Not known: the server could not be asked."));
    return made;
  }
  // What differs comes first: that is what the choice is about.
  const rows = faces.map((face) => ({ face, isOther: others !== null && differs(face, others) }));
  rows.sort((a, b) => Number(b.isOther) - Number(a.isOther));
  const list = make("ul", "conflict__faces");
  list.append(...rows.slice(0, MOST_ROWS).map(({ face, isOther }) => row(face, isOther)));
  made.append(make("h4", "", `${title}: ${faces.length === 1 ? "1 face" : `${faces.length} faces`}`), list);
  if (rows.length > MOST_ROWS) made.append(make("p", "muted", `and ${rows.length - MOST_ROWS} more`));
  return made;
}

/** @returns {Face[]|null} */
function theirFaces(theirs) {
  return theirs?.faces ? theirs.faces.map((face) => faceFromWire(face)) : null;
}

function differs(face, others) {
  const other = others.find(({ uid }) => uid === face.uid);
  return !other || !sameDecision(other, face);
}

function row(face, isOther) {
  const { chip, words } = describeState(face);
  const item = make("li", isOther ? "conflict__face conflict__face--differs" : "conflict__face");
  item.append(make("span", "truncate", face.person?.name ?? "no name"), make("span", `chip chip--${chip}`, words));
  if (isOther) item.append(make("span", "small", "differs"));
  return item;
}
