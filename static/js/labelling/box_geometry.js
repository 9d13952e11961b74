/** Arithmetic on boxes. No DOM, no state. */

/** @typedef {{x: number, y: number, w: number, h: number}} Box  upright image pixels, origin top left */
/** @typedef {{width: number, height: number}} Size */
/** @typedef {{x: number, y: number}} Point */
/** @typedef {"n"|"ne"|"e"|"se"|"s"|"sw"|"w"|"nw"} Handle  a compass direction on the box's edge */

/** Boxes smaller than this are slips of the hand, not faces. */
export const MIN_SIDE_PX = 4;
export const HANDLES = /** @type {Handle[]} */ (["nw", "n", "ne", "e", "se", "s", "sw", "w"]);

/** @param {number[]} list  [x, y, w, h] as on the wire @returns {Box} */
export function boxFromList([x, y, w, h]) {
  return { x, y, w, h };
}

/** @param {Box} box @returns {number[]} [x, y, w, h] to a hundredth of a pixel, as the server keeps it */
export function boxToList({ x, y, w, h }) {
  return [x, y, w, h].map((side) => Math.round(side * 100) / 100);
}

/** @param {Box} a @param {Box} b */
export function sameBox(a, b) {
  return ["x", "y", "w", "h"].every((side) => Math.abs(a[side] - b[side]) < 0.005);
}

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

/** Move a box inside the image, keeping its size. @param {Box} box @param {Size} image @returns {Box} */
export function moveInside(box, image) {
  const w = Math.min(box.w, image.width);
  const h = Math.min(box.h, image.height);
  return { x: clamp(box.x, 0, image.width - w), y: clamp(box.y, 0, image.height - h), w, h };
}

/** @param {Box} box @param {number} dx @param {number} dy @param {Size} image */
export function moveBy(box, dx, dy, image) {
  return moveInside({ ...box, x: box.x + dx, y: box.y + dy }, image);
}

/** The box between two corners, cut at the image's edge. @param {Point} a @param {Point} b @param {Size} image */
export function boxBetween(a, b, image) {
  const left = clamp(Math.min(a.x, b.x), 0, image.width);
  const top = clamp(Math.min(a.y, b.y), 0, image.height);
  const right = clamp(Math.max(a.x, b.x), 0, image.width);
  const bottom = clamp(Math.max(a.y, b.y), 0, image.height);
  return { x: left, y: top, w: right - left, h: bottom - top };
}

/**
 * Pull one handle by (dx, dy). The opposite edge stays; the box never turns over or leaves the image.
 * @param {Box} box @param {Handle} handle @param {number} dx @param {number} dy @param {Size} image @returns {Box}
 */
export function resizeBy(box, handle, dx, dy, image) {
  let [left, top, right, bottom] = [box.x, box.y, box.x + box.w, box.y + box.h];
  if (handle.includes("w")) left = clamp(left + dx, 0, right - MIN_SIDE_PX);
  if (handle.includes("e")) right = clamp(right + dx, left + MIN_SIDE_PX, image.width);
  if (handle.includes("n")) top = clamp(top + dy, 0, bottom - MIN_SIDE_PX);
  if (handle.includes("s")) bottom = clamp(bottom + dy, top + MIN_SIDE_PX, image.height);
  return { x: left, y: top, w: right - left, h: bottom - top };
}

/** @param {Box} box @param {Handle} handle @returns {Point} where that handle sits */
export function handlePoint(box, handle) {
  const along = (low, high, start, size) =>
    handle.includes(low) ? start : handle.includes(high) ? start + size : start + size / 2;
  return { x: along("w", "e", box.x, box.w), y: along("n", "s", box.y, box.h) };
}

/** @param {Box} box @param {Point} point @param {number} reach  pixels a finger or pointer may miss by */
export function handleAt(box, point, reach) {
  const near = (handle) => {
    const at = handlePoint(box, handle);
    return Math.abs(at.x - point.x) <= reach && Math.abs(at.y - point.y) <= reach;
  };
  // Corners first: on a tiny box the handles overlap, and a corner can do what an edge can.
  return ["se", "nw", "ne", "sw", "e", "s", "w", "n"].find(near) ?? null;
}

/** @param {Box} box @param {Point} point @param {number} reach */
export function contains(box, point, reach = 0) {
  return (
    point.x >= box.x - reach && point.x <= box.x + box.w + reach &&
    point.y >= box.y - reach && point.y <= box.y + box.h + reach
  );
}

/**
 * What lies under a point, smallest first, so that a face inside a bigger box stays reachable.
 * @template {{box: Box}} T @param {T[]} items @param {Point} point @param {number} reach @returns {T[]}
 */
export function allAt(items, point, reach) {
  const area = ({ box }) => box.w * box.h;
  return items.filter(({ box }) => contains(box, point, reach)).sort((a, b) => area(a) - area(b));
}

/** @param {Box} a @param {Box} b @returns {boolean} */
export function overlaps(a, b) {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}

/**
 * A square around a box with some air, for showing it as a crop.
 * @param {Box} box @param {Size} image @param {number} air  share of the longer side added on every side
 * @returns {Box}
 */
export function squareAround(box, image, air = 0.15) {
  const side = Math.min(Math.max(box.w, box.h) * (1 + 2 * air), image.width, image.height);
  const centred = { x: box.x + (box.w - side) / 2, y: box.y + (box.h - side) / 2, w: side, h: side };
  return moveInside(centred, image);
}
