/** One person's stretch of sorting: which group or question is open, deciding, skipping, going back. No DOM. */

import { uuid } from "../uuid.js";
import { Board } from "./board.js";
import { Trail } from "./trail.js";
import { counted, entryForFaces, entryForPair, nameAs, outcomeOf, showTwice, whyASlip } from "./verdicts.js";

/** @typedef {"loading"|"ready"|"empty"|"working"|"failed"} Phase */

const WORKING_AGAIN_MS = 2_000;
const LOOK_AGAIN_MS = 15_000;
const RETRY_MS = 4_000;
/** A little more than workers need to put the waiting groups in order again. */
const RANKED_AFTER_MS = 900;

/** Fires "change" when another group or question (or none) is open; "say" with {message, tone} for the person. */
export class SortSession extends EventTarget {
  /** @type {Phase} */ phase = "loading";
  /** @type {object|null} the pair asked about; null while a group is open */ question = null;
  /** @type {import("../api.js").ApiError|Error|null} */ problem = null;
  canLabel = true;
  lastWords = "";
  /** @type {Trail} */ #trail;
  /** @type {{group: object, state: import("./board.js").State}[]} left for an earlier one; shown before all others */
  #parked = [];
  /** @type {Map<number, number[]>} skipped groups and their faces */ #skipped = new Map();
  /** Faces decided here, whether the server knows or not. @type {Set<number>} */ #settled = new Set();
  /** @type {import("./place.js").Place|null} where an earlier visit ended */ #resume = null;
  /** Groups decided a moment ago: what is left of them is shown once workers have ranked it. */ #cooling = new Set();
  /** Questions come by themselves until the person turns one away. */ #mayAsk = true;
  /** The person wants questions, one after the other. */ #wantsPairs = false;
  /** @type {import("./board.js").State|null} as it was when the person was warned: saying it again means it */
  #warned = null;
  #moving = false;
  #again = 0;

  /**
   * @param {object} parts
   * @param {typeof import("../api.js").api} parts.api
   * @param {string} parts.slug
   * @param {import("./group_queue.js").GroupQueue} parts.queue
   * @param {import("./board.js").Board} parts.board
   * @param {import("../labelling/outbox.js").Outbox} parts.outbox
   * @param {import("./place.js").PlaceKeeper} parts.places
   * @param {import("./pace.js").Pace} parts.pace
   */
  constructor(parts) {
    super();
    Object.assign(this, parts);
    this.#trail = new Trail(this.api, this.outbox);
    this.board.addEventListener("change", () => this.#keepPlace());
    this.outbox.addEventListener("saved", ({ detail }) => this.#saved(detail.entry));
    this.queue.addEventListener("change", () => {
      if (["empty", "working"].includes(this.phase) && this.queue.following) this.retry(true);
    });
  }

  /** @returns {object|null} the open group */
  get group() {
    return this.phase === "ready" && !this.question ? this.board.cluster : null;
  }

  get canGoBack() {
    return this.#trail.last !== null;
  }

  get canRedo() {
    const { next } = this.#trail;
    if (!next) return false;
    return next.kind === "pair" ? this.question?.id === next.question.id : this.board.state === next.state;
  }

  /** Here, or in another tab that has left it to be sent. @param {number} faceId */
  isSettled = (faceId) =>
    this.#settled.has(faceId) || this.outbox.entries.some(({ cards }) => cards?.some(({ id }) => id === faceId));

  /** A group whose faces were mostly skipped, also when a new clustering gave it another id. @param {object} group */
  isSkipped = (group) => {
    if (this.#skipped.has(group.id)) return true;
    const skipped = new Set([...this.#skipped.values()].flat());
    return group.faces.filter(({ id }) => skipped.has(id)).length * 2 > group.faces.length;
  };

  /** @returns {number[]} groups that must not be handed out now */
  held = () => {
    const parked = this.#parked.flatMap(({ group, state }) => [group.id, ...state.merged]);
    const open = this.board.cluster ? [this.board.cluster.id, ...this.board.state.merged] : [];
    return [...open, ...parked, ...this.#cooling, ...this.#skipped.keys()];
  };

  /** Faces that wait, without those whose decision is on its way. */
  get waiting() {
    const unsent = this.outbox.waiting.reduce((sum, { cards }) => sum + (cards?.length ?? 0), 0);
    return Math.max(this.queue.standing.faces - unsent, 0);
  }

  /** Open what was open when the page was left, else the next. */
  async start() {
    this.#resume = this.places.load();
    this.#skipped = new Map(this.#resume.skipped);
    await this.#move(() => this.#arrive());
  }

  /** Name the kept faces as proposed. @returns {Promise<string|null>} why nothing was done */
  async accept() {
    const { proposal } = this.board.state;
    if (!proposal) return "Nobody is proposed here: type a name, or press U when it is nobody we know.";
    return this.decide(nameAs(proposal.person));
  }

  /** One word on all kept faces, then on. @param {import("./verdicts.js").Verdict} verdict @returns {Promise<string|null>} */
  async decide(verdict, isAgain = false) {
    const { group } = this;
    if (!group) return "No group is open.";
    const { state, kept } = this.board;
    if (!kept.length) return "Every face is knocked out. Take one back, or skip the group.";
    const allowTwice = verdict.as === "assigned" && showTwice(kept);
    const doubt = verdict.as === "assigned" ? whyASlip(this.board) : null;
    if (doubt && this.#warned !== state) {
      this.#warned = state;
      return doubt;
    }
    await this.#move(async () => {
      const strangers = this.board.isLeftovers ? [] : this.board.knockedOut;
      const groups = [group.id, ...state.merged];
      const entry = entryForFaces({ slug: this.slug, eventId: uuid(), verdict, faces: kept, strangers, allowTwice });
      await this.outbox.add({ ...entry, groups });
      groups.forEach((id) => this.#cooling.add(id));
      kept.forEach(({ id }) => this.#settled.add(id));
      this.#trail.add({ kind: "faces", entry, group, state }, isAgain);
      this.pace.add(kept.length);
      this.lastWords = `${counted(kept.length)}: ${outcomeOf(verdict)}`;
      await this.#arrive();
    });
    return null;
  }

  /** Answer the open question. @param {boolean} same */
  async answer(same, isAgain = false) {
    const { question } = this;
    if (!question) return;
    await this.#move(async () => {
      const entry = entryForPair({ slug: this.slug, eventId: uuid(), question, same });
      await this.outbox.add(entry);
      this.queue.dropQuestion(question.id);
      this.#trail.add({ kind: "pair", entry, question }, isAgain);
      this.lastWords = same ? "The same person" : "Different people";
      this.question = null;
      await this.#arrive();
    });
  }

  /** Leave the group or question for later. */
  async skip(isAgain = false) {
    if (this.phase !== "ready") return;
    await this.#move(async () => {
      const { question, group } = this;
      if (question) {
        this.queue.dropQuestion(question.id);
        this.question = null;
      } else {
        this.#skipped.set(group.id, this.board.faces.map(({ id }) => id));
        this.#trail.add({ kind: "skip", group, state: this.board.state }, isAgain);
        this.lastWords = "Skipped";
      }
      await this.#arrive();
    });
  }

  /** Ask about two faces now, or go back to the groups. @returns {string|null} why there is no question */
  switchToPairs() {
    if (this.question) {
      this.#mayAsk = false;
      this.#wantsPairs = false;
      this.question = null;
      this.#move(() => this.#arrive());
      return null;
    }
    const { question } = this.queue;
    if (!question) return "There is no pair worth asking about now.";
    this.#mayAsk = true;
    this.#wantsPairs = true;
    this.#park();
    this.#showQuestion(question);
    return null;
  }

  /** Take the last decision of this page back and show its group again. @returns {Promise<string|null>} why not */
  async back() {
    if (!this.canGoBack) return "There is nothing to undo on this page.";
    let words = null;
    await this.#move(async () => {
      const { problem, faces } = await this.#trail.takeBack();
      words = problem;
      if (problem) return;
      this.#park();
      this.#reopen(this.#trail.last, faces);
    });
    return words;
  }

  /** @returns {Promise<string|null>} why not */
  async redo() {
    if (!this.canRedo) return "Nothing to redo.";
    const { kind, entry } = this.#trail.next;
    if (kind === "faces") return this.decide(entry.verdict, true);
    if (kind === "pair") await this.answer(entry.same, true);
    else await this.skip(true);
    return null;
  }

  /**
   * A refused decision was sent in another form, or given up.
   * @param {import("../labelling/outbox.js").Entry} old @param {import("../labelling/outbox.js").Entry|null} entry
   */
  resolved(old, entry) {
    const sent = new Set((entry?.cards ?? []).map(({ id }) => id));
    for (const { id } of old.cards ?? []) if (!sent.has(id)) this.#settled.delete(id);
    (old.groups ?? []).forEach((id) => entry || this.#cooling.delete(id));
    this.#trail.replace(old.id, entry);
    this.queue.refresh();
  }

  /** Ask again after none, or a failure. @param {boolean} [quiet]  by itself */
  async retry(quiet = false) {
    if (["empty", "working", "failed"].includes(this.phase)) await this.#move(() => this.#arrive({ quiet }));
  }

  /** The group beside joins the open one. @returns {Promise<string|null>} why not */
  async merge() {
    const { neighbour } = this.board.state;
    if (!this.group) return "No group is open.";
    if (!neighbour) return "No other group is near this one.";
    let words = null;
    await this.#move(async () => {
      try {
        const whole = await this.queue.open(neighbour.id);
        const faces = (whole ?? neighbour).faces.filter(({ id }) => !this.isSettled(id));
        this.board.merge(faces, whole?.neighbour ?? null);
      } catch (error) {
        if (!error.kind) throw error;
        words = `The other group was not added. ${error.message}`;
      }
    });
    return words;
  }

  #saved({ groups = [] }) {
    setTimeout(() => {
      groups.forEach((id) => this.#cooling.delete(id));
      this.queue.refresh();
    }, RANKED_AFTER_MS);
  }

  /** One move at a time: a second Enter while the next group is on its way must not count. */
  async #move(act) {
    if (this.#moving) return;
    this.#moving = true;
    try {
      await act();
    } finally {
      this.#moving = false;
    }
  }

  async #arrive({ quiet = false } = {}) {
    clearTimeout(this.#again);
    if (!quiet) this.#turn("loading");
    try {
      if (this.#resume && (await this.#resumed())) return;
      if (this.#wantsPairs && this.queue.question) return this.#showQuestion(this.queue.question);
      this.#wantsPairs = false;
      const parked = this.#parked.pop();
      if (parked) return this.#show(parked.group, parked.state);
      this.board.cluster = null; // decided or skipped: no longer held as the open one
      const group = await this.#next();
      const { question } = this.queue;
      if (question && this.#mayAsk && question.decides > (group?.size ?? 0)) {
        if (group) this.queue.putBack(group);
        return this.#showQuestion(question);
      }
      if (group) return this.#show(group);
      const isWorking = this.queue.standing.state === "working" || this.#cooling.size > 0;
      this.#turn(isWorking ? "working" : "empty", null, isWorking ? WORKING_AGAIN_MS : LOOK_AGAIN_MS);
    } catch (error) {
      if (!error.kind) console.error("A group could not be opened.", error);
      this.#turn("failed", error, error.passing || error.kind === "login" ? RETRY_MS : 0);
    }
  }

  /** The next group; what was skipped comes again once there is nothing else. */
  async #next() {
    const group = await this.queue.take();
    if (group || !this.#skipped.size || this.#cooling.size) return group;
    this.#skipped.clear();
    this.queue.forgetSkipped();
    const again = await this.queue.take();
    if (again) this.#say("Only what you skipped is left: here it is again.", "info");
    return again;
  }

  /** @returns {Promise<boolean>} whether the group of the earlier visit is open again */
  async #resumed() {
    const { group: id, out, merged } = this.#resume;
    const group = id === null ? null : await this.queue.open(id);
    const added = group ? await Promise.all(merged.map((one) => this.queue.open(one))) : [];
    this.#resume = null;
    if (!group || this.isSkipped(group)) return false;
    const before = new Board();
    before.open(group);
    for (const one of added.filter(Boolean)) {
      before.state = { ...before.state, neighbour: one };
      before.merge(one.faces, one.neighbour);
    }
    const known = before.faces.map((face) => face.id);
    this.#show(group, { ...before.state, out: new Set(out.filter((face) => known.includes(face))) });
    return true;
  }

  #show(group, state = null) {
    this.question = null;
    this.problem = null;
    this.phase = "ready";
    this.board.open(group, state);
    this.dispatchEvent(new Event("change"));
    this.queue.refresh(); // only now: what is open has the network first
  }

  #showQuestion(question) {
    this.board.close();
    this.question = question;
    this.problem = null;
    this.phase = "ready";
    this.dispatchEvent(new Event("change"));
    this.queue.refresh();
  }

  /** Leave the open group as it is, for right after. */
  #park() {
    const { group } = this;
    if (group) this.#parked.push({ group, state: this.board.state });
  }

  #reopen(step, faces) {
    this.lastWords = "Taken back; here it is again";
    if (step.kind === "pair") {
      this.#trail.moveBack(step);
      return this.#showQuestion(step.question);
    }
    if (step.kind === "skip") this.#skipped.delete(step.group.id);
    else {
      step.entry.cards.forEach(({ id }) => this.#settled.delete(id));
      this.pace.add(-step.entry.cards.length);
    }
    const state = withVersions(step.state, faces);
    this.#trail.moveBack({ ...step, state });
    this.#show(step.group, state);
  }

  #keepPlace() {
    const { cluster, state } = this.board;
    const { group = null, out = [], merged = [] } = this.#resume ?? {};
    this.places.keep({
      group: cluster?.id ?? group,
      out: cluster ? [...state.out] : out,
      merged: cluster ? state.merged : merged,
      skipped: [...this.#skipped],
    });
  }

  /** @param {Phase} phase */
  #turn(phase, problem = null, againMs = 0) {
    this.phase = phase;
    this.problem = problem;
    if (phase !== "loading") this.board.close();
    if (againMs) this.#again = setTimeout(() => this.retry(true), againMs);
    this.dispatchEvent(new Event("change"));
  }

  #say(message, tone) {
    this.dispatchEvent(new CustomEvent("say", { detail: { message, tone } }));
  }
}

/** Undoing made new versions of the faces. @param {import("./board.js").State} state @param {object[]} [faces] */
function withVersions(state, faces = []) {
  const versions = new Map(faces.map(({ id, version }) => [id, version]));
  const renew = (list) => list.map((face) => ({ ...face, version: versions.get(face.id) ?? face.version }));
  const parts = Object.fromEntries(Object.entries(state.parts).map(([name, list]) => [name, renew(list)]));
  return { ...state, parts };
}
