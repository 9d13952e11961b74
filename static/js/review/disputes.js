/** Photos about which people do not agree: a choice for each face, then the next photo. */

import { api } from "../api.js";
import { paintCrop } from "../labelling/picture.js";
import { toast } from "../toast.js";
import { BoxedPhoto } from "./boxed_photo.js";
import { Desk } from "./desk.js";
import { Feed } from "./feed.js";
import { showPhase } from "./phases.js";
import { onButtons, onKeys } from "./pressed.js";

/**
 * @typedef {{words: string, opinion: ?number, key: ?string, box: ?number[], by: string[]}} Option
 * @typedef {{box: number[], agreed: boolean, options: Option[]}} Place
 */

const MOST_VOICES = 5;
const CROP_PX = 128;
const MARGIN = 0.3;

const root = document.getElementById("disputes");
const part = (name) => root.querySelector(`[data-region=${name}]`);
const { project } = root.dataset;
const photo = new BoxedPhoto(part("photo"));

let waiting = null;
/** @type {number} */ let at = 0;
/** @type {number[]} option of each place */ let chosen = [];
/** @type {Set<number>} places whose choice was taken */ let taken = new Set();

const feed = new Feed(async (asked) => {
  const answer = await api.get(`projects/${project}/disputes/?${new URLSearchParams(asked)}`);
  waiting ??= answer.waiting;
  return answer;
});
const desk = new Desk(root, {
  own: /^images\/\d+\/judge\/$/,
  onTakenBack: takenBack,
  onBack: () => feed.phase === "failed" && feed.retry(),
});

/** @param {{id: number, name: string}} judged  its decision was undone, or refused */
async function takenBack({ id, name }) {
  const item = feed.items.find((one) => one.id === id);
  if (item?.outcome) waiting += 1;
  if (item) item.outcome = null;
  try {
    if (!(await feed.reopen(id))) toast(`“${name}” is settled by now.`);
  } catch (error) {
    if (!error.kind) throw error;
    toast(error.message, { tone: "error" });
  }
}

/** The photo now on the page; fetching more must not draw it anew and forget what was chosen. */
let shown = null;

function arrive() {
  const { current } = feed;
  showPhase(root, feed, feed.items.length ? { empty: "You went through every photo in dispute." } : {});
  if (current && current === shown) return;
  shown = current;
  root.dataset.imageId = current?.id ?? "";
  part("name").textContent = current?.name ?? "Disputes";
  part("progress").textContent = waiting ? `${waiting.toLocaleString("en")} in dispute` : "";
  part("voices").replaceChildren(...(current?.voices ?? []).map(voiceKey));
  part("status").textContent = current?.outcome ? "Decided." : "";
  if (!current) {
    part("places").replaceChildren();
    part("about").textContent = "";
    return photo.hide();
  }
  const { places } = current;
  chosen = places.map(() => 0);
  taken = new Set();
  at = Math.max(0, places.findIndex(({ agreed }) => !agreed));
  const differing = places.filter(({ agreed }) => !agreed).length;
  part("about").textContent = `${count(differing, "face")} in dispute, ${count(places.length - differing, "face")} agreed`;
  photo.show(current, []);
  photo.picture.addEventListener("load", () => feed.preload());
  part("places").replaceChildren(...places.map(placeCard));
  photo.picture.decode().then(paintCrops, () => {}); // a picture that did not load says so itself
  draw();
}

const count = (number, thing) => `${number} ${thing}${number === 1 ? "" : "s"}`;
const voiceOf = (user) => Math.min(MOST_VOICES, 1 + feed.current.voices.findIndex((voice) => voice.user === user));

function voiceKey({ user }, index) {
  const key = document.createElement("span");
  key.className = `voice-key voice-key--${Math.min(MOST_VOICES, index + 1)}`;
  key.textContent = user;
  return key;
}

function placeCard(place, index) {
  const card = document.createElement("li");
  card.className = `place${place.agreed ? "" : " place--differs"}`;
  card.dataset.place = index;
  const crop = document.createElement("canvas");
  crop.className = "place__crop";
  crop.width = crop.height = CROP_PX;
  const options = document.createElement("div");
  options.className = "place__options";
  options.append(...place.options.map((option, number) => optionButton(index, option, number)));
  card.append(crop, options);
  return card;
}

function optionButton(place, { words, by }, number) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "place__option";
  const key = document.createElement("kbd");
  key.className = "kbd";
  key.textContent = String(number + 1);
  const said = document.createElement("span");
  said.className = "truncate";
  said.textContent = words;
  const who = document.createElement("span");
  who.className = "place__by";
  who.textContent = by.join(", ");
  button.append(key, said, who);
  button.addEventListener("click", () => {
    at = place;
    chosen[place] = number;
    draw();
    button.blur();
  });
  return button;
}

function paintCrops() {
  const { current } = feed;
  part("places").querySelectorAll("[data-place]").forEach((card) => {
    const [x, y, w, h] = current.places[card.dataset.place].box;
    const side = Math.max(w, h) * (1 + 2 * MARGIN);
    const square = { x: x + w / 2 - side / 2, y: y + h / 2 - side / 2, w: side, h: side };
    paintCrop(card.querySelector("canvas"), photo.picture, square, current);
  });
}

function draw() {
  const { current } = feed;
  const { places } = current;
  part("places").querySelectorAll("[data-place]").forEach((card, index) => {
    card.setAttribute("aria-current", String(index === at));
    if (index === at) card.scrollIntoView({ block: "nearest" });
    card.querySelectorAll(".place__option").forEach((button, number) => {
      button.setAttribute("aria-pressed", String(chosen[index] === number));
    });
  });
  photo.setBoxes(current, places.flatMap((place, index) => boxesOf(place, index)));
  photo.mark([`${at}-${chosen[at]}`]);
  if (!current.outcome) part("status").textContent = statusWords(places);
}

/** What is agreed lies back; of the others every version is drawn, in the colour of who said it. */
function boxesOf(place, index) {
  return place.options
    .map((option, number) => ({
      key: `${index}-${number}`,
      box: option.box,
      tone: place.agreed ? "agreed" : `voice-${voiceOf(option.by[0])}`,
      words: index === at && chosen[index] === number ? option.words : "",
    }))
    .filter(({ box }) => box !== null);
}

function statusWords(places) {
  const left = places.filter(({ agreed }, index) => !agreed && !taken.has(index)).length;
  return left ? `${count(left, "choice")} to make.` : "Enter sends your choices.";
}

function choose(number) {
  const place = feed.current?.places[at];
  if (!place || number < 0 || number >= place.options.length) return;
  chosen[at] = number;
  draw();
}

function go(step) {
  if (!feed.current?.places.length) return;
  at = Math.min(Math.max(at + step, 0), feed.current.places.length - 1);
  draw();
}

/** Take the choice and go to the next face in dispute; after the last one, to the next photo. */
function take() {
  const { current } = feed;
  if (!current || current.outcome) return;
  taken.add(at);
  const open = current.places.map((_, index) => index).filter((index) => !current.places[index].agreed && !taken.has(index));
  if (open.length) {
    at = open.find((index) => index > at) ?? open[0];
    return draw();
  }
  const picks = current.places
    .map((place, index) => place.options[chosen[index]])
    .filter(({ opinion }) => opinion !== null)
    .map(({ opinion, key }) => ({ opinion, key }));
  current.outcome = { verb: "judge", words: "Decided." };
  waiting -= 1;
  desk.decide(current, "judge", { version: current.version, picks });
  feed.move(1);
}

const commands = {
  take,
  edit: () => feed.current && location.assign(`/p/${project}/label/?image=${feed.current.id}`),
  skip: () => feed.current && feed.move(1),
  undo: () => desk.takeBack(),
  retry: () => feed.retry(),
};
onButtons(root, commands);
onKeys({
  Enter: take, e: commands.edit, n: commands.skip, z: commands.undo, "Ctrl+z": commands.undo,
  ArrowUp: () => go(-1), ArrowDown: () => go(1),
  ArrowLeft: () => choose(chosen[at] - 1), ArrowRight: () => choose(chosen[at] + 1),
  ...Object.fromEntries(Array.from({ length: 9 }, (_, index) => [String(index + 1), () => choose(index)])),
});
feed.addEventListener("change", arrive);
await desk.open();
await feed.fill();
