/** The Ingest page: a place to drop photos, and what became of each. */

import { api } from "./api.js";
import { fromDrop, fromPicker } from "./file_sources.js";
import { Uploader } from "./upload.js";

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

const root = document.getElementById("ingest");
const part = (name) => root.querySelector(`[data-region=${name}]`);
const uploader = new Uploader(api, `projects/${root.dataset.project}/images/`);
const number = (value) => value.toLocaleString();

function take(found) {
  if (!found.length) return say("There are no files in what you chose.");
  const byFolder = part("identity-folder").checked;
  const session = part("session").value.trim();
  const everybody = part("identity").value.trim();
  const person = (folder) => (byFolder && folder ? folder.replaceAll("_", " ") : everybody);
  say("");
  return uploader.add(found.map(({ file, folder }) => ({ file, session, identity: person(folder) })));
}

function say(words) {
  part("note").textContent = words;
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

connectDrop(part("drop"));
// A photo dropped beside the frame must not replace the page.
for (const name of ["dragover", "drop"]) window.addEventListener(name, (event) => event.preventDefault());
uploader.addEventListener("change", drawSoon);
uploader.addEventListener("done", drawSoon);
part("cancel").addEventListener("click", () => uploader.cancel());
window.addEventListener("online", () => uploader.retryNow());
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) uploader.retryNow();
});
window.addEventListener("beforeunload", (event) => {
  if (uploader.isActive) event.preventDefault();
});
