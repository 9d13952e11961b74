/** The list of suspicions: one key a verdict, each with a way back. */

import { api } from "../api.js";
import { comboOf } from "../labelling/keys.js";
import { toast } from "../toast.js";
import { uuid } from "../uuid.js";

const list = document.getElementById("suspects");
/** @type {(() => Promise<void>)[]} */
const waysBack = [];

function rows() {
  return [...list.querySelectorAll(".suspect:not([hidden])")];
}

function current() {
  return list.querySelector(".suspect.is-current:not([hidden])");
}

/** @param {?HTMLElement} row */
function choose(row) {
  list.querySelectorAll(".is-current").forEach((one) => one.classList.remove("is-current"));
  document.getElementById("all-done").hidden = row !== null;
  if (!row) return;
  row.classList.add("is-current");
  row.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}

function step(by) {
  const all = rows();
  const at = all.indexOf(current());
  choose(all[Math.min(Math.max(at + by, 0), all.length - 1)] ?? null);
}

/** Takes the row off the list at once; it comes back when the server did not take the verdict, or on undo. */
async function settle(row, send, words, takeBack) {
  const all = rows();
  const at = all.indexOf(row);
  row.hidden = true;
  choose(all[at + 1] ?? all[at - 1] ?? null);
  const sending = sent(send);
  const back = async () => {
    waysBack.splice(waysBack.indexOf(back), 1);
    // Undone while it is still on its way: first there, then back.
    if ((await sending) && (await sent(takeBack))) bringBack(row);
  };
  waysBack.push(back);
  const close = toast(words, { tone: "success", action: { label: "Undo", run: back } });
  if (await sending) return;
  close();
  if (waysBack.includes(back)) waysBack.splice(waysBack.indexOf(back), 1);
  bringBack(row);
}

function bringBack(row) {
  row.hidden = false;
  choose(row);
}

async function sent(call) {
  try {
    await call();
    return true;
  } catch (error) {
    if (!error.kind) throw error;
    toast(error.message, { tone: "error" });
    return false;
  }
}

function sayRight(row) {
  const verdict = (isRight) => () => api.post(`suspicions/${row.dataset.suspicion}/`, { is_right: isRight });
  settle(row, verdict(true), "The label stays, and is not doubted again.", verdict(false));
}

function rename(row) {
  const { face, version, other, otherName } = row.dataset;
  if (!row.querySelector("[data-choice=rename]")) return;
  const event = uuid();
  const body = { faces: [Number(face)], identity: Number(other), seen: { [face]: Number(version) }, event_id: event };
  settle(
    row,
    () => api.post(list.dataset.assign, body),
    `Renamed to ${otherName}.`,
    async () => {
      await api.post(`events/${event}/undo/`);
      row.dataset.version = String(Number(row.dataset.version) + 2); // once named, once taken back
    },
  );
}

function open(row) {
  row.querySelector("a[data-choice=open]").click();
}

const on = (run) => () => {
  const row = current();
  if (row) run(row);
};

const COMMANDS = {
  ArrowDown: () => step(1),
  ArrowUp: () => step(-1),
  a: on(sayRight),
  1: on(rename),
  e: on(open),
  "Ctrl+z": () => waysBack.at(-1)?.(),
};

document.addEventListener("keydown", (event) => {
  const run = COMMANDS[comboOf(event)];
  if (!run || event.defaultPrevented || event.target.closest?.("input, textarea, select")) return;
  event.preventDefault();
  // A key that is held down must not settle what nobody has looked at.
  if (!event.repeat || event.key.startsWith("Arrow")) run();
});

list.addEventListener("click", (event) => {
  const row = event.target.closest(".suspect");
  if (!row) return;
  const choice = event.target.closest("button[data-choice]")?.dataset.choice;
  if (choice === "right") sayRight(row);
  else if (choice === "rename") rename(row);
  else choose(row);
});
list.addEventListener("focusin", (event) => {
  const row = event.target.closest(".suspect");
  if (row && row !== current()) choose(row);
});

choose(rows()[0] ?? null);
