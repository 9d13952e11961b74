/** Draws the boxes over the photo, in stage pixels, and only those that are in sight. */

import { HANDLES, handlePoint, overlaps } from "./box_geometry.js";
import { describeState } from "./decisions.js";

const SVG = "http://www.w3.org/2000/svg";
const HANDLE_PX = 9;
/** Names of boxes narrower than this on the screen would cover their neighbours. */
const NAMED_FROM_PX = 44;
const LETTER_PX = 6.6;

function shape(name, attributes = {}) {
  const made = document.createElementNS(SVG, name);
  set(made, attributes);
  return made;
}

function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
}

const size = ({ x, y, w, h }) => ({ x, y, width: Math.max(w, 1), height: Math.max(h, 1) });

export class Overlay {
  /** @type {Map<string, {group: SVGGElement, rects: SVGRectElement[], text: SVGTextElement}>} */ #drawn = new Map();
  #svg;
  #boxes = shape("g");
  #handles = shape("g", { class: "handles" });
  #draft = shape("rect", { class: "draft" });
  #hair = shape("path", { class: "hair" });

  /** @param {SVGSVGElement} svg */
  constructor(svg) {
    this.#svg = svg;
    svg.append(this.#boxes, this.#handles, this.#draft, this.#hair);
    const handles = HANDLES.map((name) => shape("rect", { class: `handle handle--${name}`, "data-handle": name }));
    this.#handles.append(...handles);
    this.setDraft(null);
    this.setHair(null);
    this.#handles.setAttribute("visibility", "hidden");
  }

  clear() {
    this.#boxes.replaceChildren();
    this.#drawn.clear();
    this.#handles.setAttribute("visibility", "hidden");
  }

  /**
   * @param {import("./store.js").FaceStore} store @param {import("./viewport.js").Viewport} viewport
   * @param {{editable: boolean}} options
   */
  render(store, viewport, { editable }) {
    const sight = { x: 0, y: 0, w: viewport.stage.width, h: viewport.stage.height };
    const keys = new Set();
    for (const face of store.faces) {
      const box = viewport.boxToStage(face.box);
      if (!overlaps(box, sight)) continue;
      keys.add(face.key);
      this.#place(face, box, face.key === store.selected);
    }
    for (const [key, { group }] of this.#drawn) {
      if (keys.has(key)) continue;
      group.remove();
      this.#drawn.delete(key);
    }
    this.#placeHandles(store.current, viewport, editable);
  }

  /** The box being drawn. @param {import("./box_geometry.js").Box|null} box in stage pixels */
  setDraft(box) {
    this.#draft.setAttribute("visibility", box ? "visible" : "hidden");
    if (box) set(this.#draft, size(box));
  }

  /** Hair lines through the pointer while a box is about to be drawn. @param {{x: number, y: number}|null} at */
  setHair(at) {
    this.#hair.setAttribute("visibility", at ? "visible" : "hidden");
    if (at) this.#hair.setAttribute("d", `M${at.x} 0V${this.#svg.clientHeight}M0 ${at.y}H${this.#svg.clientWidth}`);
  }

  #place(face, box, selected) {
    const drawn = this.#drawn.get(face.key) ?? this.#make(face.key);
    const { chip } = describeState(face);
    drawn.group.setAttribute("class", `box box--${chip}${selected ? " box--selected" : ""}`);
    drawn.group.dataset.state = chip;
    for (const rect of drawn.rects) set(rect, size(box));
    const name = face.person?.name ?? "";
    const isNamed = name !== "" && (selected || box.w >= NAMED_FROM_PX);
    const room = Math.max(3, Math.floor(Math.max(box.w, selected ? 160 : 0) / LETTER_PX));
    drawn.text.textContent = !isNamed ? "" : name.length > room ? `${name.slice(0, room - 1)}…` : name;
    if (isNamed) set(drawn.text, { x: box.x, y: box.y > 18 ? box.y - 5 : box.y + box.h + 14 });
    if (selected && this.#boxes.lastChild !== drawn.group) this.#boxes.append(drawn.group); // on top of its neighbours
  }

  #make(key) {
    const group = shape("g", { "data-box": key });
    const rects = [shape("rect", { class: "box__halo" }), shape("rect", { class: "box__line" })];
    const text = shape("text", { class: "box__name" });
    group.append(...rects, text);
    this.#boxes.append(group);
    const drawn = { group, rects, text };
    this.#drawn.set(key, drawn);
    return drawn;
  }

  #placeHandles(face, viewport, editable) {
    this.#handles.setAttribute("visibility", face && editable ? "visible" : "hidden");
    if (!face || !editable) return;
    const box = viewport.boxToStage(face.box);
    const side = Math.min(box.w, box.h);
    const isTiny = side < 4 * HANDLE_PX;
    if (side < 2 * HANDLE_PX) this.#handles.setAttribute("visibility", "hidden"); // they would cover the face: zoom in
    HANDLES.forEach((handle, index) => {
      const at = handlePoint(box, handle);
      const element = this.#handles.children[index];
      element.toggleAttribute("hidden", isTiny && handle.length === 1); // only corners fit
      set(element, { x: at.x - HANDLE_PX / 2, y: at.y - HANDLE_PX / 2, width: HANDLE_PX, height: HANDLE_PX });
    });
  }
}
