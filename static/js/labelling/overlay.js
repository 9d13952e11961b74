/** What lies over the photo, in stage pixels: all boxes on a canvas, the selected one as elements to take hold of. */

import { BoxCanvas, nameTag } from "./box_canvas.js";
import { HANDLES, handlePoint } from "./box_geometry.js";
import { describeState } from "./decisions.js";

const SVG = "http://www.w3.org/2000/svg";
const HANDLE_PX = 9;
const LEAST_NAME_PX = 160;
const POINTS = 5;

function shape(name, attributes = {}) {
  const made = document.createElementNS(SVG, name);
  set(made, attributes);
  return made;
}

function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
}

function show(element, isShown) {
  element.setAttribute("visibility", isShown ? "visible" : "hidden");
}

const size = ({ x, y, w, h }) => ({ x, y, width: Math.max(w, 1), height: Math.max(h, 1) });

export class Overlay {
  /** Landmarks of all faces are shown. */ hasLandmarks = false;
  #canvas;
  #svg;
  #box = shape("g");
  #rects = [shape("rect", { class: "box__halo" }), shape("rect", { class: "box__line" })];
  #name = shape("text", { class: "box__name" });
  #points = shape("g", { class: "landmarks" });
  #handles = shape("g", { class: "handles" });
  #draft = shape("rect", { class: "draft" });
  #hair = shape("path", { class: "hair" });

  /** @param {HTMLCanvasElement} canvas @param {SVGSVGElement} svg  both fill the stage */
  constructor(canvas, svg) {
    this.#canvas = new BoxCanvas(canvas);
    this.#svg = svg;
    this.#box.append(...this.#rects, this.#name);
    this.#points.append(...Array.from({ length: POINTS }, () => shape("circle", { class: "landmark", r: 3 })));
    this.#handles.append(...HANDLES.map((name) => shape("rect", { class: `handle handle--${name}`, "data-handle": name })));
    svg.append(this.#box, this.#points, this.#handles, this.#draft, this.#hair);
    this.setDraft(null);
    this.setHair(null);
    this.#hideSelected();
  }

  clear() {
    this.#canvas.clear();
    this.#hideSelected();
  }

  /**
   * @param {import("./store.js").FaceStore} store @param {import("./viewport.js").Viewport} viewport
   * @param {{editable: boolean}} options
   */
  render(store, viewport, { editable }) {
    const face = store.current;
    this.#canvas.render(store.faces, viewport, { except: face?.key ?? null, landmarks: this.hasLandmarks });
    if (!face) return this.#hideSelected();
    const box = viewport.boxToStage(face.box);
    this.#place(face, box);
    this.#placePoints(face, viewport);
    this.#placeHandles(box, editable);
  }

  /** The box being drawn. @param {import("./box_geometry.js").Box|null} box in stage pixels */
  setDraft(box) {
    show(this.#draft, box !== null);
    if (box) set(this.#draft, size(box));
  }

  /** Hair lines through the pointer while a box is about to be drawn. @param {{x: number, y: number}|null} at */
  setHair(at) {
    show(this.#hair, at !== null);
    if (at) this.#hair.setAttribute("d", `M${at.x} 0V${this.#svg.clientHeight}M0 ${at.y}H${this.#svg.clientWidth}`);
  }

  #hideSelected() {
    for (const part of [this.#box, this.#points, this.#handles]) show(part, false);
    delete this.#box.dataset.box;
  }

  #place(face, box) {
    const { chip } = describeState(face);
    show(this.#box, true);
    this.#box.setAttribute("class", `box box--${chip} box--selected`);
    this.#box.dataset.box = face.key;
    this.#box.dataset.state = chip;
    for (const rect of this.#rects) set(rect, size(box));
    const { text, x, y } = nameTag(face.person?.name ?? "", box, Math.max(box.w, LEAST_NAME_PX));
    this.#name.textContent = text;
    set(this.#name, { x, y });
  }

  #placePoints(face, viewport) {
    const isShown = this.hasLandmarks && face.landmarks !== null;
    show(this.#points, isShown);
    if (!isShown) return;
    face.landmarks.forEach(([x, y], index) => {
      const at = viewport.toStage({ x, y });
      set(this.#points.children[index], { cx: at.x, cy: at.y });
    });
  }

  #placeHandles(box, editable) {
    const side = Math.min(box.w, box.h);
    // On a tiny box they would cover the face: zoom in.
    show(this.#handles, editable && side >= 2 * HANDLE_PX);
    if (!editable) return;
    const isTiny = side < 4 * HANDLE_PX;
    HANDLES.forEach((handle, index) => {
      const at = handlePoint(box, handle);
      const element = this.#handles.children[index];
      element.toggleAttribute("hidden", isTiny && handle.length === 1); // only corners fit
      set(element, { x: at.x - HANDLE_PX / 2, y: at.y - HANDLE_PX / 2, width: HANDLE_PX, height: HANDLE_PX });
    });
  }
}
