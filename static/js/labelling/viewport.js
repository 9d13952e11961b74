/** Zoom and pan: how image pixels lie on the screen. No DOM. */

/** @typedef {import("./box_geometry.js").Point} Point */
/** @typedef {import("./box_geometry.js").Box} Box */
/** @typedef {import("./box_geometry.js").Size} Size */

const MARGIN_PX = 16;
const LEAST_IN_SIGHT_PX = 64;
const MOST_SCALE = 24;
const LEAST_OF_FIT = 0.5;
/** Small photos are enlarged to fit, but not into a blur. */
const MOST_FIT_SCALE = 3;

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

/** Screen = image × scale + (x, y), in CSS pixels of the stage. Fires "change". */
export class Viewport extends EventTarget {
  scale = 1;
  x = 0;
  y = 0;
  /** @type {Size} */ image = { width: 1, height: 1 };
  /** @type {Size} */ stage = { width: 1, height: 1 };
  /** True until the person zooms or pans: then a resized window must not throw them elsewhere. */
  isFitted = true;

  /** @param {Size} image */
  open(image) {
    this.image = image;
    this.fit();
  }

  /** @param {Size} stage */
  resize(stage) {
    this.stage = stage;
    if (this.isFitted) this.fit();
    else this.#settle();
  }

  get fitScale() {
    const wide = (this.stage.width - 2 * MARGIN_PX) / this.image.width;
    const high = (this.stage.height - 2 * MARGIN_PX) / this.image.height;
    return clamp(Math.min(wide, high), 0.01, MOST_FIT_SCALE);
  }

  fit() {
    this.scale = this.fitScale;
    this.x = (this.stage.width - this.image.width * this.scale) / 2;
    this.y = (this.stage.height - this.image.height * this.scale) / 2;
    this.isFitted = true;
    this.dispatchEvent(new Event("change"));
  }

  /** Zoom; `at` (stage pixels) stays on the same spot of the photo. @param {number} factor @param {Point} [at] */
  zoomBy(factor, at = { x: this.stage.width / 2, y: this.stage.height / 2 }) {
    const scale = clamp(this.scale * factor, this.fitScale * LEAST_OF_FIT, Math.max(MOST_SCALE, this.fitScale));
    const spot = this.toImage(at);
    this.scale = scale;
    this.x = at.x - spot.x * scale;
    this.y = at.y - spot.y * scale;
    this.isFitted = false;
    this.#settle();
  }

  /** @param {number} dx @param {number} dy  stage pixels */
  panBy(dx, dy) {
    this.x += dx;
    this.y += dy;
    this.isFitted = false;
    this.#settle();
  }

  /** Pan just enough that a box is seen. @param {Box} box */
  show(box) {
    if (this.isFitted) return;
    const on = this.boxToStage(box);
    const shift = (start, size, room) => {
      if (size > room) return room / 2 - (start + size / 2);
      return clamp(start, MARGIN_PX, Math.max(MARGIN_PX, room - MARGIN_PX - size)) - start;
    };
    const dx = shift(on.x, on.w, this.stage.width);
    const dy = shift(on.y, on.h, this.stage.height);
    if (dx || dy) this.panBy(dx, dy);
  }

  /** @param {Point} point @returns {Point} */
  toImage({ x, y }) {
    return { x: (x - this.x) / this.scale, y: (y - this.y) / this.scale };
  }

  /** @param {Point} point of the image @returns {Point} in stage pixels */
  toStage({ x, y }) {
    return { x: x * this.scale + this.x, y: y * this.scale + this.y };
  }

  /** @param {Box} box @returns {Box} in stage pixels */
  boxToStage({ x, y, w, h }) {
    return { x: x * this.scale + this.x, y: y * this.scale + this.y, w: w * this.scale, h: h * this.scale };
  }

  /** The photo may be pushed aside, but never out of sight. */
  #settle() {
    const keep = (start, size, room) => {
      const least = Math.min(room / 2, LEAST_IN_SIGHT_PX);
      return clamp(start, least - size, room - least);
    };
    this.x = keep(this.x, this.image.width * this.scale, this.stage.width);
    this.y = keep(this.y, this.image.height * this.scale, this.stage.height);
    this.dispatchEvent(new Event("change"));
  }
}
