/** What mouse, pen and fingers do on the photo: select, move, resize, draw, pan, zoom. */

import { MIN_SIDE_PX, allAt, boxBetween, contains, handleAt, moveBy, resizeBy } from "./box_geometry.js";

/** Below this many pixels a press is a click, not a drag. */
const SLIP_PX = 4;
const REACH_PX = { mouse: 7, pen: 9, touch: 20 };
const WHEEL_STEP = 0.0016;

/**
 * @typedef {object} Gesture
 * @property {(at: Point, from: Point) => void} move  stage pixels
 * @property {(keep: boolean) => void} end
 * @typedef {import("./box_geometry.js").Point} Point
 */

export class StagePointer {
  isDrawing = false;
  #stage;
  #parts;
  /** @type {Map<number, Point>} */ #down = new Map();
  /** @type {Gesture|null} */ #gesture = null;
  #pressed = { x: 0, y: 0 };
  #isDrag = false;
  #pinch = 0;
  #hasSpace = false;
  /** @type {Point|null} where the pointer rests on the stage */ #over = null;
  /** The last click on a box, and which it chose: the next one there goes on to the box below. */
  #clicked = { at: { x: -1, y: -1 }, key: "" };
  #stop = new AbortController();

  /**
   * @param {HTMLElement} stage
   * @param {object} parts
   * @param {import("./viewport.js").Viewport} parts.viewport
   * @param {import("./store.js").FaceStore} parts.store
   * @param {import("./overlay.js").Overlay} parts.overlay
   * @param {() => boolean} parts.canEdit
   * @param {(box: import("./box_geometry.js").Box) => void} parts.onDrawn
   * @param {() => void} parts.onMode  drawing was switched on or off
   */
  constructor(stage, parts) {
    this.#stage = stage;
    this.#parts = parts;
    const listen = (target, name, act, options = {}) =>
      target.addEventListener(name, act, { signal: this.#stop.signal, ...options });
    listen(stage, "pointerdown", (event) => this.#press(event));
    listen(stage, "pointermove", (event) => this.#move(event));
    listen(stage, "pointerup", (event) => this.#lift(event, true));
    listen(stage, "pointercancel", (event) => this.#lift(event, false));
    listen(stage, "pointerleave", () => {
      this.#over = null;
      parts.overlay.setHair(null);
    });
    listen(stage, "wheel", (event) => this.#wheel(event), { passive: false });
    listen(document, "keydown", (event) => this.#space(event, true));
    listen(document, "keyup", (event) => this.#space(event, false));
  }

  destroy() {
    this.#stop.abort();
  }

  /** @param {boolean} on */
  draw(on) {
    if (on === this.isDrawing) return;
    this.isDrawing = on && this.#parts.canEdit();
    if (!this.isDrawing) this.#parts.overlay.setHair(null);
    this.#stage.toggleAttribute("data-drawing", this.isDrawing);
    this.#parts.onMode();
  }

  /** Give up the gesture under way, as Escape does. @returns {boolean} whether there was one */
  cancel() {
    const had = this.#gesture !== null;
    this.#finish(false);
    return had;
  }

  /** @param {PointerEvent|WheelEvent} event @returns {Point} */
  #at(event) {
    const frame = this.#stage.getBoundingClientRect();
    return { x: event.clientX - frame.left, y: event.clientY - frame.top };
  }

  #press(event) {
    if (event.button > 1) return;
    this.#stage.setPointerCapture(event.pointerId);
    this.#down.set(event.pointerId, this.#at(event));
    if (this.#down.size === 2) {
      this.#finish(false);
      this.#pinch = this.#spread();
      return;
    }
    this.#pressed = this.#at(event);
    this.#isDrag = false;
    this.#gesture = this.#begin(event);
    if (event.button === 1) event.preventDefault(); // no autoscroll
  }

  /** @returns {Gesture} */
  #begin(event) {
    const { viewport, store, canEdit } = this.#parts;
    const reach = (REACH_PX[event.pointerType] ?? REACH_PX.mouse) / viewport.scale;
    const spot = viewport.toImage(this.#pressed);
    if (event.button === 1 || this.#hasSpace) return this.#panning();
    if (this.isDrawing) return this.#drawing();
    const { current } = store;
    // On a tiny box the handles would leave nothing to take hold of.
    const near = current && Math.min(reach, current.box.w / 4, current.box.h / 4);
    const handle = current && canEdit() ? handleAt(current.box, spot, near) : null;
    if (handle) return this.#changing(current, (dx, dy) => resizeBy(current.box, handle, dx, dy, viewport.image));
    const under = this.#under(spot, reach / 2);
    if (!under.length) return this.#panning(() => store.select(null));
    const again = this.#isClickedAgain(under);
    // Dragging after a choice takes hold of what was chosen, be it below another box.
    const face = again ? current : under[0];
    const choose = () => this.#choose(again || event.altKey ? nextOf(under, current) : under[0]);
    store.select(face.key);
    if (!canEdit()) return this.#panning(choose);
    return this.#changing(face, (dx, dy) => moveBy(face.box, dx, dy, viewport.image), choose);
  }

  /** Boxes under a spot of the image, smallest first; what is no face comes last. */
  #under(spot, reach) {
    const hits = allAt(this.#parts.store.faces, spot, reach);
    return [...hits.filter(({ state }) => state !== "rejected"), ...hits.filter(({ state }) => state === "rejected")];
  }

  #isClickedAgain(under) {
    const { at, key } = this.#clicked;
    const isHere = Math.hypot(at.x - this.#pressed.x, at.y - this.#pressed.y) < SLIP_PX;
    return isHere && key === this.#parts.store.selected && under.some((face) => face.key === key);
  }

  #choose(face) {
    this.#clicked = { at: this.#pressed, key: face.key };
    this.#parts.store.select(face.key);
  }

  /** By keyboard: the next box under the pointer, or else over the middle of the selected one. */
  cycle() {
    const { viewport, store } = this.#parts;
    const { current } = store;
    const middle = current && { x: current.box.x + current.box.w / 2, y: current.box.y + current.box.h / 2 };
    const spot = this.#over ? viewport.toImage(this.#over) : middle;
    const under = spot ? this.#under(spot, 0) : [];
    if (under.length) store.select(nextOf(under, current).key);
    return under.length > 1;
  }

  /** @param {() => void} [onClick] */
  #panning(onClick) {
    let last = this.#pressed;
    this.#stage.toggleAttribute("data-panning", true);
    return {
      move: (at) => {
        this.#parts.viewport.panBy(at.x - last.x, at.y - last.y);
        last = at;
      },
      end: (keep) => {
        this.#stage.toggleAttribute("data-panning", false);
        if (keep && !this.#isDrag) onClick?.();
      },
    };
  }

  /** @param {() => void} [onClick] */
  #changing(face, boxAfter, onClick) {
    const { store, viewport } = this.#parts;
    store.hold();
    return {
      move: (at, from) => {
        const box = boxAfter((at.x - from.x) / viewport.scale, (at.y - from.y) / viewport.scale);
        // Who moves a proposed box has looked at it, but Enter still decides who it is.
        store.change(face.key, { box });
      },
      end: (keep) => {
        store.release(keep);
        if (keep && !this.#isDrag) onClick?.();
      },
    };
  }

  #drawing() {
    const { viewport, overlay, onDrawn } = this.#parts;
    let box = null;
    return {
      move: (at, from) => {
        box = boxBetween(viewport.toImage(from), viewport.toImage(at), viewport.image);
        overlay.setDraft(viewport.boxToStage(box));
      },
      end: (keep) => {
        overlay.setDraft(null);
        if (!keep || !box || box.w < MIN_SIDE_PX || box.h < MIN_SIDE_PX) return;
        this.draw(false);
        onDrawn(box);
      },
    };
  }

  #move(event) {
    const at = this.#at(event);
    this.#over = event.pointerType === "mouse" ? at : null;
    if (this.isDrawing) this.#parts.overlay.setHair(at);
    if (!this.#down.has(event.pointerId)) return this.#hover();
    this.#down.set(event.pointerId, at);
    if (this.#down.size === 2) return this.#pinching();
    const slip = Math.hypot(at.x - this.#pressed.x, at.y - this.#pressed.y);
    this.#isDrag ||= slip >= SLIP_PX;
    if (this.#isDrag) this.#gesture?.move(at, this.#pressed);
  }

  /** Boxes are pixels, so the stage itself shows that one could be taken hold of. */
  #hover() {
    const { store, viewport } = this.#parts;
    const spot = this.#over && viewport.toImage(this.#over);
    this.#stage.toggleAttribute("data-over-box", Boolean(spot) && store.faces.some(({ box }) => contains(box, spot)));
  }

  #lift(event, keep) {
    this.#down.delete(event.pointerId);
    this.#finish(keep);
  }

  #finish(keep) {
    const gesture = this.#gesture;
    this.#gesture = null;
    gesture?.end(keep);
  }

  #spread() {
    const [a, b] = [...this.#down.values()];
    return Math.hypot(a.x - b.x, a.y - b.y);
  }

  #pinching() {
    const [a, b] = [...this.#down.values()];
    const spread = this.#spread();
    this.#parts.viewport.zoomBy(spread / Math.max(this.#pinch, 1), { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });
    this.#pinch = spread;
  }

  #wheel(event) {
    event.preventDefault();
    // Lines or pages instead of pixels: Firefox with a mouse wheel.
    const pixels = event.deltaY * (event.deltaMode === 0 ? 1 : 33);
    this.#parts.viewport.zoomBy(Math.exp(-pixels * WHEEL_STEP * (event.ctrlKey ? 4 : 1)), this.#at(event));
  }

  #space(event, isDown) {
    if (event.key !== " " || event.target.closest?.("input, textarea, select, button, a, summary")) return;
    if (isDown) event.preventDefault(); // the page must not scroll
    this.#hasSpace = isDown;
    this.#stage.toggleAttribute("data-grab", isDown);
  }
}

/** @param {import("./decisions.js").Face[]} under @param {import("./decisions.js").Face|null} current */
function nextOf(under, current) {
  return under[(under.findIndex(({ key }) => key === current?.key) + 1) % under.length];
}
