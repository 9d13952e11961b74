/** Whom the open group is proposed to show, and the people and the group beside it. Draws; decides nothing. */

import { percent } from "../percent.js";
import { counted } from "./verdicts.js";

const MOST_BESIDE = 6;

/**
 * @param {(name: string) => HTMLElement} part
 * @param {import("./board.js").Board} board
 */
export function showHead(part, board) {
  const { cluster, state, isLeftovers } = board;
  const { proposal } = state;
  part("title").textContent = isLeftovers ? "Like nobody else’s" : proposal ? `${proposal.person.name}?` : "Who is this?";
  part("probability").textContent = proposal?.probability ? percent(proposal.probability) : "";
  part("probability").hidden = !proposal?.probability;
  part("reason").textContent = reasonWords(cluster, proposal, isLeftovers);
  part("size").textContent = sizeWords(board);
  const portraits = (proposal?.portraits ?? []).map((url) => picture(url, 56));
  part("portraits").replaceChildren(...portraits);
  part("portraits").hidden = portraits.length === 0;
}

/**
 * The people to pick by digit.
 * @param {HTMLElement} list @param {HTMLTemplateElement} template @param {import("./board.js").Board} board
 */
export function showPicks(list, template, board) {
  const others = picksOf(board);
  list.replaceChildren(...others.map((one, index) => pick(template, one, index)));
}

/** @param {import("./board.js").Board} board @returns {object[]} the proposed person first, as digits pick them */
export function picksOf({ cluster, state: { proposal } }) {
  const alternatives = cluster?.alternatives ?? [];
  const first = proposal && {
    identity: proposal.person, probability: proposal.probability, crop: proposal.portraits[0] ?? null,
  };
  const others = alternatives.filter(({ identity }) => identity.id !== proposal?.person.id);
  return [first, ...others].filter(Boolean).slice(0, 9);
}

/** @param {(name: string) => HTMLElement} part @param {import("./board.js").Board} board */
export function showNeighbour(part, { state: { neighbour } }) {
  part("neighbour").hidden = !neighbour;
  if (!neighbour) return;
  const who = neighbour.identity ? ` · ${neighbour.identity.name}?` : "";
  part("neighbour-words").textContent = `${counted(neighbour.size)}, likeness ${percent(neighbour.similarity)}${who}`;
  part("neighbour-faces").replaceChildren(...neighbour.faces.slice(0, MOST_BESIDE).map(({ crop }) => picture(crop, 48)));
}

/** @param {import("./board.js").Board} board @returns {string} what Enter would do */
export function outlookWords({ state, kept, knockedOut, isLeftovers }) {
  if (!kept.length) return "Every face is knocked out";
  const out = knockedOut.length;
  const rest = !out ? "" : isLeftovers ? `; ${out} stay` : `; ${out} come back as somebody else`;
  if (state.proposal) return `Names ${counted(kept.length)}${rest}`;
  return isLeftovers ? `U settles ${counted(kept.length)}; or type a name for those kept` : `Type a name for ${counted(kept.length)}${rest}`;
}

function reasonWords({ target }, proposal, isLeftovers) {
  if (isLeftovers) return "These seem to be no one’s you know: name some, or settle them all with U.";
  if (!proposal) return "Nobody named so far is like them: type the name.";
  const wanted = target ? ` Has ${target.have} of ${target.want} faces wanted.` : "";
  return `${proposal.reason}${wanted}`;
}

function sizeWords(board) {
  const { faces, knockedOut, blind } = board;
  const parts = [counted(faces.length)];
  if (board.cluster.size > board.cluster.faces.length) {
    parts.push(`the first of ${board.cluster.size.toLocaleString()}`);
  }
  if (knockedOut.length) parts.push(`${knockedOut.length} out`);
  if (blind.size) parts.push(`${blind.size} without a picture, left out`);
  return parts.join(" · ");
}

function pick(template, { identity, probability, crop }, index) {
  const row = template.content.firstElementChild.cloneNode(true);
  const part = (name) => row.querySelector(`[data-part=${name}]`);
  row.querySelector("button").dataset.command = `pick${index + 1}`;
  part("key").textContent = String(index + 1);
  part("name").textContent = identity.name;
  part("probability").textContent = probability === null ? "" : percent(probability);
  part("meter").style.setProperty("--value", `${Math.round((probability ?? 0) * 100)}%`);
  if (crop) part("crop").src = crop;
  else part("crop").hidden = true;
  return row;
}

function picture(url, side) {
  const image = new Image(side, side);
  image.alt = "";
  image.src = url;
  return image;
}
