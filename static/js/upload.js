/** Sends many files in batches, a few at a time, and never gives one up because of the network. No DOM. */

import { uuid } from "./uuid.js";

/**
 * @typedef {"waiting"|"sending"|"created"|"duplicate"|"rejected"|"failed"} Outcome
 *   failed: the server refused the request itself
 * @typedef {object} Upload
 * @property {File} file @property {string} name @property {string} session @property {string} identity
 * @property {string} [intake] @property {string} [path]  where its outcome is kept, and under which path
 * @property {Record<string, string>} [fields]  what else is said about it
 * @property {Outcome} outcome @property {number|null} id @property {string} reason
 */

const MOST_FILES = 8;
const MOST_BYTES = 24 * 1024 * 1024;
const AT_ONCE = 2;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;
const UNANSWERED = { status: "failed", id: null, reason: "The server said nothing about this file; send it again." };
/** The rate is that of the last seconds: a pause of the network must show. */
const RATE_OVER_MS = 8_000;

/**
 * Cut a queue into requests: few enough files, few enough bytes, one session and identity each.
 * @param {Upload[]} uploads @returns {Upload[][]}
 */
export function intoBatches(uploads, mostFiles = MOST_FILES) {
  const batches = [];
  let bytes = 0;
  for (const upload of uploads) {
    const batch = batches.at(-1);
    const hasRoom = batch && batch.length < mostFiles && bytes + upload.file.size <= MOST_BYTES;
    const fits = hasRoom && batch[0].identity === upload.identity && batch[0].session === upload.session && batch[0].intake === upload.intake;
    if (fits) batch.push(upload);
    else batches.push([upload]);
    bytes = fits ? bytes + upload.file.size : upload.file.size;
  }
  return batches;
}

/** Fires "change" after every change, "done" once all files have an outcome. */
export class Uploader extends EventTarget {
  /** @type {Upload[]} */ uploads = [];
  /** @type {string|null} why it waits before trying again */ trouble = null;
  needsLogin = false;
  #api;
  #url;
  /** @type {Upload[][]} */ #queue = [];
  #running = 0;
  #abort = new AbortController();
  /** @type {Map<Upload[], number>} bytes of requests under way */ #sent = new Map();
  #doneBytes = 0;
  /** @type {{at: number, bytes: number}[]} */ #marks = [];
  /** @type {Set<() => void>} each ends one wait early */ #wakers = new Set();

  #mostFiles;
  #resultsOf;
  #knownUrl;
  #ticketUrl;

  /**
   * @param {typeof import("./api.js").api} api @param {string} url  where files are posted
   * @param {{mostFiles?: number, resultsOf?: (answer: object) => {status: Outcome, id: number, reason: string}[],
   *   knownUrl?: string, ticketUrl?: string}} how
   *   files a request, what its answer says about each, where to ask which files need not be sent, and where to ask
   *   for an address in the object store (of single files only)
   */
  constructor(api, url, { mostFiles = MOST_FILES, resultsOf = (answer) => answer.results, knownUrl = "", ticketUrl = "" } = {}) {
    super();
    this.#api = api;
    this.#url = url;
    this.#mostFiles = mostFiles;
    this.#resultsOf = resultsOf;
    this.#ticketUrl = ticketUrl;
    // Without https the browser has no hashes; then everything is sent, and recognised there.
    this.#knownUrl = globalThis.crypto?.subtle ? knownUrl : "";
  }

  get isActive() {
    return this.#running > 0 || this.#queue.length > 0;
  }

  get totalBytes() {
    return this.uploads.reduce((sum, { file }) => sum + file.size, 0);
  }

  get sentBytes() {
    return [...this.#sent.values()].reduce((sum, bytes) => sum + bytes, this.#doneBytes);
  }

  /** Bytes a second lately; null before it can be said. */
  get rate() {
    const [first, last] = [this.#marks[0], this.#marks.at(-1)];
    return first && last.at - first.at > 500 ? ((last.bytes - first.bytes) * 1000) / (last.at - first.at) : null;
  }

  get secondsLeft() {
    return this.rate ? (this.totalBytes - this.sentBytes) / this.rate : null;
  }

  /** @returns {Record<Outcome, number>} */
  get counts() {
    const counts = { waiting: 0, sending: 0, created: 0, duplicate: 0, rejected: 0, failed: 0 };
    for (const { outcome } of this.uploads) counts[outcome] += 1;
    return counts;
  }

  /** @param {{file: File, session: string, identity: string}[]} files */
  add(files) {
    const uploads = files.map((one) => ({ ...one, name: one.file.name, outcome: "waiting", id: null, reason: "" }));
    this.uploads = [...this.uploads, ...uploads];
    this.#queue.push(...intoBatches(uploads, this.#mostFiles));
    this.#tell();
    this.#fill();
  }

  /** Stop; files that have an outcome stay as they are. */
  cancel() {
    this.#abort.abort();
    this.#abort = new AbortController();
    this.#queue = [];
    this.uploads = this.uploads.filter(({ outcome }) => outcome !== "waiting" && outcome !== "sending");
    this.#marks = [];
    this.trouble = null;
    this.needsLogin = false;
    this.#tell();
  }

  /** Let go of a file that has an outcome, and of the memory it takes. @param {File} file */
  forget(file) {
    const isGone = (upload) => upload.file === file && upload.outcome !== "waiting" && upload.outcome !== "sending";
    this.#doneBytes -= bytesOf(this.uploads.filter(isGone));
    this.uploads = this.uploads.filter((upload) => !isGone(upload));
  }

  /** Try again now rather than after the pause. */
  retryNow() {
    for (const wake of [...this.#wakers]) wake();
  }

  #fill() {
    while (this.#running < AT_ONCE && this.#queue.length) this.#run(this.#queue.shift(), this.#abort.signal);
  }

  async #run(batch, signal) {
    this.#running += 1;
    for (const upload of batch) upload.outcome = "sending";
    try {
      await this.#deliver(batch, signal);
    } finally {
      this.#running -= 1;
      this.#sent.delete(batch);
    }
    if (signal.aborted) return;
    this.#tell();
    this.#fill();
    if (!this.isActive) this.dispatchEvent(new Event("done"));
  }

  /** Until the server has answered, whatever the network does. The key lets it know a repeated request. */
  async #deliver(batch, signal) {
    const headers = { "Idempotency-Key": uuid() };
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      try {
        const left = await this.#unknown(batch, signal);
        if (left.length === 0) return undefined;
        const onProgress = (bytes) => this.#progress(batch, Math.min(bytes, bytesOf(left)));
        const form = await this.#form(left, { signal, onProgress });
        const answer = await this.#api.upload(this.#url, form, { headers, signal, onProgress });
        this.#sent.delete(batch);
        return this.#settle(left, this.#resultsOf(answer));
      } catch (error) {
        if (signal.aborted) return undefined;
        if (!error.kind) throw error;
        if (!error.passing && error.kind !== "login") return this.#refused(batch, error);
        this.#sent.delete(batch);
        await this.#pause(error, attempt, signal);
      }
    }
    return undefined;
  }

  /** Of the batch those the server does not have; the others are settled without sending a byte of them. */
  async #unknown(batch, signal) {
    if (!this.#knownUrl) return batch;
    batch = batch.filter(({ outcome }) => outcome === "sending");
    const hashes = await Promise.all(batch.map(({ file }) => sha256(file)));
    const readable = batch.filter((_, index) => hashes[index]);
    const asked = { sha256: hashes.filter(Boolean), ...keptUnder(readable) };
    const { results } = await this.#api.post(this.#knownUrl, asked, { signal });
    const known = new Map(results.map((image) => [image.sha256, image]));
    for (const [index, upload] of batch.entries()) {
      const image = known.get(hashes[index]);
      if (!image) continue;
      this.#doneBytes += upload.file.size;
      Object.assign(upload, { outcome: "duplicate", id: image.id, reason: `Already here as “${image.name}”.` });
    }
    return batch.filter(({ outcome }) => outcome === "sending");
  }

  /** What is sent; a file that went straight into the object store is only named. */
  async #form(batch, { signal, onProgress }) {
    const [{ session, identity, fields = {} }] = batch;
    const form = new FormData();
    const { intake, path = [] } = keptUnder(batch);
    if (intake) form.append("intake", intake);
    for (const each of path) form.append("path", each);
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    if (session) form.append("session", session);
    if (identity) form.append("identity", identity);
    const staged = await this.#stage(batch, { signal, onProgress });
    if (staged) {
      form.append("staged", staged);
      form.append("name", batch[0].name);
      return form;
    }
    for (const { file, name } of batch) form.append("file", file, name);
    return form;
  }

  /** Put the file where the browser reaches the object store; nothing where it does not. */
  async #stage([upload], { signal, onProgress }) {
    if (!this.#ticketUrl) return "";
    upload.ticket ??= await this.#api.post(this.#ticketUrl, { size: upload.file.size }, { signal });
    if (!upload.ticket.url) return "";
    if (!upload.isStaged) await this.#api.putElsewhere(upload.ticket.url, upload.file, { signal, onProgress });
    upload.isStaged = true; // once there it need not go again, however often the rest is tried
    return upload.ticket.uid;
  }

  #settle(batch, results) {
    this.trouble = null;
    this.needsLogin = false;
    this.#doneBytes += bytesOf(batch);
    this.#sent.delete(batch);
    batch.forEach((upload, index) => {
      const { status, id, reason } = results[index] ?? UNANSWERED;
      Object.assign(upload, { outcome: status, id, reason: reason ?? "" });
    });
  }

  /** One file may spoil the request (too big): then each is sent alone, and only that one is refused. */
  #refused(batch, error) {
    this.#sent.delete(batch);
    if (batch.length > 1 && error.kind === "refused") {
      for (const upload of batch) upload.outcome = "waiting";
      this.#queue.unshift(...batch.map((upload) => [upload]));
      return;
    }
    this.#doneBytes += bytesOf(batch);
    const reason = error.status === 413 ? "The file is larger than this server accepts." : error.message;
    for (const upload of batch) Object.assign(upload, { outcome: "failed", reason });
  }

  async #pause(error, attempt, signal) {
    this.trouble = error.message;
    this.needsLogin = error.kind === "login";
    this.#tell();
    const ms = Math.min(FIRST_WAIT_MS * 2 ** attempt, LONGEST_WAIT_MS);
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      const wake = () => {
        clearTimeout(timer);
        this.#wakers.delete(wake);
        resolve();
      };
      this.#wakers.add(wake);
      signal.addEventListener("abort", wake, { once: true });
    });
  }

  #progress(batch, bytes) {
    this.#sent.set(batch, Math.min(bytes, bytesOf(batch)));
    const now = Date.now();
    this.#marks.push({ at: now, bytes: this.sentBytes });
    this.#marks = this.#marks.filter(({ at }) => now - at <= RATE_OVER_MS);
    this.#tell();
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }
}

/** Where the outcomes of these are kept; nothing where nobody asked for it. */
function keptUnder(batch) {
  const intake = batch[0]?.intake;
  return intake ? { intake, path: batch.map(({ path, name }) => path || name) } : {};
}

/** In hex; nothing for a file that cannot be read, which sending it will say in words. */
async function sha256(file) {
  try {
    const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
    return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  } catch {
    return "";
  }
}

const bytesOf = (batch) => batch.reduce((sum, { file }) => sum + file.size, 0);
