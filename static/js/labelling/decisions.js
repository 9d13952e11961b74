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
 * @property {string|null} crop  the server's picture of the stored box
 * @property {number|null} score
 * @property {"model"|"human"|"import"} origin
 */

export const REJECT = { state: "rejected", who: "unassigned", person: null };
export const UNKNOWN = { state: "confirmed", who: "unknown", person: null };
export const IGNORE = { state: "confirmed", who: "ignored", person: null };

/** @param {Person} person */
export const nameAs = (person) => ({ state: "confirmed", who: "assigned", person });

/**
 * A face of the wire as the screen keeps it.
 * @param {object} wire @param {Person|null} claimed  whom the upload said the photo shows
 * @returns {Face}
 */
export function faceFromWire(wire, claimed = null) {
  const suggestions = (wire.suggestions ?? []).map((one) => ({
    person: one.identity,
    probability: one.probability,
    crop: one.nearest_crop ?? null,
    reason: one.reason ?? "",
  }));
  if (claimed && !suggestions.some(({ person }) => person.id === claimed.id)) {
    suggestions.push({ person: claimed, probability: null, crop: null, reason: "named when the photo was taken in" });
  }
  return {
    key: wire.uid,
    id: wire.id,
    uid: wire.uid,
    box: boxFromList(wire.box),
    state: wire.state,
    who: wire.who,
    person: wire.identity ?? null,
    suggestions: suggestions.slice(0, 9),
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
  const taken = faces.filter(({ who }) => who === "assigned").map(({ person }) => person);
  const names = new Map();
  const proposed = faces.filter(({ state }) => state === "proposed");
  const sure = proposed.map((face) => ({ face, pick: surePick(face, threshold) })).filter(({ pick }) => pick);
  sure.sort((a, b) => b.pick.probability - a.pick.probability);
  for (const { face, pick } of sure) {
    if (taken.some((person) => samePerson(person, pick.person))) continue;
    taken.push(pick.person);
    names.set(face.key, pick.person);
  }
  const accept = (face) => {
    if (face.state !== "proposed") return face;
    const person = names.get(face.key);
    return { ...face, ...(person ? nameAs(person) : { state: "confirmed", who: "unassigned", person: null }) };
  };
  return { faces: faces.map(accept), named: names.size, unnamed: proposed.length - names.size };
}

/** @param {Face[]} faces @param {Face} face @returns {Face|null} another face of the photo with the same name */
export function namesake(faces, face) {
  if (face.who !== "assigned") return null;
  const isNamesake = (other) => other.key !== face.key && other.who === "assigned" && samePerson(other.person, face.person);
  return faces.find(isNamesake) ?? null;
}

/** @param {Face} face @returns {{chip: string, words: string}} the state as chip class and words */
export function describeState(face) {
  if (face.state === "rejected") return { chip: "rejected", words: "rejected" };
  if (face.state === "proposed") return { chip: "proposed", words: "proposed" };
  if (face.who === "unknown") return { chip: "unknown", words: "unknown" };
  if (face.who === "ignored") return { chip: "ignored", words: "ignored" };
  return { chip: "confirmed", words: face.who === "assigned" ? "named" : "no name yet" };
}
