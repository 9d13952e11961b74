/** The faces of the open photo: which one is selected, what was changed, and the way back. No DOM, no network. */

import { sameBox } from "./box_geometry.js";
import { isUndecided, sameDecision } from "./decisions.js";

/** @typedef {import("./decisions.js").Face} Face */
/** @typedef {{faces: Face[], selected: string|null}} Snapshot  faces are never changed in place */

/** Fires "change" after every change. */
export class FaceStore extends EventTarget {
  /** @type {Face[]} */ faces = [];
  /** @type {string|null} */ selected = null;
  /** @type {Map<string, Face>} */ #original = new Map();
  /** @type {Snapshot[]} */ #past = [];
  /** @type {Snapshot[]} */ #future = [];
  /** @type {Snapshot|null} a drag under way: one step of undo, however many moves */ #held = null;

  /**
   * Open a photo's faces; forgets the way back.
   * @param {Face[]} faces  as the server has them @param {Face[]} [mine]  the same with one's own unsent decisions
   */
  load(faces, mine = faces) {
    this.faces = mine;
    this.#original = new Map(faces.map((face) => [face.key, face]));
    this.#past = [];
    this.#future = [];
    this.#held = null;
    const first = mine.find(({ state }) => state === "proposed") ?? mine.find(isUndecided) ?? mine[0];
    this.selected = first?.key ?? null;
    this.#tell();
  }

  /** @returns {Face|null} */
  get current() {
    return this.faces.find(({ key }) => key === this.selected) ?? null;
  }

  get isChanged() {
    return this.faces.length !== this.#original.size || this.changed().length > 0;
  }

  get canUndo() {
    return this.#past.length > 0;
  }

  get canRedo() {
    return this.#future.length > 0;
  }

  /** @returns {Face[]} faces that are new or differ from what the server has */
  changed() {
    const isAsBefore = (face) => this.#original.has(face.key) && sameDecision(face, this.#original.get(face.key));
    return this.faces.filter((face) => !isAsBefore(face));
  }

  /** @param {Face} face @returns {boolean} whether the server's crop still shows this box */
  boxChanged(face) {
    const original = this.#original.get(face.key);
    return !original || !sameBox(original.box, face.box);
  }

  /** @param {string|null} key */
  select(key) {
    if (key === this.selected) return;
    this.selected = key;
    this.#tell();
  }

  /** @param {1|-1} step  around the ends */
  selectNext(step) {
    if (this.faces.length === 0) return;
    const at = this.faces.findIndex(({ key }) => key === this.selected);
    const from = at === -1 && step === -1 ? 0 : at;
    this.select(this.faces[(from + step + this.faces.length) % this.faces.length].key);
  }

  /**
   * What was found out about a box: no decision, so no step of undo, and it holds wherever that box comes back.
   * @param {string} key @param {import("./box_geometry.js").Box} box @param {Partial<Face>} facts
   */
  learn(key, box, facts) {
    const learnt = (faces) =>
      faces.map((face) => (face.key === key && sameBox(face.box, box) ? { ...face, ...facts } : face));
    for (const snapshot of [...this.#past, ...this.#future, this.#held]) {
      if (snapshot) snapshot.faces = learnt(snapshot.faces);
    }
    this.faces = learnt(this.faces);
    this.#tell();
  }

  /** Go to the next face that waits for a word, proposals first. @returns {boolean} false: all are decided */
  selectUndecided() {
    const at = this.faces.findIndex(({ key }) => key === this.selected);
    const following = [...this.faces.slice(at + 1), ...this.faces.slice(0, Math.max(at, 0))];
    const next = following.find(({ state }) => state === "proposed") ?? following.find(isUndecided);
    if (next) this.select(next.key);
    return Boolean(next);
  }

  /** @param {string} key @param {Partial<Face>} patch */
  change(key, patch) {
    this.replace(this.faces.map((face) => (face.key === key ? { ...face, ...patch } : face)));
  }

  /** One step of undo for any number of faces. @param {Face[]} faces @param {string|null} [selected] */
  replace(faces, selected = this.selected) {
    if (!this.#held) this.#remember(this.#snapshot());
    this.faces = faces;
    this.selected = selected;
    this.#tell();
  }

  /** @param {Face} face */
  add(face) {
    this.replace([...this.faces, face], face.key);
  }

  /** Only a box that the server has never seen can be removed; others are said to be no face. */
  removeUnsaved(key) {
    const at = this.faces.findIndex((face) => face.key === key && face.id === null);
    if (at === -1) return false;
    const left = this.faces.filter((_, index) => index !== at);
    this.replace(left, left[Math.min(at, left.length - 1)]?.key ?? null);
    return true;
  }

  /** Begin a drag: changes until `release` are one step. */
  hold() {
    this.#held ??= this.#snapshot();
  }

  /** @param {boolean} [keep]  false puts everything back */
  release(keep = true) {
    const before = this.#held;
    this.#held = null;
    if (!before) return;
    if (!keep) this.#restore(before);
    else if (this.#differs(before.faces)) this.#remember(before);
  }

  undo() {
    return this.#travel(this.#past, this.#future);
  }

  redo() {
    return this.#travel(this.#future, this.#past);
  }

  #differs(faces) {
    return faces.length !== this.faces.length || faces.some((face, index) => !sameDecision(face, this.faces[index]));
  }

  #travel(from, to) {
    const there = from.pop();
    if (!there) return false;
    to.push(this.#snapshot());
    this.#restore(there);
    return true;
  }

  #remember(snapshot) {
    this.#past.push(snapshot);
    this.#future = [];
  }

  #snapshot() {
    return { faces: this.faces, selected: this.selected };
  }

  #restore({ faces, selected }) {
    this.faces = faces;
    this.selected = selected;
    this.#tell();
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }
}
