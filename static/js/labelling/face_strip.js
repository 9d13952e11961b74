/** The strip on the right: one card per face; the selected one shows suggestions, name input and actions. */

import { percent } from "../percent.js";
import { squareAround } from "./box_geometry.js";
import { describeState, namesakes, samePerson } from "./decisions.js";
import { paintCrop } from "./picture.js";

/** @typedef {import("./decisions.js").Face} Face */

const ORIGINS = { human: "drawn by hand", import: "imported" };
/** More than fit into the strip; the others are made when they come near. */
const MADE_AT_ONCE = 16;
const NEAR = "400px 0px";

/**
 * @typedef {object} Scene  what the cards are drawn from
 * @property {import("./store.js").FaceStore} store
 * @property {Map<string, Face>} outlook  proposed faces as Enter would leave them
 * @property {(face: Face) => import("./looks.js").Look|null} lookOf
 * @property {HTMLImageElement} picture
 * @property {import("./box_geometry.js").Size} image
 * @property {boolean} canEdit
 */

/** @typedef {{element: HTMLElement, isMade: boolean, shown: unknown[]}} Card  an empty line until it comes near */

export class FaceStrip {
  #list;
  #card;
  #pick;
  #picker;
  /** @type {Map<string, Card>} */ #cards = new Map();
  /** @type {Scene|null} */ #scene = null;
  #compared = { key: "", index: 0 };
  #nearing;

  /**
   * @param {HTMLElement} list
   * @param {object} parts
   * @param {HTMLTemplateElement} parts.card @param {HTMLTemplateElement} parts.pick  one suggestion
   * @param {import("./name_picker.js").NamePicker} parts.picker
   * @param {(key: string) => void} parts.onSelect
   */
  constructor(list, { card, pick, picker, onSelect }) {
    this.#list = list;
    this.#card = card;
    this.#pick = pick;
    this.#picker = picker;
    this.#nearing = new IntersectionObserver((seen) => this.#near(seen), { root: list, rootMargin: NEAR });
    list.addEventListener("click", (event) => {
      // A button's own command bubbles on to the page, which acts on the face selected here.
      const element = event.target.closest("[data-face]");
      if (element && !event.target.closest(".picker")) onSelect(element.dataset.face);
    });
    const point = (event) => {
      const pick = event.target.closest(".pick");
      if (pick) this.compare([...pick.closest(".picks").children].indexOf(pick.parentElement));
    };
    list.addEventListener("pointerover", point);
    list.addEventListener("focusin", point);
  }

  clear() {
    this.#nearing.disconnect();
    this.#list.replaceChildren();
    this.#cards.clear();
    this.#scene = null;
  }

  /** @param {Scene} scene */
  render(scene) {
    const { store } = scene;
    this.#scene = { ...scene, doubles: namesakes(store.faces) };
    const keys = new Set(store.faces.map(({ key }) => key));
    for (const [key, { element }] of this.#cards) {
      if (keys.has(key)) continue;
      this.#nearing.unobserve(element);
      element.remove();
      this.#cards.delete(key);
    }
    let before = null;
    store.faces.forEach((face, index) => {
      const card = this.#cards.get(face.key) ?? this.#begin(face.key);
      if (card.isMade || index < MADE_AT_ONCE || face.key === store.selected) this.#update(card, face);
      const place = before ? before.nextElementSibling : this.#list.firstElementChild;
      if (place !== card.element) this.#list.insertBefore(card.element, place);
      before = card.element;
    });
  }

  /** Bring the selected card into sight and give it the focus. @param {string|null} key */
  focus(key) {
    const element = this.#cards.get(key)?.element;
    element?.focus({ preventScroll: true });
    element?.scrollIntoView({ block: "nearest" });
    return Boolean(element);
  }

  /** Show the nearest confirmed crop of one suggestion beside the selected face. @param {number} index */
  compare(index) {
    const face = this.#scene?.store.current;
    if (!face?.suggestions[index]) return;
    this.#compared = { key: face.key, index };
    this.#showNearest(this.#cards.get(face.key).element, face);
  }

  /** @returns {boolean} whether there is another suggestion to compare with */
  compareNext() {
    const face = this.#scene?.store.current;
    if (!face?.suggestions.length) return false;
    this.compare((this.#comparedIndex(face) + 1) % face.suggestions.length);
    return true;
  }

  /** @returns {Card} */
  #begin(key) {
    const element = this.#card.content.firstElementChild.cloneNode(false);
    element.dataset.face = key;
    const card = { element, isMade: false, shown: [] };
    this.#cards.set(key, card);
    this.#nearing.observe(element);
    return card;
  }

  #near(seen) {
    for (const { target, isIntersecting } of seen) {
      const card = this.#cards.get(target.dataset.face);
      if (!isIntersecting || !card || card.isMade) continue;
      const face = this.#scene?.store.faces.find(({ key }) => key === target.dataset.face);
      if (face) this.#update(card, face);
    }
  }

  #make(card) {
    card.isMade = true;
    this.#nearing.unobserve(card.element);
    card.element.append(...this.#card.content.firstElementChild.cloneNode(true).children);
  }

  #update(card, face) {
    const { store, outlook, canEdit, doubles, lookOf } = this.#scene;
    const selected = face.key === store.selected;
    const after = outlook.get(face.key);
    const look = selected ? lookOf(face) : null;
    const shown = [face, selected, canEdit, doubles.has(face.key), after?.person, look, look?.state];
    if (card.shown.length && shown.every((one, index) => one === card.shown[index])) return;
    card.shown = shown; // a thousand cards, of which a key changes one or two
    if (!card.isMade) this.#make(card);
    const part = (name) => card.element.querySelector(`[data-part=${name}]`);
    const { chip, words } = describeState(face);
    card.element.dataset.state = face.state;
    card.element.dataset.who = face.who;
    if (selected) card.element.setAttribute("aria-current", "true");
    else card.element.removeAttribute("aria-current");
    part("chip").className = `chip chip--${chip}`;
    part("chip").textContent = words;
    part("name").textContent = title(face);
    part("hint").textContent = hint(face, after, doubles.has(face.key), canEdit);
    part("hint").classList.toggle("face__hint--warn", doubles.has(face.key) || isUnsure(face, after));
    this.#crop(part("crop"), face);
    this.#details(card.element, face, selected && canEdit, look);
  }

  #crop(frame, face) {
    const { store, picture, image } = this.#scene;
    const isLocal = face.crop === null || store.boxChanged(face);
    const source = isLocal ? JSON.stringify(face.box) : face.crop;
    if (frame.dataset.source === source) return;
    frame.dataset.source = source;
    // The photo is here already; the server's crop is sharper where the photo is large, and takes its place.
    frame.replaceChildren(localCrop(face, picture, image));
    if (!isLocal) storedCrop(face.crop, (crop) => frame.dataset.source === source && frame.replaceChildren(crop));
  }

  #details(card, face, isOpen, look) {
    const part = (name) => card.querySelector(`[data-part=${name}]`);
    part("details").hidden = !isOpen;
    part("nearest").hidden = true;
    part("picks").replaceChildren(...(isOpen ? face.suggestions.map((one, index) => this.#suggestion(one, index, face)) : []));
    if (!isOpen) return;
    part("picks").toggleAttribute("data-old", look?.state === "looking");
    part("look").textContent = lookWords(look, face);
    part("remove").hidden = face.id !== null;
    part("reject").hidden = face.id === null;
    this.#showNearest(card, face);
    const slot = part("picker");
    if (this.#picker.element.parentElement !== slot) {
      this.#picker.reset();
      slot.append(this.#picker.element);
    }
  }

  #comparedIndex(face) {
    if (this.#compared.key === face.key && face.suggestions[this.#compared.index]) return this.#compared.index;
    return Math.max(0, face.suggestions.findIndex(({ person }) => samePerson(person, face.person)));
  }

  /** The reason for a suggestion, to look at: its nearest confirmed crop, as large as the face's own. */
  #showNearest(card, face) {
    const part = (name) => card.querySelector(`[data-part=${name}]`);
    const index = this.#comparedIndex(face);
    const one = face.suggestions[index];
    part("nearest").hidden = !one?.crop;
    part("reason").textContent = one ? `${index + 1} ${one.person.name}: ${one.reason}` : "";
    if (one?.crop) part("nearest").querySelector("img").src = one.crop;
    [...part("picks").children].forEach((pick, at) => pick.firstElementChild.toggleAttribute("data-compared", at === index));
  }

  #suggestion({ person, probability, crop, reason }, index, face) {
    const row = this.#pick.content.firstElementChild.cloneNode(true);
    const part = (name) => row.querySelector(`[data-part=${name}]`);
    const button = row.querySelector("button");
    button.dataset.command = `pick${index + 1}`;
    button.title = reason;
    button.setAttribute("aria-pressed", String(samePerson(face.person, person)));
    part("key").textContent = String(index + 1);
    part("name").textContent = person.name;
    part("probability").textContent = probability === null ? "claimed" : `${percent(probability)}`;
    part("meter").style.setProperty("--value", probability === null ? "0%" : `${Math.round(probability * 100)}%`);
    if (crop) part("crop").src = crop;
    else part("crop").hidden = true;
    return row;
  }
}

/** @param {import("./looks.js").Look|null} look @param {Face} face */
function lookWords(look, face) {
  if (look?.state === "looking") return face.suggestions.length ? "Looking at the moved box…" : "Looking at the box…";
  if (look?.state === "failed") return `No suggestions: ${look.words}`;
  if (look && face.suggestions.length === 0) return "Like nobody who is confirmed so far.";
  return "";
}

/** There is somebody to propose, but Enter will not take the name. */
function isUnsure(face, after) {
  return face.state === "proposed" && face.suggestions.length > 0 && !after?.person;
}

function title(face) {
  if (face.state === "rejected") return "Not a face";
  if (face.who === "assigned") return face.person.name;
  if (face.who === "unknown") return "Nobody we know";
  if (face.who === "ignored") return "Left out of recognition";
  return face.suggestions.length ? `${face.suggestions[0].person.name}?` : "Who is it?";
}

function hint(face, after, double, canEdit) {
  if (double) return "Same name twice in this photo: right only for a mirror or a collage";
  if (face.state === "proposed" && canEdit && after) {
    return after.person ? `Enter names: ${after.person.name}` : "Enter confirms the face without a name";
  }
  if (face.state === "confirmed" && face.who === "unassigned") return "A face; nobody has said whose";
  const words = [ORIGINS[face.origin], face.person && face.person.id === null && "new person"];
  return words.filter(Boolean).join(" · ");
}

/** @param {string} url @param {(crop: HTMLImageElement) => void} onLoad  never when the server has no such crop */
function storedCrop(url, onLoad) {
  const crop = new Image(56, 56);
  crop.alt = "";
  crop.addEventListener("load", () => onLoad(crop), { once: true });
  crop.src = url;
}

/** From the photo on the screen: all there is of boxes that are new or changed. */
function localCrop(face, picture, image) {
  const canvas = document.createElement("canvas");
  canvas.width = 112;
  canvas.height = 112;
  paintCrop(canvas, picture, squareAround(face.box, image), image);
  return canvas;
}
