/** Labelled photos, one after the other: accept, return with a reason, or edit. */

import { api } from "../api.js";
import { toast } from "../toast.js";
import { BoxedPhoto } from "./boxed_photo.js";
import { Desk } from "./desk.js";
import { Feed } from "./feed.js";
import { showPhase } from "./phases.js";
import { onButtons, onKeys } from "./pressed.js";

const root = document.getElementById("review");
const part = (name) => root.querySelector(`[data-region=${name}]`);
const { project, by, order } = root.dataset;
const photo = new BoxedPhoto(part("photo"));
const reason = part("reason");

/** @type {{accepted: number, labelled: number}|null} as the server had it first, and what was decided here since */
let counts = null;

const feed = new Feed(async (asked) => {
  const answer = await api.get(`projects/${project}/review/?${new URLSearchParams({ by, order, ...asked })}`);
  counts ??= { accepted: answer.accepted, labelled: answer.labelled };
  return answer;
});
const desk = new Desk(root, {
  own: /^images\/\d+\/(approve|return)\/$/,
  onTakenBack: takenBack,
  onBack: () => feed.phase === "failed" && feed.retry(),
});

/** @param {{id: number, name: string}} photo  its decision was undone, or refused */
async function takenBack({ id, name }) {
  const item = feed.items.find((one) => one.id === id);
  if (item?.outcome) count(item.outcome.verb, -1);
  if (item) item.outcome = null;
  try {
    if (!(await feed.reopen(id))) toast(`“${name}” does not wait any more.`);
  } catch (error) {
    if (!error.kind) throw error;
    toast(error.message, { tone: "error" });
  }
}

function count(verb, by) {
  if (verb === "approve") counts.accepted += by;
  else counts.labelled -= by;
}

const CHIPS = { unassigned: "confirmed", assigned: "assigned", unknown: "unknown", ignored: "ignored" };
const toneOf = ({ state, who }) => (state === "confirmed" ? CHIPS[who] : state);
/** Boxes that are no face would only cover those that are. */
const drawn = (faces) => faces.filter(({ state }) => state !== "rejected");

/** The photo now on the page; fetching more must not draw it anew and close a reason half written. */
let shown = null;

function draw() {
  const { current } = feed;
  showPhase(root, feed, { empty: emptyWords() });
  if (current && current === shown) return;
  shown = current;
  root.dataset.imageId = current?.id ?? "";
  part("name").textContent = current?.name ?? "Review";
  if (counts) part("progress").textContent = progressWords(counts);
  part("about").textContent = current ? aboutWords(current) : "";
  part("faces").replaceChildren(...(current?.faces ?? []).map(faceRow));
  part("status").textContent = current?.outcome?.words ?? "";
  root.querySelector("[data-command=gold]").setAttribute("aria-pressed", String(Boolean(current?.gold)));
  showReason(false);
  if (!current) return photo.hide();
  const boxes = drawn(current.faces).map((face) => ({
    key: String(face.id),
    box: face.box,
    tone: toneOf(face),
    words: face.words,
  }));
  photo.show(current, boxes);
  photo.picture.addEventListener("load", () => feed.preload());
}

const progressWords = ({ accepted, labelled }) => `${accepted.toLocaleString("en")} of ${labelled.toLocaleString("en")} reviewed`;

function aboutWords({ labelled_by: people, faces }) {
  const count = drawn(faces).length;
  const words = count === 1 ? "1 face" : `${count} faces`;
  return people.length ? `${words}, labelled by ${people.join(" and ")}` : words;
}

function emptyWords() {
  return feed.items.length ? "You went through every photo that waited. ← goes back." : "Photos come here once they are labelled.";
}

function faceRow(face) {
  const row = document.createElement("li");
  row.className = "voices__row";
  const crop = document.createElement("img");
  crop.className = "voices__crop";
  Object.assign(crop, { src: face.crop, alt: "", width: 48, height: 48, loading: "lazy" });
  const words = document.createElement("span");
  words.className = "truncate";
  words.textContent = face.words;
  const chip = document.createElement("span");
  chip.className = `chip chip--${toneOf(face)}`;
  chip.textContent = face.state === "rejected" ? "no face" : face.who === "assigned" ? "named" : face.state;
  row.append(crop, words, chip);
  const mark = (on) => photo.mark(on ? [String(face.id)] : []);
  row.addEventListener("pointerenter", () => mark(true));
  row.addEventListener("pointerleave", () => mark(false));
  return row;
}

/** @param {"approve"|"return"} verb @param {string} words @param {object} [more] */
function decide(verb, words, more = {}) {
  const { current } = feed;
  if (!current || current.outcome) return;
  current.outcome = { verb, words };
  count(verb, 1);
  desk.decide(current, verb, { version: current.version, ...more });
  feed.move(1);
}

function showReason(open) {
  reason.hidden = !open;
  part("actions").hidden = open || feed.phase !== "ready";
  if (open) reason.elements.text.focus();
  else reason.elements.text.blur(); // at once: the next key is a command, not a letter
}

function sendReason() {
  const text = reason.elements.text.value.trim();
  if (!text) return reason.reportValidity();
  reason.reset();
  decide("return", `Returned: ${text}`, { text });
}

async function toggleGold() {
  const { current } = feed;
  if (!current) return;
  try {
    if (current.gold) await api.remove(`images/${current.id}/gold/`);
    else await api.put(`images/${current.id}/gold/`);
  } catch (error) {
    if (!error.kind) throw error;
    return void toast(error.message, { tone: "error" });
  }
  current.gold = !current.gold;
  toast(current.gold ? `“${current.name}” is a known photo now.` : `“${current.name}” is no longer a known photo.`);
  root.querySelector("[data-command=gold]").setAttribute("aria-pressed", String(current.gold));
}

function edit() {
  if (feed.current) location.assign(`/p/${project}/label/?image=${feed.current.id}`);
}

const commands = {
  accept: () => decide("approve", "Accepted."),
  return: () => feed.current && !feed.current.outcome && showReason(true),
  cancel: () => showReason(false),
  edit,
  previous: () => feed.move(-1),
  next: () => feed.current && feed.move(1),
  undo: () => desk.takeBack(),
  gold: toggleGold,
  retry: () => feed.retry(),
};
onButtons(root, commands);
onKeys({
  a: commands.accept, r: commands.return, e: commands.edit, g: commands.gold,
  z: commands.undo, "Ctrl+z": commands.undo,
  ArrowLeft: commands.previous, ArrowRight: commands.next,
});
reason.addEventListener("submit", (event) => {
  event.preventDefault();
  sendReason();
});
reason.addEventListener("keydown", (event) => {
  if (event.key === "Escape") showReason(false);
  else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) sendReason();
  else return;
  event.preventDefault();
});
feed.addEventListener("change", draw);
await desk.open();
await feed.fill();
