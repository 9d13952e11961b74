/**
 * The boxes as pixels: a thousand of them are drawn anew in a few milliseconds, while a thousand elements would be
 * laid out and painted one by one. Only the selected box is made of elements (overlay.js), because it is taken hold of.
 */

import { overlaps } from "./box_geometry.js";
import { describeState } from "./decisions.js";

/** Names of boxes narrower than this on the screen would cover their neighbours. */
const NAMED_FROM_PX = 44;
const LETTER_PX = 6.6;
/** State is shape and colour: dashes here as in chips and charts. */
const STROKES = {
  proposed: { width: 2, halo: 4, dash: [7, 4] },
  confirmed: { width: 2, halo: 4, dash: [] },
  unknown: { width: 2, halo: 4, dash: [2, 3] },
  ignored: { width: 1.5, halo: 2.5, dash: [1.5, 4] },
  rejected: { width: 1, halo: 2, dash: [] },
};
const HALO = "rgb(0 0 0 / 55%)";
const POINT_PX = 2;
/** What is drawn reaches this far beyond the stage: while a pan stays within it, the pixels only move. */
const BEYOND_PX = 160;
/** Moved pixels are drawn anew once the hand rests: names keep clear of the edges, lines are sharp. */
const REST_MS = 150;

export class BoxCanvas {
  #canvas;
  #colours;
  /** @type {object|null} what the pixels show */ #drawn = null;
  #rest = 0;

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.#canvas = canvas;
    this.#colours = Object.fromEntries(Object.keys(STROKES).map((chip) => [chip, colourOf(canvas, chip)]));
  }

  clear() {
    clearTimeout(this.#rest);
    this.#drawn = null;
    this.#canvas.width = this.#canvas.width; // as the standard has it: setting the size empties a canvas
  }

  /**
   * @param {import("./decisions.js").Face[]} faces @param {import("./viewport.js").Viewport} viewport
   * @param {{except: string|null, landmarks: boolean}} options  except: key of the face drawn elsewhere
   */
  render(faces, viewport, options) {
    clearTimeout(this.#rest);
    if (!this.#hasMoved(faces, viewport, options)) return this.#draw(faces, viewport, options);
    this.#rest = setTimeout(() => this.#draw(faces, viewport, options), REST_MS);
  }

  /** @returns {boolean} whether moving the pixels was enough */
  #hasMoved(faces, { stage, scale, x, y }, options) {
    const drawn = this.#drawn;
    const isSame =
      drawn?.faces === faces &&
      drawn.stage === stage &&
      drawn.scale === scale &&
      drawn.except === options.except &&
      drawn.landmarks === options.landmarks;
    const [dx, dy] = isSame ? [x - drawn.x, y - drawn.y] : [0, 0];
    if (!isSame || (dx === 0 && dy === 0) || Math.max(Math.abs(dx), Math.abs(dy)) > BEYOND_PX) return false;
    this.#canvas.style.transform = `translate(${dx}px, ${dy}px)`;
    return true;
  }

  #draw(faces, viewport, { except, landmarks }) {
    const { stage, scale, x, y } = viewport;
    this.#drawn = { faces, stage, scale, x, y, except, landmarks };
    const context = this.#context(stage);
    const reach = { x: -BEYOND_PX, y: -BEYOND_PX, w: stage.width + 2 * BEYOND_PX, h: stage.height + 2 * BEYOND_PX };
    /** @type {Record<string, {face: object, box: object}[]>} */ const seen = {};
    for (const face of faces) {
      if (face.key === except) continue;
      const box = viewport.boxToStage(face.box);
      if (overlaps(box, reach)) (seen[describeState(face).chip] ??= []).push({ face, box });
    }
    for (const [chip, group] of Object.entries(seen)) this.#strokeAll(context, chip, group);
    const all = Object.values(seen).flat();
    for (const { face, box } of all) this.#name(context, face, box);
    if (landmarks) this.#points(context, all, viewport);
  }

  #context(stage) {
    const ratio = devicePixelRatio;
    const [width, height] = [stage.width + 2 * BEYOND_PX, stage.height + 2 * BEYOND_PX];
    const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (this.#canvas.width !== wide) this.#canvas.width = wide;
    if (this.#canvas.height !== high) this.#canvas.height = high;
    const edge = `${-BEYOND_PX}px`;
    Object.assign(this.#canvas.style, { left: edge, top: edge, width: `${width}px`, height: `${height}px`, transform: "" });
    const context = this.#canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    context.translate(BEYOND_PX, BEYOND_PX);
    return context;
  }

  /** Rectangle by rectangle: as one path a thousand of them take the browser half as long again. */
  #strokeAll(context, chip, group) {
    const { width, halo, dash } = STROKES[chip];
    const strokes = [
      [halo, HALO, []],
      [width, this.#colours[chip], dash],
    ];
    for (const [lineWidth, colour, pattern] of strokes) {
      context.lineWidth = lineWidth;
      context.strokeStyle = colour;
      context.setLineDash(pattern);
      for (const { box } of group) context.strokeRect(box.x, box.y, Math.max(box.w, 1), Math.max(box.h, 1));
    }
    context.setLineDash([]);
  }

  #name(context, face, box) {
    const name = face.person?.name ?? "";
    if (name === "" || box.w < NAMED_FROM_PX) return;
    context.font = "600 12px system-ui, sans-serif";
    context.lineJoin = "round";
    context.lineWidth = 3;
    context.strokeStyle = "rgb(0 0 0 / 80%)";
    context.fillStyle = "#fff";
    const { text, x, y } = nameTag(name, box, box.w);
    context.strokeText(text, x, y);
    context.fillText(text, x, y);
  }

  #points(context, all, viewport) {
    context.fillStyle = "#fff";
    context.strokeStyle = "#000";
    context.lineWidth = 1;
    context.beginPath();
    for (const { face } of all) {
      for (const [x, y] of face.landmarks ?? []) {
        const at = viewport.toStage({ x, y });
        context.moveTo(at.x + POINT_PX, at.y);
        context.arc(at.x, at.y, POINT_PX, 0, 2 * Math.PI);
      }
    }
    context.fill();
    context.stroke();
  }
}

/** A canvas does not know custom properties: what the page makes of one is read from the element's own colour. */
function colourOf(canvas, chip) {
  canvas.style.color = `var(--state-${chip})`;
  const colour = getComputedStyle(canvas).color;
  canvas.style.color = "";
  return colour;
}

/** What fits over a box, or under it at the upper edge. @returns {{text: string, x: number, y: number}} */
export function nameTag(name, box, width) {
  const room = Math.max(3, Math.floor(width / LETTER_PX));
  const text = name.length > room ? `${name.slice(0, room - 1)}…` : name;
  return { text, x: box.x, y: box.y > 18 ? box.y - 5 : box.y + box.h + 14 };
}
