/** One person's stretch of labelling: which photo is open, sending it, skipping it, going back. No DOM. */

import { uuid } from "../uuid.js";
import { acceptProposed, faceFromWire, faceToWire, withDecisions } from "./decisions.js";

/**
 * held: somebody else works on the chosen photo. blind: leased, but its picture cannot be shown, and nobody may
 * accept what they do not see.
 * @typedef {"loading"|"ready"|"empty"|"failed"|"held"|"blind"} Phase
 */
const LOOK_AGAIN_MS = 15_000;
const RETRY_MS = 4_000;

/**
 * @typedef {object} Sent  a photo that was submitted
 * @property {import("./queue.js").Item} item
 * @property {string} eventId
 * @property {import("./decisions.js").Face[]} before  as they stood when the person pressed Enter
 * @property {import("./decisions.js").Face[]} faces  as they were sent
 */

/** Fires "change" when another photo (or none) is open; "say" with {message, tone, action?} for the person. */
export class LabelSession extends EventTarget {
  /** @type {Phase} */ phase = "loading";
  /** @type {import("./queue.js").Item|null} */ item = null;
  /** @type {import("../api.js").ApiError|Error|null} */ problem = null;
  waiting = 0;
  /** @type {Sent[]} photos submitted since the page was opened, newest last */ #sent = [];
  /** @type {Sent[]} photos taken back, the last one taken back last */ #undone = [];
  /** @type {number|null} go on behind this photo */ #after = null;
  /** @type {number|null} the photo that was asked for, null for whichever is next */ #chosen = null;
  /** @type {import("./decisions.js").Face[]|null} decisions to lay over the photo that is yet to open */ #mine = null;
  #moving = false;
  #hasDraft = false;
  #hasJustSent = false;
  #again = 0;

  /**
   * @param {object} parts
   * @param {typeof import("../api.js").api} parts.api
   * @param {string} parts.slug  of the project
   * @param {import("./queue.js").ImageQueue} parts.queue
   * @param {import("./store.js").FaceStore} parts.store
   * @param {import("./outbox.js").Outbox} parts.outbox
   * @param {import("./drafts.js").Drafts} parts.drafts
   * @param {number} parts.threshold  least probability at which Enter names a face
   * @param {boolean} parts.canLabel
   */
  constructor(parts) {
    super();
    Object.assign(this, parts);
    this.outbox.addEventListener("saved", ({ detail }) => this.#saved(detail.entry));
    this.store.addEventListener("change", () => this.#keepDraft());
  }

  get canEdit() {
    return this.canLabel && this.phase === "ready" && Boolean(this.item?.lease);
  }

  get canGoBack() {
    return this.#sent.length > 0;
  }

  /** The open photo was taken back, and nothing else was decided in it since. */
  get canGoForward() {
    return this.canEdit && !this.store.canUndo && this.#undone.at(-1)?.item.image.id === this.item.image.id;
  }

  /** Open the asked photo, else the one open when the page died, else the next. @param {number|null} imageId */
  async start(imageId) {
    const draft = imageId === null && this.canLabel ? await this.drafts.latest() : null;
    const chosen = imageId ?? draft?.imageId ?? null;
    await this.#move(() => this.#arrive(chosen, { onlyTry: draft !== null }));
  }

  /** Accept everything proposed, send the photo, go on. */
  async accept() {
    if (!this.canEdit) return;
    await this.#move(async () => {
      const before = this.store.faces;
      const { faces, named, unnamed } = acceptProposed(before, this.threshold);
      if (named + unnamed > 0) this.store.replace(faces);
      await this.#submit(before);
      if (unnamed > 0) this.#say(unnamedWords(unnamed, named, this.threshold), "warn");
      await this.#arrive(null);
    });
  }

  /** Leave the photo to somebody else, or for later. @param {string} [reason]  for others to read */
  async skip(reason = "") {
    if (this.phase === "loading") return;
    await this.#move(async () => {
      const { item } = this;
      if (item) {
        this.#after = item.image.id;
        this.#dropUndone(item);
        if (this.canEdit && this.store.isChanged) {
          this.drafts.keep(item.image, this.store.changed(), false);
          this.#say(`Your changes to “${item.image.name}” were not sent. They are kept on this computer.`, "info");
        }
        this.item = null;
        if (item.lease && reason) await this.#skipFor(item, reason);
        else if (item.lease) this.queue.release(item);
      }
      await this.#arrive(null);
    });
  }

  /** Take the last submitted photo back and open it as it was before. */
  async back() {
    const last = this.#sent.at(-1);
    if (!last) return this.#say("There is nothing to undo on this page.", "info");
    await this.#move(async () => {
      if (!(await this.#takeBack(last))) return;
      this.#sent.pop();
      this.#undone.push(last);
      const current = this.item;
      this.item = null;
      if (current?.lease) this.queue.putBack(current);
      await this.#arrive(last.item.image.id, { mine: last.before });
    });
  }

  /** Send the open photo once more as it was before it was taken back. */
  async forward() {
    if (!this.canGoForward) return;
    await this.#move(async () => {
      const { faces, before } = this.#undone.at(-1);
      this.store.replace(withDecisions(this.store.faces, faces));
      await this.#submit(before);
      await this.#arrive(null);
    });
  }

  /** Tell reviewers that something is odd. @param {string} text @param {number|null} faceId */
  async flag(text, faceId) {
    if (!this.item) return;
    const { id, name } = this.item.image;
    const event = uuid();
    const body = { text, event_id: event, ...(faceId === null ? {} : { face: faceId }) };
    await this.outbox.add({ id: event, path: `images/${id}/flag/`, words: `Your flag on “${name}”`, body });
    this.#say(`“${name}” is flagged for the reviewers.`, "success");
  }

  /** A remark needs no more attention. @param {number} remarkId */
  async settle(remarkId) {
    const event = uuid();
    const words = `Settling a remark on “${this.item.image.name}”`;
    await this.outbox.add({ id: event, path: `remarks/${remarkId}/resolve/`, words, body: { event_id: event } });
    this.item.remarks = this.item.remarks.filter(({ id }) => id !== remarkId);
  }

  /** Ask for a photo again after none, a failure, or somebody else's lease. @param {boolean} [quiet]  by itself */
  async retry(quiet = false) {
    const mine = this.#mine;
    if (this.phase === "blind") await this.#move(() => this.#show(this.queue.reload(this.item), mine));
    if (!["empty", "failed", "held"].includes(this.phase)) return;
    await this.#move(() => this.#arrive(this.#chosen, { quiet, mine }));
  }

  /** @returns {number[]} images whose decision is still on its way */
  get unsent() {
    return this.outbox.waiting.map(({ imageId }) => imageId).filter(Boolean);
  }

  /** @param {string} eventId @returns {Sent|undefined} */
  sentAs(eventId) {
    return this.#sent.find((sent) => sent.eventId === eventId);
  }

  async #submit(before) {
    const { item } = this;
    const eventId = uuid();
    const body = {
      lease: item.lease,
      version: item.image.version,
      event_id: eventId,
      faces: this.store.changed().map(faceToWire),
    };
    await this.outbox.add({
      id: eventId,
      path: `images/${item.image.id}/submit/`,
      imageId: item.image.id,
      imageName: item.image.name,
      faces: this.store.faces,
      body,
    });
    this.drafts.drop(item.image.id);
    this.#dropUndone(item);
    this.#sent.push({ item, eventId, before, faces: this.store.faces });
    this.#after = item.image.id;
    this.#hasJustSent = true;
    this.item = null; // its store changes must not become a draft again
  }

  #dropUndone(item) {
    if (this.#undone.at(-1)?.item.image.id === item.image.id) this.#undone.pop();
  }

  async #skipFor(item, reason) {
    const id = uuid();
    const { id: image, name } = item.image;
    const body = { image, lease: item.lease, reason, event_id: id };
    this.queue.forget(image);
    const path = `projects/${this.slug}/queue/skip/`;
    await this.outbox.add({ id, path, imageId: image, words: `Why you skipped “${name}”`, body });
  }

  /** One move at a time: a second Enter while the next photo is on its way must not count. */
  async #move(act) {
    if (this.#moving) return;
    this.#moving = true;
    try {
      await act();
    } finally {
      this.#moving = false;
    }
  }

  /**
   * @param {number|null} chosen
   * @param {{onlyTry?: boolean, quiet?: boolean, mine?: import("./decisions.js").Face[]|null}} [options]
   *   mine: decisions to lay over what the server has
   * @returns {Promise<boolean>} whether a photo is open now
   */
  async #arrive(chosen, { onlyTry = false, quiet = false, mine = null } = {}) {
    clearTimeout(this.#again);
    this.#chosen = chosen;
    this.#mine = mine;
    if (!quiet) this.#turn("loading");
    try {
      const item = chosen === null ? await this.#next() : await this.#open(chosen);
      if (item === null) return this.#turn("empty", null, LOOK_AGAIN_MS);
      await this.#show(item, mine);
      return true;
    } catch (error) {
      if (!error.kind) console.error("A photo could not be opened.", error);
      if (onlyTry && !error.passing) return this.#arrive(null);
      const waitMs = error.passing || error.kind === "login" ? RETRY_MS : 0;
      return this.#turn(error.code === "leased" ? "held" : "failed", error, waitMs);
    }
  }

  #open(imageId) {
    return this.canLabel ? this.queue.open(imageId) : this.queue.look(imageId);
  }

  async #next() {
    if (!this.canLabel) return null;
    for (;;) {
      const item = await this.queue.next(this.#after);
      // The server may still hand out photos that are decided here and on their way: wait for it to know.
      if (item || this.unsent.length === 0) return item;
      await new Promise((resolve) => this.outbox.addEventListener("change", resolve, { once: true }));
    }
  }

  async #show(item, mine = null) {
    const claimed = item.image.claimed_identity;
    const faces = item.faces.map((face) => faceFromWire(face, claimed));
    const [draft, problem] = await Promise.all([
      item.lease && !mine ? this.drafts.find(item.image.id) : null,
      item.picture.ready.then(() => null, (error) => error),
    ]);
    this.item = null; // loading is no edit: it must not touch the draft
    this.store.load(faces, mine ? withDecisions(faces, mine) : faces);
    this.item = item;
    // A photo fetched ahead was counted before the one just sent was done.
    this.waiting = item.waiting - (item.isAhead && this.#hasJustSent ? 1 : 0);
    this.#hasJustSent = false;
    this.phase = problem ? "blind" : "ready";
    this.problem = problem;
    if (problem) this.#again = setTimeout(() => this.retry(true), RETRY_MS);
    this.#hasDraft = Boolean(draft);
    if (draft && !problem) this.#restore(draft, item);
    if (!problem) this.#mine = null; // from here on they are a draft
    if (mine) this.#keepDraft();
    this.dispatchEvent(new Event("change"));
    if (item.lease) this.queue.prefetch(item.image.id); // only now: the open photo has the network first
  }

  #restore(draft, item) {
    this.store.replace(withDecisions(this.store.faces, draft.faces));
    if (draft.version === item.image.version) this.#say("Your unsent changes to this photo are back.", "success");
    else this.#say("This photo was changed since. Your unsent changes lie over it; Undo shows it without them.", "warn");
  }

  /** @param {Sent} sent @returns {Promise<boolean>} whether the server has the photo as it was before */
  async #takeBack({ item, eventId, before }) {
    const { name } = item.image;
    if (this.outbox.find(eventId)?.refusal) {
      this.#say(`“${name}” was not saved: choose first what should become of your version.`, "warn");
      return false;
    }
    if (this.outbox.find(eventId)) {
      await this.drafts.keep(item.image, before); // first: never is there none of the two on disk
      if (await this.outbox.withdraw(eventId)) return true;
      await this.drafts.drop(item.image.id);
    }
    if (this.outbox.find(eventId)) {
      this.#say(`“${name}” is still on its way to the server. Undo it when the badge says Saved.`, "warn");
      return false;
    }
    try {
      await this.api.post(`events/${eventId}/undo/`);
      return true;
    } catch (error) {
      if (!error.kind) throw error;
      this.#say(`“${name}” was not undone. ${error.message}`, "error");
      return false;
    }
  }

  #saved(entry) {
    if (!entry.imageId) return;
    this.queue.forget(entry.imageId);
    if (entry.faces) this.queue.refreshSoon();
    // Fetching ahead may have met this photo before the server knew it was done.
    if (this.canEdit) this.queue.prefetch(this.item.image.id);
  }

  #keepDraft() {
    if (!this.canEdit || !this.item) return;
    const { isChanged } = this.store;
    if (isChanged) this.drafts.keep(this.item.image, this.store.changed());
    else if (this.#hasDraft) this.drafts.drop(this.item.image.id);
    this.#hasDraft = isChanged;
  }

  /** @param {Phase} phase @returns {false} */
  #turn(phase, problem = null, againMs = 0) {
    this.phase = phase;
    this.problem = problem;
    this.item = null;
    if (againMs) this.#again = setTimeout(() => this.retry(true), againMs);
    this.dispatchEvent(new Event("change"));
    return false;
  }

  #say(message, tone, action) {
    this.dispatchEvent(new CustomEvent("say", { detail: { message, tone, action } }));
  }
}

function unnamedWords(unnamed, named, threshold) {
  const faces = unnamed === 1 ? "1 face was confirmed" : `${unnamed} faces were confirmed`;
  const why = `no suggestion reached ${Math.round(threshold * 100)} %`;
  return `${faces} without a name: ${why}.${named ? ` ${named} named.` : ""}`;
}
