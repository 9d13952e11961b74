/** A person's word on a group of faces or a pair: on the wire, and in words. Pure. */

/**
 * @typedef {{as: "assigned", person: import("../labelling/decisions.js").Person}
 *   | {as: "unknown"|"ignored"|"rejected"}} Verdict
 */

/** @param {import("../labelling/decisions.js").Person} person @returns {Verdict} */
export const nameAs = (person) => ({ as: "assigned", person });
export const UNKNOWN = { as: "unknown" };
export const IGNORED = { as: "ignored" };
export const REJECTED = { as: "rejected" };

const OUTCOMES = { unknown: "nobody we know", ignored: "ignored", rejected: "not a face" };

/** @param {number} count @param {string} [thing] */
export const counted = (count, thing = "face") => `${count.toLocaleString()} ${thing}${count === 1 ? "" : "s"}`;

/** @param {Verdict} verdict */
export const outcomeOf = (verdict) => (verdict.as === "assigned" ? verdict.person.name : OUTCOMES[verdict.as]);

/**
 * What the outbox keeps of a word on many faces.
 * @param {object} options
 * @param {string} options.slug @param {string} options.eventId @param {Verdict} options.verdict
 * @param {import("./board.js").GroupFace[]} options.faces
 * @param {import("./board.js").GroupFace[]} [options.strangers]  who are not that person
 * @param {boolean} [options.allowTwice]  a mirror or a collage
 * @returns {Partial<import("../labelling/outbox.js").Entry>}
 */
export function entryForFaces({ slug, eventId, verdict, faces, strangers = [], allowTwice = false }) {
  const body = {
    event_id: eventId,
    faces: faces.map(({ id }) => id),
    seen: Object.fromEntries(faces.map(({ id, version }) => [id, version])),
    source: "sort",
  };
  const entry = { id: eventId, kind: "faces", verdict, cards: faces, strangers: strangers.map(({ id }) => id) };
  if (verdict.as !== "assigned") {
    return { ...entry, path: `projects/${slug}/faces/decide/`, body: { ...body, as: verdict.as } };
  }
  const { id, name } = verdict.person;
  const identity = id ?? { name };
  const more = {
    ...(entry.strangers.length ? { strangers: entry.strangers } : {}),
    ...(allowTwice ? { allow_twice: true } : {}),
  };
  return { ...entry, path: `projects/${slug}/faces/assign/`, body: { ...body, identity, ...more } };
}

/** @param {{slug: string, eventId: string, question: object, same: boolean}} options */
export function entryForPair({ slug, eventId, question, same }) {
  const body = { a: question.a.id, b: question.b.id, same, event_id: eventId };
  return { id: eventId, kind: "pair", path: `projects/${slug}/pairs/`, question, same, body };
}

/** @param {import("./board.js").GroupFace[]} faces @returns {boolean} whether two of them are in one photo */
export const showTwice = (faces) => new Set(faces.map(({ image }) => image)).size < faces.length;

/** @param {import("./board.js").Board} board @returns {string|null} why one name for what is kept is probably a slip */
export function whyASlip({ kept, knockedOut, isLeftovers }) {
  if (isLeftovers && kept.length > 1 && !knockedOut.length) {
    return `These ${kept.length} are hardly one person. Knock out whom you know, press K, and name them; or once more.`;
  }
  if (!showTwice(kept)) return null;
  return "Two of these faces are in one photo. Knock one out; or once more, if it is a mirror or a collage.";
}
