/** Carries out what a person chooses about a refused photo. */

import { uuid } from "../uuid.js";
import { ConflictPanel, titleOf } from "./conflict_panel.js";
import { faceToWire } from "./decisions.js";

/** @param {import("./outbox.js").Entry} entry @returns {boolean} whether it was decided on this screen */
export const isOfLabel = ({ path }) => /^(images|remarks)\/|\/queue\//.test(path);

/**
 * @param {HTMLElement} element  the panel
 * @param {object} parts
 * @param {typeof import("../api.js").api} parts.api
 * @param {import("./outbox.js").Outbox} parts.outbox
 * @param {import("./queue.js").ImageQueue} parts.queue
 * @param {(message: string, tone: string) => void} parts.say
 * @param {() => void} parts.onDone  nothing is left to choose
 */
export function connectConflicts(element, { api, outbox, queue, say, onDone }) {
  const panel = new ConflictPanel(element, { onDrop: drop, onSend: send });
  /** Which entry is shown, and how many wait behind it. */ let shown = "";

  async function showFirst() {
    const [entry, ...more] = outbox.refused.filter(isOfLabel);
    const now = entry ? `${entry.id} ${more.length}` : "";
    if (now === shown) return;
    shown = now;
    if (!entry) {
      panel.show(null);
      return onDone();
    }
    const theirs = entry.faces ? entry.refusal.current ?? (await ask(api, entry.imageId)) : null;
    if (shown === now) panel.show(entry, theirs, more.length);
  }

  async function drop(entry) {
    await outbox.discard(entry.id);
    say(entry.faces ? `“${entry.imageName}” stays as the others left it.` : `${entry.words}: given up.`, "info");
  }

  async function send(entry) {
    panel.busy();
    try {
      const again = entry.faces ? resubmission(entry, await queue.open(entry.imageId)) : repetition(entry);
      await outbox.replace(entry.id, again);
    } catch (error) {
      if (!error.kind) throw error;
      say(`${titleOf(entry)} was not sent. ${error.message} It is still kept.`, "error");
      shown = "";
      showFirst();
    }
  }

  outbox.addEventListener("change", showFirst);
}

async function ask(api, imageId) {
  try {
    return await api.get(`images/${imageId}/`);
  } catch (error) {
    if (!error.kind) throw error;
    return null; // the panel says that theirs is not known
  }
}

/** What is no version of a photo (a flag, a reason to skip) is sent as it was. */
function repetition({ path, words, body }) {
  const id = uuid();
  return { id, path, words, body: { ...body, event_id: id } };
}

/** My whole version once more, on top of what the photo is now. */
function resubmission(entry, { lease, image, faces }) {
  const known = new Set(faces.map(({ id }) => id));
  const isGone = (face) => face.id !== null && !known.has(face.id);
  const mine = entry.faces
    .filter((face) => !(isGone(face) && face.state === "rejected"))
    .map((face) => (isGone(face) ? { ...face, id: null, uid: uuid() } : face));
  const id = uuid();
  const body = { lease, version: image.version, event_id: id, faces: mine.map(faceToWire) };
  return { id, path: entry.path, imageId: entry.imageId, imageName: entry.imageName, faces: mine, body };
}
