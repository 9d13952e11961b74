/** The open group: which faces are kept, which are knocked out, where the cursor is, the way back. No DOM, no network. */

import { stepFrom } from "./layout.js";

/**
 * @typedef {object} GroupFace  as on the wire
 * @property {number} id @property {number} version @property {number} image @property {string} crop
 * @property {number[]} box @property {number} likeness @property {boolean} doubtful
 *
 * @typedef {"sure"|"merged"|"doubtful"} Part  where a face stands; doubtful ones are last and always in sight
 * @typedef {{person: import("../labelling/decisions.js").Person, probability: number|null, reason: string,
 *   portraits: string[]}} Proposal
 * @typedef {object} State  never changed in place
 * @property {Record<Part, GroupFace[]>} parts
 * @property {Set<number>} out  knocked out
 * @property {number[]} merged  ids of the groups that were added
 * @property {object|null} neighbour  as on the wire
 * @property {Proposal|null} proposal
 */

const EMPTY = { parts: { sure: [], merged: [], doubtful: [] }, out: new Set(), merged: [], neighbour: null, proposal: null };

/** Fires "change" after every change. */
export class Board extends EventTarget {
  /** @type {object|null} the group as on the wire */ cluster = null;
  /** @type {State} */ state = EMPTY;
  /** @type {number|null} face under the cursor */ cursor = null;
  /** Faces whose picture cannot be had: nobody may decide what they do not see. */ blind = new Set();
  /** @type {State[]} */ #past = [];
  /** @type {State[]} */ #future = [];
  /** @type {{anchor: number, before: Set<number>, isOut: boolean}|null} a range under way */ #range = null;

  /** @param {object} cluster  as on the wire @param {State} [state]  as it was left */
  open(cluster, state = null) {
    this.cluster = cluster;
    this.state = state ?? firstState(cluster);
    this.blind = new Set();
    this.#past = [];
    this.#future = [];
    this.#range = null;
    this.cursor = this.faces[0]?.id ?? null;
    this.#tell();
  }

  close() {
    this.cluster = null;
    this.state = EMPTY;
    this.cursor = null;
    this.#tell();
  }

  /** @returns {GroupFace[]} in the order shown */
  get faces() {
    const { sure, merged, doubtful } = this.state.parts;
    return [...sure, ...merged, ...doubtful];
  }

  /** @returns {GroupFace[]} what a decision is about */
  get kept() {
    return this.faces.filter(({ id }) => !this.state.out.has(id) && !this.blind.has(id));
  }

  get knockedOut() {
    return this.faces.filter(({ id }) => this.state.out.has(id) && !this.blind.has(id));
  }

  /** @returns {GroupFace|null} */
  get current() {
    return this.faces.find(({ id }) => id === this.cursor) ?? null;
  }

  get isLeftovers() {
    return this.cluster?.kind === "leftovers";
  }

  get canUndo() {
    return this.#past.length > 0;
  }

  get canRedo() {
    return this.#future.length > 0;
  }

  /** @param {number} id */
  select(id) {
    this.#range = null;
    this.cursor = id;
    this.#tell();
  }

  /** @param {number} [id]  the face under the cursor if none is given */
  toggle(id = this.cursor) {
    if (id === null) return;
    const out = new Set(this.state.out);
    if (!out.delete(id)) out.add(id);
    this.cursor = id;
    this.#change({ out });
    this.#range = { anchor: id, before: out, isOut: out.has(id) };
  }

  /** All from where the last click or move began to this face become like the first of them. @param {number} id */
  extendTo(id) {
    const isNew = this.#range === null || this.#range.before === this.state.out;
    this.#range ??= { anchor: this.cursor ?? id, before: this.state.out, isOut: !this.state.out.has(this.cursor) };
    const { anchor, before, isOut } = this.#range;
    const ids = this.faces.map((face) => face.id);
    const [from, to] = [ids.indexOf(anchor), ids.indexOf(id)].sort((a, b) => a - b);
    const out = new Set(before);
    ids.slice(from, to + 1).forEach((one) => (isOut ? out.add(one) : out.delete(one)));
    this.cursor = id;
    const range = this.#range;
    if (isNew) this.#change({ out }); // one step of undo, however far it goes
    else this.#set({ ...this.state, out });
    this.#range = range;
  }

  /** @param {string} key  an arrow @param {number} columns @param {boolean} extend  knock out on the way */
  move(key, columns, extend) {
    const { faces } = this;
    if (!faces.length) return;
    const { sure, merged, doubtful } = this.state.parts;
    const at = faces.findIndex(({ id }) => id === this.cursor);
    const to = faces[stepFrom([sure.length, merged.length, doubtful.length], columns, Math.max(at, 0), key)].id;
    if (extend) this.extendTo(to);
    else this.select(to);
  }

  /** What was knocked out is kept, and the other way round. */
  swap() {
    this.#change({ out: new Set(this.kept.map(({ id }) => id)) });
  }

  /** The group beside joins this one. @param {GroupFace[]} faces @param {object|null} next  the neighbour after it */
  merge(faces, next) {
    const { parts, merged, neighbour, proposal } = this.state;
    const known = new Set(this.faces.map(({ id }) => id));
    const fresh = faces.filter(({ id }) => !known.has(id));
    const isKnown = next && [this.cluster.id, neighbour.id, ...merged].includes(next.id);
    this.#change({
      parts: {
        ...parts,
        merged: [...parts.merged, ...fresh.filter(({ doubtful }) => !doubtful)],
        doubtful: [...parts.doubtful, ...fresh.filter(({ doubtful }) => doubtful)],
      },
      merged: [...merged, neighbour.id],
      neighbour: isKnown ? null : next,
      proposal: proposal ?? proposalOf({ ...neighbour, probability: null, reason: "Proposed for the group you added." }),
    });
  }

  /** @param {number} id  its picture did not come */
  cannotShow(id) {
    this.blind.add(id);
    this.#tell();
  }

  undo() {
    return this.#travel(this.#past, this.#future);
  }

  redo() {
    return this.#travel(this.#future, this.#past);
  }

  #travel(from, to) {
    const there = from.pop();
    if (!there) return false;
    to.push(this.state);
    this.#range = null;
    this.#set(there);
    return true;
  }

  #change(patch) {
    this.#past.push(this.state);
    this.#future = [];
    this.#range = null;
    this.#set({ ...this.state, ...patch });
  }

  #set(state) {
    this.state = state;
    if (!this.current) this.cursor = this.faces[0]?.id ?? null;
    this.#tell();
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }
}

/** @param {object} cluster  as on the wire @returns {State} */
export function firstState(cluster) {
  const sure = cluster.faces.filter(({ doubtful }) => !doubtful);
  const doubtful = cluster.faces.filter((face) => face.doubtful);
  const { neighbour } = cluster;
  return { parts: { sure, merged: [], doubtful }, out: new Set(), merged: [], neighbour, proposal: proposalOf(cluster) };
}

/** @returns {Proposal|null} */
function proposalOf({ identity, probability, reason, portraits = [] }) {
  return identity && { person: identity, probability, reason, portraits };
}
