/** What the server refused of a sorting: what others said of the faces beside mine, and the choice between them. */

import { make } from "../element.js";
import { describeState } from "../labelling/decisions.js";
import { uuid } from "../uuid.js";
import { counted, entryForFaces, entryForPair, outcomeOf } from "./verdicts.js";

/** @typedef {import("../labelling/outbox.js").Entry} Entry */

const MOST_ROWS = 24;

/** @param {Entry} entry @returns {boolean} whether it was decided on this screen */
export const isOfSort = ({ kind }) => kind === "faces" || kind === "pair";

/**
 * @param {HTMLElement} element  the panel
 * @param {object} parts
 * @param {import("../labelling/outbox.js").Outbox} parts.outbox
 * @param {string} parts.slug
 * @param {(message: string, tone: string) => void} parts.say
 * @param {(old: Entry, entry: Entry|null) => void} parts.onResolved
 * @param {() => void} parts.onDone  nothing is left to choose
 */
export function connectConflicts(element, { outbox, slug, say, onResolved, onDone }) {
  const part = (name) => element.querySelector(`[data-part=${name}]`);
  let shown = "";

  function showFirst() {
    const [entry, ...more] = outbox.refused.filter(isOfSort);
    const now = entry ? `${entry.id} ${more.length}` : "";
    if (now === shown) return;
    shown = now;
    element.hidden = !entry;
    if (!entry) return onDone();
    part("title").textContent = `${mine(entry)}: not saved${more.length ? ` (and ${more.length} more)` : ""}`;
    part("text").textContent = entry.refusal.message;
    part("sides").replaceChildren(...rows(entry));
    part("choices").replaceChildren(...choices(entry).map(({ words, isFirst, act }) => button(words, isFirst, act)));
  }

  /** @returns {{words: string, isFirst?: boolean, act: () => void}[]} */
  function choices(entry) {
    const drop = { words: "Keep theirs, drop mine", act: () => settle(entry, null, "Yours was dropped.") };
    const again = (words, faces, more = {}) => ({ words, act: () => settle(entry, anew(slug, entry, faces, more)) });
    if (entry.kind === "pair") return [{ ...drop, words: "Drop my answer" }, again("Send it again")];
    const { kind, code, current } = entry.refusal;
    if (code === "twice") {
      return [{ ...drop, words: "Drop mine" }, again("It is a mirror or a collage", entry.cards, { allowTwice: true })];
    }
    if (kind !== "stale" || !current) return [{ ...drop, words: "Drop mine" }, again("Send it again", entry.cards)];
    const { open, all } = facesNow(entry);
    const rest = open.length ? [{ ...again(`Send mine for the other ${open.length}`, open), isFirst: true }] : [];
    return [drop, ...rest, ...(all.length > open.length ? [again(`Send mine for all ${all.length}`, all)] : [])];
  }

  async function settle(entry, instead, words = "") {
    if (instead) await outbox.replace(entry.id, instead);
    else await outbox.discard(entry.id);
    onResolved(entry, instead);
    if (words) say(words, "info");
  }

  outbox.addEventListener("change", showFirst);
}

/** My faces with the versions they have now: those still open, and all that are still there. */
function facesNow({ cards, refusal }) {
  const now = new Map(refusal.current.map((face) => [face.id, face]));
  const gone = new Set(refusal.gone ?? []);
  const all = cards.filter(({ id }) => !gone.has(id)).map((face) => ({ ...face, version: now.get(face.id)?.version ?? face.version }));
  return { all, open: all.filter(({ id }) => isOpen(now.get(id))) };
}

const isOpen = (face) => !face || (face.state !== "rejected" && face.who === "unassigned");

function anew(slug, entry, faces, more) {
  if (entry.kind === "pair") return entryForPair({ slug, eventId: uuid(), question: entry.question, same: entry.same });
  const strangers = entry.strangers.map((id) => ({ id }));
  const options = { slug, eventId: uuid(), verdict: entry.verdict, faces, strangers, ...more };
  return { ...entryForFaces(options), groups: entry.groups };
}

function mine(entry) {
  if (entry.kind === "pair") return entry.same ? "“The same person”" : "“Different people”";
  return `${counted(entry.cards.length)} as “${outcomeOf(entry.verdict)}”`;
}

/** Faces about which others spoke, with what they said; what differs is what the choice is about. */
function rows(entry) {
  const { current } = entry.refusal;
  if (entry.kind === "pair" || !current) return [];
  const crops = new Map(entry.cards.map((face) => [face.id, face.crop]));
  const said = current.map((face) => row(face, crops.get(face.id), outcomeOf(entry.verdict)));
  const list = make("ul", "versus-faces");
  list.append(...said.slice(0, MOST_ROWS));
  if (said.length > MOST_ROWS) list.append(make("li", "muted small", `and ${said.length - MOST_ROWS} more`));
  return [list];
}

function row(face, crop, myWord) {
  const { chip, words } = describeState(face);
  const item = make("li", "versus-face");
  const image = new Image(48, 48);
  image.alt = "";
  if (crop) image.src = crop;
  const theirs = make("span", "versus-face__word");
  theirs.append(make("span", "small muted", "Theirs: "), face.identity?.name ?? "", " ", make("span", `chip chip--${chip}`, words));
  const own = make("span", "versus-face__word");
  own.append(make("span", "small muted", "Mine: "), myWord);
  item.append(image, theirs, own);
  return item;
}

function button(words, isFirst, act) {
  const made = make("button", isFirst ? "button button--primary" : "button", words);
  made.type = "button";
  made.addEventListener("click", act);
  return made;
}
