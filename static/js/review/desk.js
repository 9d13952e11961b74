/** What pages of decisions share: the outbox, its badge, and taking the last decision back. */

import { api } from "../api.js";
import { openTables } from "../labelling/kept_records.js";
import { Outbox } from "../labelling/outbox.js";
import { connectLeaving } from "../labelling/page_life.js";
import { showSaveState } from "../labelling/save_badge.js";
import { toast } from "../toast.js";
import { uuid } from "../uuid.js";

const WORDS = { approve: "accepted", return: "returned", judge: "decided between annotators" };

/** @typedef {{id: number, name: string}} Photo */

export class Desk {
  /** @type {{photo: Photo, eventId: string}[]} */ #trail = [];
  #root;
  #own;
  #onTakenBack;

  /**
   * @param {HTMLElement} root  with data-project and data-user
   * @param {{own: RegExp, onTakenBack: (photo: Photo) => void, onBack: () => void}} parts
   *   own: paths of this page's decisions; onTakenBack: a photo waits again, by undo or because the server refused
   */
  constructor(root, { own, onTakenBack, onBack }) {
    this.#root = root;
    this.#own = own;
    this.#onTakenBack = onTakenBack;
    this.onBack = onBack;
  }

  async open() {
    const { outbox: table } = await openTables();
    const { project, user: owner } = this.#root.dataset;
    this.outbox = new Outbox(table, { owner, project, send: ({ path, body }) => api.post(path, body) });
    this.outbox.addEventListener("change", () => this.#showState());
    this.outbox.addEventListener("refused", ({ detail }) => this.#refused(detail.entry));
    this.outbox.addEventListener("unkept", () => {
      toast("This browser could not write to its disk. Do not close the page before it says Saved.", { tone: "error" });
    });
    connectLeaving({ outbox: this.outbox, onBack: this.onBack });
    await this.outbox.load();
    this.#showState();
  }

  /** @param {Photo} photo @param {string} verb  the last part of the path @param {object} body */
  decide(photo, verb, body) {
    const eventId = uuid();
    this.#trail.push({ photo, eventId });
    const entry = { id: eventId, path: `images/${photo.id}/${verb}/`, imageId: photo.id, imageName: photo.name };
    const words = `“${photo.name}” ${WORDS[verb]}`; // for the other pages, which send it too when this one is closed
    this.outbox.add({ ...entry, words, body: { ...body, event_id: eventId } });
    return eventId;
  }

  async takeBack() {
    const last = this.#trail.at(-1);
    if (!last) return toast("There is nothing to undo on this page.");
    const { photo, eventId } = last;
    if (!(await this.outbox.withdraw(eventId))) {
      if (this.outbox.find(eventId)) return toast(`“${photo.name}” is still on its way. Undo it when it says Saved.`);
      try {
        await api.post(`events/${eventId}/undo/`);
      } catch (error) {
        if (!error.kind) throw error;
        return toast(`“${photo.name}” was not undone. ${error.message}`, { tone: "error" });
      }
    }
    this.#forget(eventId);
    this.#onTakenBack(photo);
  }

  /** The outbox is shared with the other pages: what they sent is theirs to settle. */
  #refused(entry) {
    if (!this.#own.test(entry.path)) return;
    this.outbox.discard(entry.id);
    this.#forget(entry.id);
    toast(`“${entry.imageName}”: ${entry.refusal.message}`, { tone: "error" });
    this.#onTakenBack({ id: entry.imageId, name: entry.imageName });
  }

  #forget(eventId) {
    this.#trail = this.#trail.filter((one) => one.eventId !== eventId);
  }

  #showState() {
    const part = (name) => this.#root.querySelector(`[data-region=${name}]`);
    showSaveState(part("save"), this.outbox);
    part("login").hidden = this.outbox.state !== "login";
    const count = this.outbox.waiting.length;
    part("login-count").textContent = count ? ` Decisions that wait on this computer: ${count}.` : "";
  }
}
