/** The Ingest page: a place to drop photos, and what became of each. */

import { api } from "./api.js";
import { fromDrop, fromPicker } from "./file_sources.js";
import { Uploader } from "./upload.js";
import { uuid } from "./uuid.js";

/** The list shows files with trouble first, then this many of the others: 100,000 rows would freeze the page. */
const MOST_ROWS = 200;
const CHIPS = {
  waiting: { chip: "queued", words: "waiting" },
  sending: { chip: "running", words: "sending" },
  created: { chip: "done", words: "new" },
  duplicate: { chip: "unknown", words: "already here" },
  rejected: { chip: "rejected", words: "rejected" },
  failed: { chip: "failed", words: "not sent" },
};

/** What a worker opens: its files are told on a page of their own. */
const CLIP = /\.(mp4|m4v|mov|mkv|webm|avi)$/i;
const ARCHIVE = /\.(zip|tar|tar\.gz|tgz|tar\.bz2|tbz2|tar\.xz|txz)$/i;

const root = document.getElementById("ingest");
const part = (name) => root.querySelector(`[data-region=${name}]`);
const images = `projects/${root.dataset.project}/images/`;
const uploader = new Uploader(api, images, { knownUrl: `${images}known/` });
const intakes = `projects/${root.dataset.project}/intakes/`;
const archives = new Uploader(api, intakes, {
  mostFiles: 1,
  ticketUrl: `${intakes}ticket/`,
  resultsOf: (intake) => [{ status: "created", id: intake.id, reason: "" }],
});
const number = (value) => value.toLocaleString();

function take(found) {
  if (!found.length) return say("There are no files in what you chose.");
  const byFolder = part("identity-folder").checked;
  const session = part("session").value.trim();
  const everybody = part("identity").value.trim();
  const person = (folder) => (byFolder && folder ? folder.replaceAll("_", " ") : everybody);
  say("");
  const isPacked = ({ file }) => ARCHIVE.test(file.name) || CLIP.test(file.name);
  const packed = found.filter(isPacked);
  const photos = found.filter((one) => !isPacked(one));
  archives.add(packed.map(({ file }) => ({ file, session, identity: everybody, fields: fieldsOf(file, byFolder) })));
  const intake = uuid(); // what is dropped together is listed together, later as well
  uploader.add(photos.map(({ file, path, folder }) => ({ file, path, intake, session, identity: person(folder) })));
}

/** What is said of an archive or clip beside session and person. */
function fieldsOf(file, byFolder) {
  if (!CLIP.test(file.name)) return { people_from_folders: String(byFolder) };
  const frames = part("frames").value;
  return frames === "scene" ? { source: "video", by: "scene" } : { source: "video", by: "time", every_s: frames };
}

function say(words) {
  part("note").textContent = words;
}

/** Archives on their way, and those that were handed over: each leads to what becomes of its files. */
function drawArchives() {
  part("archives").hidden = archives.uploads.length === 0;
  const share = archives.totalBytes ? Math.floor((100 * archives.sentBytes) / archives.totalBytes) : 0;
  part("archive-bar").setAttribute("aria-valuenow", String(share));
  part("archive-bar").firstElementChild.style.setProperty("--value", `${archives.isActive ? share : 100}%`);
  part("archive-words").textContent = archives.trouble ? `${archives.trouble} It is tried again by itself.` : "";
  part("archive-cancel").hidden = !archives.isActive;
  part("archive-rows").replaceChildren(...archives.uploads.map(archiveRow));
}

function archiveRow({ name, outcome, id, reason, file }) {
  const line = document.createElement("li");
  line.dataset.outcome = outcome;
  const words = { waiting: "waits", sending: "is being sent", created: "is here", failed: reason }[outcome];
  line.append(`${name} (${size(file.size)}) ${words}. `);
  if (outcome === "created") {
    const link = document.createElement("a");
    link.href = `${location.pathname}${id}/`;
    link.textContent = "See what becomes of each file";
    line.append(link);
  }
  return line;
}

let isDue = false;
function drawSoon() {
  if (isDue) return;
  isDue = true;
  setTimeout(() => {
    isDue = false;
    draw();
  }, 100);
}

function draw() {
  const { counts, uploads, isActive, trouble, needsLogin } = uploader;
  const settled = uploads.length - counts.waiting - counts.sending;
  part("progress").hidden = uploads.length === 0;
  const share = uploader.totalBytes ? Math.floor((100 * uploader.sentBytes) / uploader.totalBytes) : 0;
  const bar = part("bar");
  bar.setAttribute("aria-valuenow", String(share));
  bar.firstElementChild.style.setProperty("--value", `${isActive ? share : 100}%`);
  bar.classList.toggle("bar--ok", !isActive);
  const all = `All ${number(uploads.length)} files are through.`;
  part("figures").textContent = isActive ? figures(settled, uploads.length) : all;
  for (const name of ["created", "duplicate", "rejected", "failed"]) part(name).textContent = number(counts[name]);
  part("trouble").hidden = !trouble;
  part("trouble-words").textContent = trouble ? `${trouble} Nothing is lost; it is tried again by itself.` : "";
  part("login").hidden = !needsLogin;
  part("cancel").hidden = !isActive;
  part("next").hidden = isActive || counts.created === 0;
  drawRows(uploads);
}

function figures(settled, total) {
  const { rate, secondsLeft } = uploader;
  const speed = rate ? `${(rate / 1e6).toFixed(1)} MB per second` : null;
  const left = secondsLeft === null ? null : `${duration(secondsLeft)} left`;
  return [`${number(settled)} of ${number(total)} files`, speed, left].filter(Boolean).join(" · ");
}

function duration(seconds) {
  if (seconds < 100) return `${Math.ceil(seconds)} s`;
  return seconds < 6000 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

function drawRows(uploads) {
  const bad = uploads.filter(({ outcome }) => outcome === "rejected" || outcome === "failed");
  const rest = uploads.filter(({ outcome }) => outcome !== "rejected" && outcome !== "failed" && outcome !== "waiting");
  const shown = [...bad.slice(-MOST_ROWS), ...rest.slice(-MOST_ROWS).reverse()];
  part("rows").replaceChildren(...shown.map(row));
  const hidden = uploads.length - shown.length;
  const words = `${number(hidden)} more files are waiting or went well and are not listed.`;
  part("hidden").textContent = hidden ? words : "";
}

function row({ name, outcome, reason, file, identity }) {
  const line = document.createElement("tr");
  line.dataset.outcome = outcome;
  const chip = document.createElement("span");
  chip.className = `chip chip--${CHIPS[outcome].chip}`;
  chip.textContent = CHIPS[outcome].words;
  line.append(cell(name), cell(identity), cell(size(file.size), "num"), cell(chip), cell(reason, "muted"));
  return line;
}

const size = (bytes) => (bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`);

function cell(content, className = "") {
  const made = document.createElement("td");
  made.className = className;
  made.append(content);
  return made;
}

function connectDrop(drop) {
  let depth = 0; // entering a child leaves the parent: only the last leave counts
  const over = (step) => {
    depth = Math.max(0, depth + step);
    drop.classList.toggle("drop--over", depth > 0);
  };
  drop.addEventListener("dragenter", () => over(1));
  drop.addEventListener("dragleave", () => over(-1));
  drop.addEventListener("dragover", (event) => event.preventDefault());
  drop.addEventListener("drop", async (event) => {
    event.preventDefault();
    over(-depth);
    take(await fromDrop(event.dataTransfer));
  });
  for (const name of ["files", "folder"]) {
    const input = part(name);
    root.querySelector(`[data-pick=${name}]`).addEventListener("click", () => input.click());
    input.addEventListener("change", () => {
      take(fromPicker(input.files));
      input.value = ""; // choosing the same files again must count
    });
  }
}

/** Ask a worker to look through a bucket; the page of that look opens once it was asked for. */
async function lookInBucket(event) {
  event.preventDefault();
  const [button, words] = [event.submitter, part("bucket-words")];
  const asked = {
    source: "bucket",
    ...Object.fromEntries(new FormData(event.target)),
    session: part("session").value.trim(),
    identity: part("identity").value.trim(),
    people_from_folders: part("identity-folder").checked,
  };
  button.disabled = true;
  try {
    const { id } = await api.post(intakes, asked, { headers: { "Idempotency-Key": uuid() } });
    location.assign(`${location.pathname}${id}/`);
  } catch (error) {
    if (!error.kind) throw error;
    words.textContent = error.message;
    button.disabled = false;
  }
}

part("bucket")?.addEventListener("submit", lookInBucket);
connectDrop(part("drop"));
// A photo dropped beside the frame must not replace the page.
for (const name of ["dragover", "drop"]) window.addEventListener(name, (event) => event.preventDefault());
archives.addEventListener("change", drawArchives);
archives.addEventListener("done", () => document.body.dispatchEvent(new Event("intake-changed")));
part("archive-cancel").addEventListener("click", () => archives.cancel());
uploader.addEventListener("change", drawSoon);
uploader.addEventListener("done", drawSoon);
part("cancel").addEventListener("click", () => uploader.cancel());
const retryNow = () => [uploader, archives].forEach((each) => each.retryNow());
window.addEventListener("online", retryNow);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) retryNow();
});
window.addEventListener("beforeunload", (event) => {
  if (uploader.isActive || archives.isActive) event.preventDefault();
});
