/** The Label screen: builds the parts, connects them, and draws what they say. */

import { api } from "../api.js";
import { toast } from "../toast.js";
import { AskPanel, connectQuickAnswers } from "./ask_panel.js";
import { Commands } from "./commands.js";
import { connectConflicts, isOfLabel } from "./conflicts.js";
import { acceptProposed } from "./decisions.js";
import { Drafts } from "./drafts.js";
import { FaceStrip } from "./face_strip.js";
import { GoldPanel } from "./gold_panel.js";
import { connectKeyboard } from "./keyboard.js";
import { KeyMap, showKeys } from "./keys.js";
import { LABEL_KEYS } from "./label_keys.js";
import { KeysPanel } from "./keys_panel.js";
import { openTables } from "./kept_records.js";
import { showLoginNotice } from "./login_notice.js";
import { Looks } from "./looks.js";
import { NamePicker } from "./name_picker.js";
import { Outbox } from "./outbox.js";
import { Overlay } from "./overlay.js";
import { connectLeaving } from "./page_life.js";
import { PhotoLight } from "./photo_light.js";
import { PhotoView } from "./photo_view.js";
import { ImageQueue } from "./queue.js";
import { connectRefusedElsewhere } from "./refused_elsewhere.js";
import { showRemarks } from "./remarks.js";
import { showSaveState } from "./save_badge.js";
import { LabelSession } from "./session.js";
import { StageMessage } from "./stage_message.js";
import { StagePointer } from "./stage_pointer.js";
import { FaceStore } from "./store.js";
import { Viewport } from "./viewport.js";

const MOST_FOUND = 8;

const root = document.getElementById("label");
const part = (name) => root.querySelector(`[data-region=${name}]`);
const button = (command) => root.querySelector(`[data-command=${command}]`);
const { project, user } = root.dataset;
const threshold = Number(root.dataset.acceptThreshold);
const canLabel = root.dataset.canLabel === "true";
const canSettle = root.dataset.canSettle === "true";

const keys = new KeyMap(LABEL_KEYS);
const store = new FaceStore();
const viewport = new Viewport();
const overlay = new Overlay(part("boxes"), part("overlay"));
const photo = new PhotoView(part("photo"), viewport);
const light = new PhotoLight(part("photo"), part("light"));
const gold = new GoldPanel(part("gold"));
const message = new StageMessage(part("messages"));
const say = (words, tone = "info") => toast(words, { tone });
const announce = (words) => {
  part("status").textContent = words;
};

/** @returns {object} the parts, not yet connected */
function build({ outbox: outboxTable, drafts: draftsTable }) {
  const owned = { owner: user, project };
  const send = ({ path, body }) => api.post(path, body);
  const outbox = new Outbox(outboxTable, { ...owned, send });
  const isDecided = (id) => outbox.waiting.some(({ imageId }) => imageId === id);
  const queue = new ImageQueue(api, { slug: project, isDecided });
  const drafts = new Drafts(draftsTable, owned);
  const session = new LabelSession({ api, slug: project, queue, store, outbox, drafts, threshold, canLabel });
  const looks = new Looks(api, store);
  const pointer = new StagePointer(part("stage"), {
    viewport,
    store,
    overlay,
    canEdit: () => session.canEdit,
    onDrawn: (box) => commands.addDrawn(box),
    onMode: () => button("draw").setAttribute("aria-pressed", String(pointer.isDrawing)),
  });
  const picker = new NamePicker(document.getElementById("name-picker"), {
    search: searchNames,
    onPick: (person) => {
      commands.name(person);
      focusWork();
    },
    onClose: () => focusWork(),
  });
  const keysPanel = new KeysPanel(part("keys"), { keys, onChange: showAllKeys });
  const leaveStage = () => {
    cancelAnimationFrame(focusComing); // it would fetch back who has just left
    root.querySelector(".work__bar button:not(:disabled)").focus();
  };
  const strip = new FaceStrip(part("faces"), {
    card: document.getElementById("face-card"),
    pick: document.getElementById("face-pick"),
    picker,
    onSelect: (key) => store.select(key),
  });
  const asks = {
    flag: new AskPanel(part("flag"), { onSend: sendFlag, onDone: () => focusWork() }),
    skip: new AskPanel(part("skip"), { onSend: (form) => commands.skip(reasonIn(form)), onDone: () => focusWork() }),
  };
  function sendFlag(form) {
    const aboutFace = form.elements.about.checked ? store.current?.id ?? null : null;
    session.flag(form.elements.text.value.trim(), aboutFace);
  }
  const commands = new Commands({
    session, store, viewport, pointer, picker, keysPanel, strip, light, asks, gold,
    announce, leaveStage, toggleLandmarks: () => toggleLandmarks(session), toggleGuidelines,
  }); // prettier-ignore
  const focusWork = () => strip.focus(store.selected) || part("stage").focus({ preventScroll: true });
  let focusComing = 0;
  // After the cards are drawn: the selected one may be new.
  const focusWorkSoon = () => {
    cancelAnimationFrame(focusComing);
    focusComing = requestAnimationFrame(() => !picker.isOpen && focusWork());
  };
  return { outbox, queue, session, looks, picker, commands, strip, focusWork, focusWorkSoon };
}

/** Whatever changes is shown in the next frame, once. */
function connectDrawing(parts) {
  const { session, outbox, looks, strip, focusWorkSoon } = parts;
  const drawAll = inNextFrame(() => draw(session, looks, strip));
  const drawBoxes = inNextFrame(() => overlay.render(store, viewport, { editable: session.canEdit }));
  const drawSoon = () => {
    showStanding(session, outbox);
    drawAll();
  };
  let selected = null;
  store.addEventListener("change", () => {
    drawSoon();
    if (store.selected === selected) return;
    selected = store.selected;
    if (store.current) viewport.show(store.current.box);
    focusWorkSoon();
  });
  session.addEventListener("change", () => {
    arrive(session, strip);
    looks.open(session.canEdit ? session.item.image : null);
    drawSoon();
    if (session.phase === "ready") focusWorkSoon();
    if (!session.problem) outbox.retryNow(); // the server has just answered
  });
  outbox.addEventListener("change", drawSoon);
  looks.addEventListener("change", drawSoon);
  viewport.addEventListener("change", drawBoxes); // panning touches the boxes only, not the cards
  new ResizeObserver(([{ contentRect }]) => viewport.resize(contentRect)).observe(part("stage"));
}

/** However often it is asked for, `act` runs once, before the next frame. @param {() => void} act */
function inNextFrame(act) {
  let isDue = false;
  return () => {
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(() => {
      isDue = false;
      act();
    });
  };
}

/** What the person should hear of. */
function connectNews({ session, outbox, queue, picker }) {
  session.addEventListener("say", ({ detail }) => say(detail.message, detail.tone));
  outbox.addEventListener("saved", ({ detail }) => {
    const { entry, answer } = detail;
    for (const { identity } of answer?.faces ?? []) if (identity) picker.learn(identity);
    if (answer?.gold) gold.show(answer.gold, session.sentAs(entry.id));
  });
  outbox.addEventListener("unkept", () => {
    say("This browser could not write to its disk. Do not close the page before it says Saved.", "error");
  });
  queue.addEventListener("lost", ({ detail }) => {
    if (session.item?.image.id !== detail.imageId) return;
    say("Your hold on this photo has ended; somebody else may open it. Send it soon, or skip it.", "warn");
  });
}

function connectButtons({ commands, session, focusWork }) {
  root.addEventListener("click", (event) => {
    const pressed = event.target.closest("[data-command]");
    if (!pressed || pressed.disabled) return;
    if (pressed.dataset.command === "retry") session.retry();
    else commands.run(pressed.dataset.command);
    // A mouse click must not leave the focus on the button, or the next Enter would press it again.
    if (event.detail > 0) requestAnimationFrame(focusWork);
  });
}

function connectAsks({ commands }) {
  connectQuickAnswers(part("skip"));
  part("skip").addEventListener("click", (event) => {
    const answer = event.target.closest("[data-reason]");
    if (answer) commands.skip(answer.dataset.reason);
  });
}

/** Closed, the menu gives the keys back: the next Enter must not open it again. */
function connectView({ focusWork }) {
  part("light").addEventListener("toggle", () => {
    if (!part("light").open) focusWork();
  });
}

function connectKeys({ commands, picker, session }) {
  const isUseless = {
    next: () => store.faces.length === 0, // Tab is the browser's then
    previous: () => store.faces.length === 0,
    redo: () => !store.canRedo && !session.canGoForward, // it sits on a capital letter: the first of a name
  };
  connectKeyboard({
    keys,
    run: commands.run,
    picker,
    work: "[data-face]",
    onArrow: (event) => commands.nudge(event),
    onLetter: (letter) => session.canEdit && commands.openPicker(letter),
    hasUse: (command) => !isUseless[command]?.(),
    once: ["accept", "skip", "undo", "redo"],
    fromPicker: ["next", "previous"],
  });
}

async function open() {
  const parts = build(await openTables());
  const { session, outbox, queue, commands, picker, focusWork } = parts;
  showAllKeys();
  connectDrawing(parts);
  connectNews(parts);
  connectButtons(parts);
  connectKeys(parts);
  connectAsks(parts);
  connectView(parts);
  connectConflicts(part("conflict"), { api, outbox, queue, say, onDone: focusWork });
  connectRefusedElsewhere(part("elsewhere"), outbox, isOfLabel);
  connectLeaving({
    outbox,
    hasUnsent: () => session.canEdit && store.isChanged,
    onBack: () => session.problem && session.retry(true),
    onLeave: () => queue.releaseAll(session.item, session.unsent),
  });
  // First what is still on its way: the queue must not hand out those photos again.
  const left = await outbox.load();
  if (left) say(left === 1 ? "1 photo from before is being sent." : `${left} photos from before are being sent.`);
  await session.start(root.dataset.openImage ? Number(root.dataset.openImage) : null);
}

/** On the page, and in the cards that are yet to be made. */
function showAllKeys() {
  showKeys(root, keys);
  showKeys(document.getElementById("face-card").content, keys);
}

function toggleLandmarks(session) {
  overlay.hasLandmarks = !overlay.hasLandmarks;
  button("landmarks").setAttribute("aria-pressed", String(overlay.hasLandmarks));
  overlay.render(store, viewport, { editable: session.canEdit });
}

function toggleGuidelines() {
  const guidelines = root.querySelector(".label__guidelines");
  if (guidelines) guidelines.open = !guidelines.open;
  else announce("This project has no guidelines.");
}

/** What was typed as a reason; of the answers each sends itself. */
function reasonIn(form) {
  return form.elements.reason.value.trim();
}

async function searchNames(text, signal) {
  const query = new URLSearchParams({ q: text, limit: String(MOST_FOUND) });
  return (await api.get(`projects/${project}/identities/?${query}`, { signal })).results;
}

/** Another photo is open, or none. */
function arrive(session, strip) {
  const { item, phase } = session;
  root.dataset.phase = phase;
  message.show(session, () => {
    strip.clear();
    overlay.clear();
    photo.clear();
    part("name").textContent = "";
    part("about").textContent = "";
    part("remarks").hidden = true;
  });
  root.dataset.imageId = item ? String(item.image.id) : "";
  if (phase === "empty") part("waiting").textContent = "";
  if (phase !== "ready") return;
  strip.clear();
  overlay.clear();
  photo.open(item);
  light.open();
  tellRemarks(session);
  part("name").textContent = item.image.name;
  part("about").textContent = about(item);
  part("waiting").textContent = canLabel ? `${session.waiting.toLocaleString()} waiting` : "";
  announce("");
  part("arrival").textContent = `${item.image.name}, number of faces: ${item.faces.length}.`;
}

function tellRemarks(session) {
  const settle = async (id) => {
    await session.settle(id);
    tellRemarks(session);
  };
  showRemarks(part("remarks"), session.item.remarks ?? [], { canSettle, onSettle: settle });
}

function about({ image }) {
  const claim = image.claimed_identity && `named at ingest: ${image.claimed_identity.name}`;
  return [image.session, claim, `${image.width} × ${image.height}`, image.note].filter(Boolean).join(" · ");
}

function draw(session, looks, strip) {
  const { phase, item, canEdit } = session;
  if (phase === "ready" && !item) return; // decided, and the next one not asked for yet: what is painted stays
  const faces = phase === "ready" ? store.faces : [];
  root.dataset.faceCount = String(faces.length);
  if (phase === "ready") {
    const outlook = acceptProposed(faces, threshold);
    const after = new Map(outlook.faces.map((face) => [face.key, face]));
    const lookOf = (face) => looks.of(face);
    strip.render({ store, outlook: after, lookOf, picture: photo.picture, image: item.image, canEdit });
    overlay.render(store, viewport, { editable: canEdit });
    part("outlook").textContent = outlookWords(faces, outlook);
    part("count").textContent = countWords(faces);
  } else if (phase !== "loading") {
    part("outlook").textContent = "";
    part("count").textContent = "";
  }
  for (const needy of root.querySelectorAll("[data-needs=photo]")) needy.disabled = !canEdit;
  button("undo").disabled = !(canEdit && store.canUndo) && !session.canGoBack;
  button("redo").disabled = !(canEdit && store.canRedo) && !session.canGoForward;
  for (const skip of root.querySelectorAll("[data-command=skip]")) skip.disabled = !canLabel || phase === "empty";
}

function countWords(faces) {
  const at = faces.findIndex(({ key }) => key === store.selected);
  if (!faces.length) return "No faces";
  return at === -1 ? `${faces.length} faces` : `Face ${at + 1} of ${faces.length}`;
}

function outlookWords(faces, { named, unnamed }) {
  if (!canLabel) return "You can look, but not label, in this project.";
  if (faces.length === 0) return "Sends “no faces in this photo”";
  if (named + unnamed === 0) return "Everything is decided";
  const parts = [named && `${named} named`, unnamed && `${unnamed} without a name`].filter(Boolean);
  return `Confirms ${named + unnamed}: ${parts.join(", ")}`;
}

/** The badge, and the way back after the login has ended. */
function showStanding(session, outbox) {
  showSaveState(part("save"), outbox, session.canEdit && store.isChanged);
  showLoginNotice(part("login"), outbox, session.problem, "Photos");
}

open();
