/** The strip on the right: one card per face; the selected one shows suggestions, name input and actions. */

import { percent } from "../percent.js";
import { squareAround } from "./box_geometry.js";
import { describeState, namesake, samePerson } from "./decisions.js";
import { paintCrop } from "./picture.js";

/** @typedef {import("./decisions.js").Face} Face */

const ORIGINS = { human: "drawn by hand", import: "imported" };

/**
 * @typedef {object} Scene  what the cards are drawn from
 * @property {import("./store.js").FaceStore} store
 * @property {Map<string, Face>} outlook  proposed faces as Enter would leave them
 * @property {HTMLImageElement} picture
 * @property {import("./box_geometry.js").Size} image
 * @property {boolean} canEdit
 */

export class FaceStrip {
  #list;
  #card;
  #pick;
  #picker;
  /** @type {Map<string, {element: HTMLElement, shown: string}>} */ #cards = new Map();

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
    list.addEventListener("click", (event) => {
      // A button's own command bubbles on to the page, which acts on the face selected here.
      const element = event.target.closest("[data-face]");
      if (element && !event.target.closest(".picker")) onSelect(element.dataset.face);
    });
  }

  clear() {
    this.#list.replaceChildren();
    this.#cards.clear();
  }

  /** @param {Scene} scene */
  render(scene) {
    const keys = new Set(scene.store.faces.map(({ key }) => key));
    for (const [key, { element }] of this.#cards) {
      if (keys.has(key)) continue;
      element.remove();
      this.#cards.delete(key);
    }
    let before = null;
    for (const face of scene.store.faces) {
      const card = this.#cards.get(face.key) ?? this.#make(face.key);
      this.#update(card, face, scene);
      const place = before ? before.nextElementSibling : this.#list.firstElementChild;
      if (place !== card.element) this.#list.insertBefore(card.element, place);
      before = card.element;
    }
  }

  /** Bring the selected card into sight and give it the focus. @param {string|null} key */
  focus(key) {
    const element = this.#cards.get(key)?.element;
    element?.focus({ preventScroll: true });
    element?.scrollIntoView({ block: "nearest" });
    return Boolean(element);
  }

  #make(key) {
    const element = this.#card.content.firstElementChild.cloneNode(true);
    element.dataset.face = key;
    const card = { element, shown: "" };
    this.#cards.set(key, card);
    return card;
  }

  #update(card, face, scene) {
    const { store, outlook, canEdit } = scene;
    const selected = face.key === store.selected;
    const double = namesake(store.faces, face);
    const after = outlook.get(face.key);
    const shown = JSON.stringify([face, selected, canEdit, Boolean(double), after?.person]);
    if (shown === card.shown) return; // a thousand cards, of which a key changes one or two
    card.shown = shown;
    const part = (name) => card.element.querySelector(`[data-part=${name}]`);
    const { chip, words } = describeState(face);
    card.element.dataset.state = face.state;
    card.element.dataset.who = face.who;
    if (selected) card.element.setAttribute("aria-current", "true");
    else card.element.removeAttribute("aria-current");
    part("chip").className = `chip chip--${chip}`;
    part("chip").textContent = words;
    part("name").textContent = title(face);
    part("hint").textContent = hint(face, after, double, canEdit);
    part("hint").classList.toggle("face__hint--warn", Boolean(double) || isUnsure(face, after));
    this.#crop(part("crop"), face, scene);
    this.#details(part("details"), face, { ...scene, selected });
  }

  #crop(frame, face, { store, picture, image }) {
    const isLocal = face.crop === null || store.boxChanged(face);
    const source = isLocal ? JSON.stringify(face.box) : face.crop;
    if (frame.dataset.source === source) return;
    frame.dataset.source = source;
    if (isLocal) frame.replaceChildren(localCrop(face, picture, image));
    else frame.replaceChildren(storedCrop(face.crop, () => frame.replaceChildren(localCrop(face, picture, image))));
  }

  #details(details, face, { selected, canEdit }) {
    details.hidden = !selected || !canEdit;
    if (details.hidden) {
      details.querySelector("[data-part=picks]").replaceChildren();
      return;
    }
    const picks = face.suggestions.map((one, index) => this.#suggestion(one, index, face));
    details.querySelector("[data-part=picks]").replaceChildren(...picks);
    details.querySelector("[data-part=remove]").hidden = face.id !== null;
    details.querySelector("[data-part=reject]").hidden = face.id === null;
    const slot = details.querySelector("[data-part=picker]");
    if (this.#picker.element.parentElement !== slot) {
      this.#picker.reset();
      slot.append(this.#picker.element);
    }
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

function storedCrop(url, onMissing) {
  const crop = new Image(56, 56);
  crop.alt = "";
  crop.loading = "lazy";
  crop.addEventListener("error", onMissing, { once: true });
  crop.src = url;
  return crop;
}

/** For boxes the server has no crop of: new ones and changed ones. */
function localCrop(face, picture, image) {
  const canvas = document.createElement("canvas");
  canvas.width = 112;
  canvas.height = 112;
  paintCrop(canvas, picture, squareAround(face.box, image), image);
  return canvas;
}
