/** The photos of this visit: held until they are sent, then with what became of them. */

import { make } from "../element.js";

/**
 * @typedef {object} Shot
 * @property {File} file @property {string} address  of its small picture
 * @property {string} session @property {string} identity
 * @typedef {"held"|import("../upload.js").Outcome} Standing
 */

/** Photos that went well leave the list beyond this many; those with trouble stay. */
const MOST_SETTLED = 60;
const THUMB_WIDTH = 320;
const CHIPS = {
  held: { chip: "proposed", words: "not sent yet" },
  waiting: { chip: "queued", words: "waiting" },
  sending: { chip: "running", words: "sending" },
  created: { chip: "done", words: "new" },
  duplicate: { chip: "unknown", words: "already here" },
  rejected: { chip: "rejected", words: "rejected" },
  failed: { chip: "failed", words: "not sent" },
};
const DISCARDABLE = new Set(["held", "rejected", "failed"]);
const SENDABLE = new Set(["held", "failed"]);
const WENT_WELL = new Set(["created", "duplicate"]);

export class Tray {
  /** @type {Shot[]} newest first */ #shots = [];
  #list;
  #uploader;
  #onChange;
  /** @type {Map<Shot, HTMLElement>} */ #tiles = new Map();
  /** Of those that left the list. */ #gone = { created: 0, duplicate: 0 };

  /** @param {HTMLElement} list @param {import("../upload.js").Uploader} uploader @param {() => void} onChange */
  constructor(list, uploader, onChange) {
    this.#list = list;
    this.#uploader = uploader;
    this.#onChange = onChange;
  }

  /** @returns {Record<Standing, number>} */
  get counts() {
    const counts = { held: 0, waiting: 0, sending: 0, created: 0, duplicate: 0, rejected: 0, failed: 0 };
    for (const [name, count] of Object.entries(this.#gone)) counts[name] += count;
    for (const { outcome } of this.#standings().values()) counts[outcome] += 1;
    return counts;
  }

  get isEmpty() {
    return this.#shots.length === 0;
  }

  /** How many of those that went well are not listed any more. */
  get hiddenCount() {
    return this.#gone.created + this.#gone.duplicate;
  }

  /** @param {Shot} shot */
  add(shot) {
    this.#shots = [shot, ...this.#shots];
    const tile = this.#tile(shot);
    this.#tiles.set(shot, tile);
    this.#list.prepend(tile);
    this.#onChange();
  }

  /** Give the uploader what waits for it, oldest first. */
  send() {
    const standings = this.#standings();
    const ready = this.#shots.filter((shot) => SENDABLE.has(standings.get(shot).outcome)).reverse();
    if (ready.length) this.#uploader.add(ready.map(({ file, session, identity }) => ({ file, session, identity })));
  }

  discardHeld() {
    const standings = this.#standings();
    for (const shot of this.#shots) if (standings.get(shot).outcome === "held") this.#drop(shot);
    this.#onChange();
  }

  draw() {
    const standings = this.#standings();
    let settled = 0;
    for (const shot of this.#shots) {
      const standing = standings.get(shot);
      if (WENT_WELL.has(standing.outcome)) settled += 1;
      if (settled > MOST_SETTLED && WENT_WELL.has(standing.outcome)) this.#retire(shot, standing.outcome);
      else drawTile(this.#tiles.get(shot), standing);
    }
  }

  /** What became of each; a photo whose sending was cancelled is held again. */
  #standings() {
    const uploads = new Map(this.#uploader.uploads.map((upload) => [upload.file, upload]));
    return new Map(this.#shots.map((shot) => [shot, uploads.get(shot.file) ?? { outcome: "held", reason: "" }]));
  }

  #retire(shot, outcome) {
    this.#gone[outcome] += 1;
    this.#drop(shot);
  }

  #drop(shot) {
    this.#shots = this.#shots.filter((other) => other !== shot);
    URL.revokeObjectURL(shot.address);
    this.#tiles.get(shot).remove();
    this.#tiles.delete(shot);
    this.#uploader.forget(shot.file);
  }

  #tile(shot) {
    const tile = make("li", "photo shot");
    const picture = Object.assign(make("img", "photo__img"), { src: shot.address, alt: "" });
    const discard = make("button", "button button--small button--quiet", "Discard");
    discard.type = "button";
    discard.setAttribute("aria-label", `Discard ${shot.file.name}`);
    discard.addEventListener("click", () => this.#discard(shot));
    const meta = make("span", "photo__meta");
    meta.append(make("span", "chip"), discard);
    const name = make("span", "photo__label", shot.identity || shot.file.name);
    name.title = shot.file.name;
    tile.append(picture, name, meta, make("span", "shot__why muted"));
    return tile;
  }

  #discard(shot) {
    const neighbour = this.#tiles.get(shot).nextElementSibling ?? this.#tiles.get(shot).previousElementSibling;
    this.#drop(shot);
    neighbour?.querySelector("button:not([hidden])")?.focus(); // whoever discards several goes on from here
    this.#onChange();
  }
}

function drawTile(tile, { outcome, reason }) {
  tile.dataset.outcome = outcome;
  const chip = tile.querySelector(".chip");
  chip.className = `chip chip--${CHIPS[outcome].chip}`;
  chip.textContent = CHIPS[outcome].words;
  tile.querySelector("button").hidden = !DISCARDABLE.has(outcome);
  tile.querySelector(".shot__why").textContent = reason;
}

/** The address of a small picture of it, to be revoked by whoever drops it. @param {HTMLCanvasElement} canvas */
export async function thumbOf(canvas) {
  const width = Math.min(THUMB_WIDTH, canvas.width);
  const height = Math.max(1, Math.round((canvas.height * width) / canvas.width));
  const small = Object.assign(document.createElement("canvas"), { width, height });
  small.getContext("2d").drawImage(canvas, 0, 0, width, height);
  return URL.createObjectURL(await new Promise((resolve) => small.toBlob(resolve, "image/jpeg", 0.8)));
}
