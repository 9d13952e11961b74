/** What a person's keys mean for faces. Pure functions over plain face objects; no DOM, no network. */

import { boxFromList, boxToList, sameBox } from "./box_geometry.js";

/**
 * @typedef {{id: number|null, name: string}} Person  id is null for a person the server does not know yet
 * @typedef {{person: Person, probability: number|null, crop: string|null, reason: string}} Suggestion
 * @typedef {object} Face
 * @property {string} key  stable while the photo is open
 * @property {number|null} id  null until the server has stored it
 * @property {string} uid
 * @property {import("./box_geometry.js").Box} box
 * @property {"proposed"|"confirmed"|"rejected"} state
 * @property {"unassigned"|"assigned"|"unknown"|"ignored"} who
 * @property {Person|null} person
 * @property {Suggestion[]} suggestions  best first
 * @property {number[][]|null} landmarks  five points (x, y) of the image, for the box as it is
 * @property {string|null} crop  the server's picture of the stored box
 * @property {number|null} score
 * @property {"model"|"human"|"import"} origin
 */

export const REJECT = { state: "rejected", who: "unassigned", person: null };
export const UNKNOWN = { state: "confirmed", who: "unknown", person: null };
export const IGNORE = { state: "confirmed", who: "ignored", person: null };

/** @param {Person} person */
export const nameAs = (person) => ({ state: "confirmed", who: "assigned", person });

/** @param {object[]|undefined} wire @param {Person|null} claimed @returns {Suggestion[]} at most nine */
export function suggestionsFromWire(wire, claimed = null) {
  const suggestions = (wire ?? []).map((one) => ({
    person: one.identity,
    probability: one.probability,
    crop: one.nearest_crop ?? null,
    reason: one.reason ?? "",
  }));
  if (claimed && !suggestions.some(({ person }) => person.id === claimed.id)) {
    suggestions.push({ person: claimed, probability: null, crop: null, reason: "Named when the photo was taken in." });
  }
  return suggestions.slice(0, 9);
}

/**
 * A face of the wire as the screen keeps it.
 * @param {object} wire @param {Person|null} claimed  whom the upload said the photo shows
 * @returns {Face}
 */
export function faceFromWire(wire, claimed = null) {
  return {
    key: wire.uid,
    id: wire.id,
    uid: wire.uid,
    box: boxFromList(wire.box),
    state: wire.state,
    who: wire.who,
    person: wire.identity ?? null,
    suggestions: suggestionsFromWire(wire.suggestions, claimed),
    landmarks: wire.landmarks ?? null,
    crop: wire.crop ?? null,
    score: wire.score ?? null,
    origin: wire.origin,
  };
}

/** @param {string} uid @param {import("./box_geometry.js").Box} box @param {Person|null} claimed @returns {Face} */
export function drawnFace(uid, box, claimed = null) {
  const wire = { id: null, uid, box: boxToList(box), state: "confirmed", who: "unassigned", origin: "human" };
  return faceFromWire(wire, claimed);
}

/** @param {Face} face @returns {object} as submit/ wants it */
export function faceToWire(face) {
  return {
    ...(face.id === null ? { uid: face.uid } : { id: face.id }),
    box: boxToList(face.box),
    state: face.state,
    who: face.who,
    identity: face.person === null ? null : face.person.id ?? { name: face.person.name },
  };
}

/** @param {Person|null} a @param {Person|null} b */
export function samePerson(a, b) {
  if (a === null || b === null) return a === b;
  if (a.id !== null && b.id !== null) return a.id === b.id;
  return a.name.toLocaleLowerCase() === b.name.toLocaleLowerCase();
}

/** Some people, as `samePerson` tells them apart; quick with a thousand of them. */
export class People {
  #ids = new Set();
  /** Names of all, and of those the server does not know yet. */ #names = new Set();
  #newNames = new Set();

  /** @param {Iterable<Person>} people */
  constructor(people = []) {
    for (const person of people) this.add(person);
  }

  /** @param {Person} person */
  add({ id, name }) {
    const folded = name.toLocaleLowerCase();
    this.#names.add(folded);
    if (id === null) this.#newNames.add(folded);
    else this.#ids.add(id);
  }

  /** @param {Person} person */
  has({ id, name }) {
    const folded = name.toLocaleLowerCase();
    return id === null ? this.#names.has(folded) : this.#ids.has(id) || this.#newNames.has(folded);
  }
}

/** @param {Face} a @param {Face} b  the same face before and after */
export function sameDecision(a, b) {
  return a.state === b.state && a.who === b.who && samePerson(a.person, b.person) && sameBox(a.box, b.box);
}

/** Still waits for a person's word: an unconfirmed box, or a face nobody named. @param {Face} face */
export function isUndecided(face) {
  return face.state === "proposed" || (face.state === "confirmed" && face.who === "unassigned");
}

/** @param {Face} face @param {number} threshold @returns {Suggestion|null} what Enter would call this proposed face */
export function surePick(face, threshold) {
  const best = face.suggestions[0];
  return best && best.probability !== null && best.probability >= threshold ? best : null;
}

/**
 * What Enter does: every proposed box becomes a face, named only where the best suggestion is sure enough.
 * Nobody is in one photo twice: of two faces sure to be the same person the surer one gets the name.
 * @param {Face[]} faces @param {number} threshold
 * @returns {{faces: Face[], named: number, unnamed: number}}  counts of faces that were proposed
 */
export function acceptProposed(faces, threshold) {
  const taken = new People(faces.filter(({ who }) => who === "assigned").map(({ person }) => person));
  const names = new Map();
  const proposed = faces.filter(({ state }) => state === "proposed");
  const sure = proposed.map((face) => ({ face, pick: surePick(face, threshold) })).filter(({ pick }) => pick);
  sure.sort((a, b) => b.pick.probability - a.pick.probability);
  for (const { face, pick } of sure) {
    if (taken.has(pick.person)) continue;
    taken.add(pick.person);
    names.set(face.key, pick.person);
  }
  const accept = (face) => {
    if (face.state !== "proposed") return face;
    const person = names.get(face.key);
    return { ...face, ...(person ? nameAs(person) : { state: "confirmed", who: "unassigned", person: null }) };
  };
  return { faces: faces.map(accept), named: names.size, unnamed: proposed.length - names.size };
}

/** @param {Face[]} faces @returns {Set<string>} keys of faces that share their name with another of the photo */
export function namesakes(faces) {
  const once = new People();
  const twice = new People();
  const named = faces.filter(({ who }) => who === "assigned");
  for (const { person } of named) (once.has(person) ? twice : once).add(person);
  return new Set(named.filter(({ person }) => twice.has(person)).map(({ key }) => key));
}

/**
 * Faces as the server has them, with somebody's own decisions laid over them.
 * @param {Face[]} faces @param {Face[]} mine  all or some of them, and boxes of one's own @returns {Face[]}
 */
export function withDecisions(faces, mine) {
  const own = new Map(mine.map((face) => [face.key, face]));
  const known = new Set(faces.map(({ key }) => key));
  const decided = (face) => {
    const { box, state, who, person } = own.get(face.key) ?? face;
    return sameBox(box, face.box) ? { ...face, state, who, person } : { ...face, box, state, who, person, landmarks: null };
  };
  // A face that was drawn in a submit since undone is gone on the server: it is new again.
  const drawn = mine.filter(({ key }) => !known.has(key)).map((face) => ({ ...face, id: null }));
  return [...faces.map(decided), ...drawn];
}

/** "Ignore the rest": whatever nobody has decided is left out of recognition. @param {Face[]} faces */
export function ignoreUndecided(faces) {
  return faces.map((face) => (isUndecided(face) ? { ...face, ...IGNORE } : face));
}

/** @param {Face} face @returns {{chip: string, words: string}} the state as chip class and words */
export function describeState(face) {
  if (face.state === "rejected") return { chip: "rejected", words: "rejected" };
  if (face.state === "proposed") return { chip: "proposed", words: "proposed" };
  if (face.who === "unknown") return { chip: "unknown", words: "unknown" };
  if (face.who === "ignored") return { chip: "ignored", words: "ignored" };
  return { chip: "confirmed", words: face.who === "assigned" ? "named" : "no name yet" };
}
