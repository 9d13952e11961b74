/** The Sort screen: builds the parts, connects them, and draws what they say. */

import { api } from "../api.js";
import { connectKeyboard } from "../labelling/keyboard.js";
import { KeyMap, showKeys } from "../labelling/keys.js";
import { KeysPanel } from "../labelling/keys_panel.js";
import { openTables } from "../labelling/kept_records.js";
import { showLoginNotice } from "../labelling/login_notice.js";
import { NamePicker } from "../labelling/name_picker.js";
import { Outbox } from "../labelling/outbox.js";
import { connectLeaving } from "../labelling/page_life.js";
import { connectRefusedElsewhere } from "../labelling/refused_elsewhere.js";
import { showSaveState } from "../labelling/save_badge.js";
import { StageMessage } from "../labelling/stage_message.js";
import { toast } from "../toast.js";
import { Board } from "./board.js";
import { Commands } from "./commands.js";
import { connectConflicts, isOfSort } from "./conflicts.js";
import { Crops } from "./crops.js";
import { Grid } from "./grid.js";
import { GroupQueue } from "./group_queue.js";
import { outlookWords, showHead, showNeighbour, showPicks } from "./head.js";
import { Lightbox } from "./lightbox.js";
import { Pace } from "./pace.js";
import { PairView } from "./pair_view.js";
import { PlaceKeeper } from "./place.js";
import { SortSession } from "./session.js";
import { SORT_KEYS } from "./sort_keys.js";
import { counted } from "./verdicts.js";
import { Photos, WholePhoto } from "./whole_photo.js";

const MOST_FOUND = 8;
/** The pointer must rest this long before the photo below changes. */
const REST_MS = 120;
/** Crops of a group that are fetched before it is opened. */
const AHEAD_CROPS = 60;

const root = document.getElementById("sort");
const part = (name) => root.querySelector(`[data-region=${name}]`);
const button = (command) => root.querySelector(`[data-command=${command}]`);
const { project, user, labelUrl } = root.dataset;

const keys = new KeyMap(SORT_KEYS);
const board = new Board();
const crops = new Crops();
const pace = new Pace();
const photos = new Photos(api);
const peek = new WholePhoto(part("peek"), { photos, size: "small" });
const message = new StageMessage(part("messages"));
const say = (words, tone = "info") => toast(words, { tone });
const announce = (words) => {
  part("status").textContent = words;
};

/** @returns {object} the parts, not yet connected */
function build({ outbox: outboxTable }) {
  const owned = { owner: user, project };
  const outbox = new Outbox(outboxTable, { ...owned, send: ({ path, body }) => api.post(path, body) });
  const queue = new GroupQueue(api, {
    slug: project,
    isSettled: (id) => session.isSettled(id),
    isSkipped: (group) => session.isSkipped(group),
    held: () => session.held(),
    onAhead: preload,
  });
  const places = new PlaceKeeper(owned);
  const session = new SortSession({ api, slug: project, queue, board, outbox, places, pace });
  const grid = new Grid(part("grid"), { board, crops, onLook: lookSoon });
  const pairView = new PairView(part("pair"), { photos });
  const lightbox = new Lightbox(part("lightbox"), { photos, board, onClose: () => focusWork() });
  const picker = new NamePicker(document.getElementById("name-picker"), {
    search: searchNames,
    onPick: (person) => {
      commands.name(person);
      focusWork();
    },
    onClose: () => focusWork(),
  });
  part("picker").append(picker.element);
  const keysPanel = new KeysPanel(part("keys"), { keys, onChange: () => showKeys(root, keys) });
  const openInLabel = (image) => window.open(`${labelUrl}?image=${image}`, "_blank", "noopener");
  const leave = () => root.querySelector(".work__bar button:not(:disabled)").focus();
  const commands = new Commands({
    session, board, grid, pairView, picker, keysPanel, lightbox, announce, openInLabel, leave,
  });
  const focusWork = () => (session.question ? pairView.focus() : grid.focus());
  return { outbox, queue, session, grid, pairView, lightbox, picker, commands, focusWork };
}

function preload({ faces, portraits, neighbour, alternatives }) {
  crops.preload(faces.slice(0, AHEAD_CROPS).map(({ crop }) => crop));
  const small = [...portraits, ...alternatives.map(({ crop }) => crop), ...(neighbour?.faces ?? []).map(({ crop }) => crop)];
  crops.preload(small.filter(Boolean));
}

let resting = 0;
function lookSoon(id) {
  clearTimeout(resting);
  resting = setTimeout(() => {
    const face = board.faces.find((one) => one.id === id);
    if (face) peek.show(face);
  }, REST_MS);
}

/** Whatever changes is shown in the next frame, once. */
function connectDrawing(parts) {
  const { session, outbox, queue, grid, lightbox, focusWork } = parts;
  let isDue = false;
  const drawSoon = () => {
    showStanding(session, outbox);
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(() => {
      isDue = false;
      draw(parts);
    });
  };
  let looked = null;
  board.addEventListener("change", () => {
    drawSoon();
    if (board.cursor === looked) return;
    looked = board.cursor;
    if (looked !== null) lookSoon(looked);
    lightbox.follow();
  });
  session.addEventListener("change", () => {
    arrive(parts);
    drawSoon();
    if (!session.problem) outbox.retryNow(); // the server has just answered
    if (session.phase !== "ready") return;
    requestAnimationFrame(() => {
      focusWork();
      grid.scrollToStart();
    });
  });
  outbox.addEventListener("change", drawSoon);
  queue.addEventListener("change", drawSoon);
}

/** What the person should hear of. */
function connectNews({ session, outbox, picker }) {
  session.addEventListener("say", ({ detail }) => say(detail.message, detail.tone));
  outbox.addEventListener("saved", ({ detail: { entry, answer } }) => {
    if (entry.verdict?.person) picker.learn({ ...entry.verdict.person, id: answer.identity });
  });
  outbox.addEventListener("unkept", () => {
    say("This browser could not write to its disk. Do not close the page before it says Saved.", "error");
  });
}

function connectButtons({ commands, session, focusWork }) {
  root.addEventListener("click", (event) => {
    const pressed = event.target.closest("[data-command]");
    if (!pressed || pressed.disabled) return;
    if (pressed.dataset.command === "retry") session.retry();
    else commands.run(pressed.dataset.command);
    // A mouse click must not leave the focus on the button, or the next Enter would press it again.
    if (event.detail > 0 && pressed.dataset.command !== "name") requestAnimationFrame(focusWork);
  });
}

async function open() {
  const parts = build(await openTables());
  const { session, outbox, commands, picker, focusWork } = parts;
  showKeys(root, keys);
  connectDrawing(parts);
  connectNews(parts);
  connectButtons(parts);
  connectKeyboard({
    keys,
    run: commands.run,
    picker,
    work: "[data-work]",
    onArrow: (event) => commands.arrow(event),
    onLetter: (letter) => commands.openPicker(letter),
    hasUse: (command) => commands.hasUse(command),
    once: ["accept", "skip", "undo", "redo", "unknown", "ignore", "reject", "merge", "same", "different", "swap"],
  });
  connectConflicts(part("conflict"), {
    outbox,
    slug: project,
    say,
    onResolved: (old, entry) => session.resolved(old, entry),
    onDone: focusWork,
  });
  connectRefusedElsewhere(part("elsewhere"), outbox, isOfSort);
  connectLeaving({ outbox, onBack: () => session.problem && session.retry(true) });
  // First what is still on its way: those faces must not be shown again.
  const left = await outbox.load();
  if (left) say(left === 1 ? "1 decision from before is being sent." : `${left} decisions from before are being sent.`);
  await session.start();
}

async function searchNames(text, signal) {
  const query = new URLSearchParams({ q: text, limit: String(MOST_FOUND) });
  return (await api.get(`projects/${project}/identities/?${query}`, { signal })).results;
}

/** Another group or question is open, or none. */
function arrive({ session, queue, pairView }) {
  const { phase, question } = session;
  if (phase === "working") showWork(queue.standing.work);
  root.dataset.phase = phase;
  root.dataset.mode = question ? "pair" : "group";
  message.show(session, () => {
    part("work").hidden = true;
    pairView.show(null);
    peek.clear();
  });
  if (phase !== "ready") return;
  crops.forgetWanted();
  pairView.show(question);
  part("work").hidden = question !== null;
  part("lightbox").hidden = true;
  announce("");
  part("arrival").textContent = question ? "Same person or different?" : arrivalWords();
}

/** How far workers are with what comes before groups. @param {{title: string, done: number, total: number}|null} work */
function showWork(work) {
  const isKnown = Boolean(work?.total);
  const bar = part("work-bar");
  bar.classList.toggle("bar--indeterminate", !isKnown);
  bar.style.setProperty("--value", isKnown ? `${(100 * work.done) / work.total}%` : "0%");
  const counted = isKnown ? `: ${work.done.toLocaleString("en")} of ${work.total.toLocaleString("en")}` : "";
  part("work-done").textContent = work ? `${work.title}${counted}` : "";
}

function arrivalWords() {
  const { proposal } = board.state;
  const who = proposal ? `proposed as ${proposal.person.name}` : "nobody proposed";
  const doubtful = board.state.parts.doubtful.length;
  return `Group of ${counted(board.faces.length)}, ${who}${doubtful ? `, ${doubtful} doubtful` : ""}.`;
}

function draw({ session, grid }) {
  const { group, phase } = session;
  root.dataset.group = group ? String(group.id) : "";
  root.dataset.kept = String(group ? board.kept.length : 0);
  if (group) {
    showHead(part, board);
    showPicks(part("picks"), document.getElementById("face-pick"), board);
    showNeighbour(part, board);
    grid.render();
    const { proposal } = board.state;
    part("accept-words").textContent = proposal ? `It is ${proposal.person.name}` : "Name";
    part("outlook").textContent = outlookWords(board);
  }
  part("last").textContent = session.lastWords ? `Last: ${session.lastWords}` : "";
  for (const needy of root.querySelectorAll("[data-needs=group]")) needy.disabled = !group;
  button("accept").disabled = !group || !board.state.proposal;
  button("merge").disabled = !board.state.neighbour;
  button("undo").disabled = !board.canUndo && !session.canGoBack;
  button("redo").disabled = !board.canRedo && !session.canRedo;
  button("pairs").disabled = phase !== "ready";
  button("pairs").setAttribute("aria-pressed", String(session.question !== null));
}

/** The badge, the way back after the login has ended, and how far the work is. */
function showStanding(session, outbox) {
  showSaveState(part("save"), outbox);
  showLoginNotice(part("login"), outbox, session.problem, "Decisions");
  const { waiting } = session;
  const isKnown = session.queue.standing.state === "ready";
  part("waiting").textContent = isKnown ? `${counted(waiting)} in ${counted(session.queue.standing.groups, "group")} wait` : "";
  part("pace").textContent = pace.perMinute === null ? "" : `${pace.total.toLocaleString()} done, ${pace.perMinute} a minute`;
  const share = pace.total + waiting ? pace.total / (pace.total + waiting) : 0;
  part("progress").style.setProperty("--value", `${(100 * share).toFixed(1)}%`);
}

open();
