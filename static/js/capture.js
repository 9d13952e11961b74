/** The Camera page: photos from this computer's camera, looked at before they are sent. */

import { api } from "./api.js";
import { Camera, CameraTrouble, camerasHere, isAllowed } from "./capture/camera.js";
import { stamped } from "./capture/exif_stamp.js";
import { Shutter } from "./capture/shutter.js";
import { thumbOf, Tray } from "./capture/tray.js";
import { Uploader } from "./upload.js";

/** More would fill the memory of a small computer. */
const MOST_HELD = 200;
const FIELDS = "input, textarea, select, [contenteditable]";
const PRESSABLE = "button, a, summary, [role=button]";

const root = document.getElementById("capture");
const part = (name) => root.querySelector(`[data-region=${name}]`);
const camera = new Camera(part("video"));
const shutter = new Shutter(takeShot);
const uploader = new Uploader(api, `projects/${root.dataset.project}/images/`);
const tray = new Tray(part("shots"), uploader, drawTray);
/** @type {"off"|"starting"|"live"|"trouble"} */ let phase = "off";
let trouble = "";
let shotsTaken = 0;
let wasOnWhenHidden = false;

async function switchOn(deviceId = part("cameras").value) {
  shutter.stop();
  show("starting");
  try {
    if (!(await camera.start(deviceId))) return;
    show("live");
    await listCameras();
  } catch (error) {
    fail(error);
  }
}

function switchOff() {
  shutter.stop();
  camera.stop();
  show("off");
}

function fail(error) {
  if (!(error instanceof CameraTrouble)) throw error;
  shutter.stop();
  camera.stop();
  show("trouble", error.message);
}

async function listCameras() {
  const cameras = await camerasHere();
  const chosen = camera.deviceId || part("cameras").value;
  const options = cameras.map(({ id, name }) => new Option(name, id, false, id === chosen));
  part("cameras").replaceChildren(...(options.length ? options : [new Option("the usual one", "")]));
}

async function takeShot() {
  const at = new Date();
  const { blob, canvas } = await camera.takePhoto();
  shotsTaken += 1;
  const jpeg = stamped(blob, at, camera.label);
  const file = new File([jpeg], nameOf(at, shotsTaken), { type: "image/jpeg", lastModified: at.getTime() });
  const address = await thumbOf(canvas);
  flash();
  tray.add({ file, address, session: part("session").value.trim(), identity: part("identity").value.trim() });
}

/** camera_2026-05-03_14-05-09_007.jpg, in the time of this place. */
function nameOf(at, number) {
  return `camera_${localTime(at).replace(" ", "_").replaceAll(":", "-")}_${String(number).padStart(3, "0")}.jpg`;
}

/** 2026-05-03 14:05:09 */
function localTime(at) {
  const two = (value) => String(value).padStart(2, "0");
  const day = [at.getFullYear(), two(at.getMonth() + 1), two(at.getDate())].join("-");
  return `${day} ${[two(at.getHours()), two(at.getMinutes()), two(at.getSeconds())].join(":")}`;
}

async function shoot(shots, interval) {
  if (!camera.isOn || shutter.isBusy) return;
  const room = MOST_HELD - tray.counts.held;
  if (room <= 0) return say(`${MOST_HELD} photos wait to be sent. Send or discard them first.`);
  try {
    await shutter.press({ countdown: Number(part("countdown").value), shots: Math.min(shots, room), interval });
    say(`${photos(shutter.taken)} taken.`);
  } catch (error) {
    fail(error);
  }
}

const shootOne = () => shoot(1, 0);

function shootBurst() {
  const [count, interval] = [part("burst-count"), part("burst-interval")];
  if (count.reportValidity() && interval.reportValidity()) shoot(count.valueAsNumber, interval.valueAsNumber);
}

// ---- what is seen ----

function show(next, words = "") {
  phase = next;
  trouble = words;
  say("");
  draw();
}

function draw() {
  drawStage();
  drawShutter();
  drawTray();
}

function drawStage() {
  const isLive = phase === "live";
  root.dataset.phase = phase;
  part("video").classList.toggle("camera__video--mirror", camera.isMirror);
  for (const message of root.querySelectorAll("[data-message]")) message.hidden = message.dataset.message !== phase;
  part("trouble-camera").textContent = trouble;
  part("size").textContent = isLive ? `${camera.size.width} × ${camera.size.height} pixels` : "";
  part("off").hidden = !isLive;
}

function drawShutter() {
  const { phase: doing, secondsLeft, taken, total } = shutter;
  root.dataset.shutter = doing;
  part("countdown-left").textContent = doing === "counting" ? String(secondsLeft) : "";
  for (const name of ["one", "burst"]) disable(part(name), phase !== "live" || shutter.isBusy);
  disable(part("stop"), !shutter.isBusy);
  part("burst-words").textContent = `Burst of ${part("burst-count").value || "…"}`;
  if (doing === "counting") say(`In ${secondsLeft} s…`);
  else if (doing === "shooting") say(`Photo ${taken + 1} of ${total}`);
}

function drawTray() {
  tray.draw();
  const { counts } = tray;
  const { isActive, trouble: sendingTrouble, needsLogin } = uploader;
  const ready = counts.held + counts.failed;
  part("empty").hidden = !tray.isEmpty;
  part("send-words").textContent = ready ? `Send ${photos(ready)}` : "Send";
  disable(part("send"), ready === 0);
  part("discard").hidden = counts.held === 0;
  part("cancel").hidden = !isActive;
  part("next").hidden = isActive || counts.created === 0;
  part("bar").hidden = !isActive;
  const share = uploader.totalBytes ? Math.floor((100 * uploader.sentBytes) / uploader.totalBytes) : 0;
  part("bar").setAttribute("aria-valuenow", String(share));
  part("bar").firstElementChild.style.setProperty("--value", `${share}%`);
  part("figures").textContent = figures(counts);
  part("trouble").hidden = !sendingTrouble;
  part("trouble-words").textContent = sendingTrouble ? `${sendingTrouble} Nothing is lost; it is tried again by itself.` : "";
  part("login").hidden = !needsLogin;
  part("hidden").textContent = tray.hiddenCount ? `${photos(tray.hiddenCount)} more went well and are not shown.` : "";
}

function figures({ held, waiting, sending, created, duplicate, rejected, failed }) {
  const named = [
    [held, "not sent yet"], [waiting + sending, "on the way"], [created, "new"], [duplicate, "already here"],
    [rejected, "rejected"], [failed, "not sent"],
  ];
  return named.filter(([count]) => count).map(([count, words]) => `${count.toLocaleString()} ${words}`).join(" · ");
}

const photos = (count) => `${count.toLocaleString()} photo${count === 1 ? "" : "s"}`;

function say(words) {
  part("status").textContent = words;
}

/** Not `disabled`: the focus has to stay where it is when a burst begins and ends. */
function disable(button, isDisabled) {
  button.setAttribute("aria-disabled", String(isDisabled));
}

function flash() {
  part("flash").animate([{ opacity: 0.8 }, { opacity: 0 }], { duration: 160, easing: "ease-out" });
}

// ---- what people do ----

function onPress(name, act) {
  part(name).addEventListener("click", () => {
    if (part(name).getAttribute("aria-disabled") !== "true") act();
  });
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape" && shutter.isBusy) return shutter.stop();
  if (event.target.closest?.(FIELDS)) return undefined;
  const isForButton = event.target.closest?.(PRESSABLE) && [" ", "Enter"].includes(event.key);
  const act = isForButton ? null : { " ": shootOne, Enter: shootOne, b: shootBurst, B: shootBurst }[event.key];
  if (!act) return undefined;
  event.preventDefault();
  return event.repeat ? undefined : act();
}

function onHidden() {
  if (document.hidden) {
    wasOnWhenHidden = phase === "live" || phase === "starting";
    if (wasOnWhenHidden) switchOff();
    return;
  }
  uploader.retryNow();
  if (wasOnWhenHidden) switchOn();
}

for (const button of root.querySelectorAll("[data-switch-on]")) button.addEventListener("click", () => switchOn());
onPress("off", switchOff);
onPress("one", shootOne);
onPress("burst", shootBurst);
onPress("stop", () => shutter.stop());
onPress("send", () => tray.send());
onPress("discard", () => tray.discardHeld());
onPress("cancel", () => uploader.cancel());
part("cameras").addEventListener("change", () => {
  if (phase !== "off") switchOn();
});
part("burst-count").addEventListener("input", drawShutter);
camera.addEventListener("ended", () => fail(new CameraTrouble("The camera was unplugged, or another program took it.")));
shutter.addEventListener("change", drawShutter);
for (const name of ["change", "done"]) uploader.addEventListener(name, drawTray);
document.addEventListener("keydown", onKey);
document.addEventListener("visibilitychange", onHidden);
navigator.mediaDevices?.addEventListener?.("devicechange", listCameras);
window.addEventListener("online", () => uploader.retryNow());
window.addEventListener("pagehide", switchOff);
window.addEventListener("beforeunload", (event) => {
  if (uploader.isActive || tray.counts.held) event.preventDefault();
});

// Frames of one visit look alike: together in a session they stay on one side of every split.
if (!part("session").value) part("session").value = `camera ${localTime(new Date()).slice(0, 16)}`;
draw();
await listCameras();
if (await isAllowed()) await switchOn();
