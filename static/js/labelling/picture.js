/** Loading photos so that they can be painted at once. */

/**
 * @typedef {{element: HTMLImageElement, ready: Promise<void>}} Picture
 * `ready` resolves once decoded and rejects with a sentence when the photo cannot be shown.
 */

/** @param {string} url @param {string} name  of the photo, for the sentence @returns {Picture} */
export function loadPicture(url, name) {
  const element = new Image();
  element.alt = "";
  element.draggable = false;
  element.decoding = "async";
  element.src = url;
  const ready = element.decode().catch(() => {
    throw new Error(`The picture of “${name}” did not load. Its boxes are kept; try again, or skip it.`);
  });
  ready.catch(() => {}); // who shows the picture hears of it; a prefetched one nobody waits for must not be loud
  return { element, ready };
}

/**
 * Paint the part of a photo around a box into a square canvas.
 * @param {HTMLCanvasElement} canvas @param {HTMLImageElement} picture
 * @param {import("./box_geometry.js").Box} square  in upright image pixels
 * @param {import("./box_geometry.js").Size} image  the picture itself may be a smaller copy
 */
export function paintCrop(canvas, picture, square, image) {
  if (!picture.naturalWidth) return;
  const scale = picture.naturalWidth / image.width;
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.drawImage(
    picture, square.x * scale, square.y * scale, square.w * scale, square.h * scale, 0, 0, canvas.width, canvas.height,
  );
}
