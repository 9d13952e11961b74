/** The one door to the server's API: CSRF, JSON, timeouts, and errors sorted by what a person can do about them. */

const BASE = "/api/v1/";
const TIMEOUT_MS = 20_000;
const LOGIN_CODES = new Set(["not_authenticated", "authentication_failed"]);
// A 409 that no fresh look at the thing would cure.
const HOPELESS_CODES = new Set(["refused", "id_already_used"]);

/**
 * Why a call failed. `kind` is what to do about it:
 * - offline: no answer (network cut, server down, too slow). The outcome is unknown; sending again is right.
 * - server: the server answered that it is broken or overloaded; sending again later is right.
 * - login: the session ended. - forbidden: the role does not allow it.
 * - stale: someone else changed or holds the thing. - refused: the request itself is wrong.
 */
export class ApiError extends Error {
  constructor(kind, message, { status = 0, code = "", fields = {}, body = null } = {}) {
    super(message);
    this.name = "ApiError";
    Object.assign(this, { kind, status, code, fields, body });
  }

  /** @returns {boolean} whether the very same call may succeed later */
  get passing() {
    return this.kind === "offline" || this.kind === "server";
  }
}

/** The cookie first: it changes when the person logs in again in another tab, the page's meta does not. */
export function csrfToken() {
  const cookie = document.cookie.split("; ").find((part) => part.startsWith("csrftoken="));
  if (cookie) return decodeURIComponent(cookie.slice("csrftoken=".length));
  return document.querySelector('meta[name="csrf-token"]')?.content ?? "";
}

/** Who opened this page: the server refuses to take its calls for those of another person logged in meanwhile. */
function opener() {
  const id = document.querySelector('meta[name="facet-user"]')?.content;
  return id ? { "X-Facet-User": id } : {};
}

/** @param {string} path  relative to the API, or absolute from "/" */
export function apiUrl(path) {
  return path.startsWith("/") ? path : BASE + path;
}

function kindOf(status, code) {
  if (status === 401 || (status === 403 && LOGIN_CODES.has(code))) return "login";
  if (status === 403) return "forbidden";
  if (status === 409) return HOPELESS_CODES.has(code) ? "refused" : "stale";
  if (status === 408 || status === 429 || status >= 500) return "server";
  return "refused";
}

function plainWords(kind, status) {
  if (kind === "login") return "Your login has ended.";
  if (kind === "forbidden") return "Your role in this project does not allow that.";
  if (kind === "server") return `The server has trouble (status ${status}). It will be tried again.`;
  if (status === 404) return "That is not there any more.";
  return `The server refused this (status ${status}).`;
}

/** @returns {ApiError} */
function errorFrom(status, body) {
  const { code = "", message = "", fields = {} } = body?.error ?? {};
  const kind = kindOf(status, code);
  // Of a login that ended the framework speaks in its own words, not for the person who labels.
  const words = kind === "login" && code !== "other_login" ? "" : message;
  return new ApiError(kind, words || plainWords(kind, status), { status, code, fields, body });
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null; // an HTML error page: the status says enough
  }
}

function offline() {
  return new ApiError("offline", "The server cannot be reached.");
}

async function call(method, path, body, { signal, timeoutMs = TIMEOUT_MS, keepalive = false, headers = {} } = {}) {
  const clock = AbortSignal.timeout(timeoutMs);
  let response;
  let text;
  try {
    response = await fetch(apiUrl(path), {
      method,
      keepalive,
      credentials: "same-origin",
      signal: signal ? AbortSignal.any([signal, clock]) : clock,
      headers: {
        Accept: "application/json",
        ...opener(),
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...(method === "GET" ? {} : { "X-CSRFToken": csrfToken() }),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    text = response.status === 204 ? "" : await response.text();
  } catch (error) {
    if (signal?.aborted) throw error; // the caller changed its mind; that is no failure
    throw offline();
  }
  const json = text ? parse(text) : null;
  if (!response.ok) throw errorFrom(response.status, json);
  // A session that ended may answer 200 with the login page.
  if (text && json === null) throw errorFrom(response.redirected ? 401 : 502, null);
  return json;
}

/** Put a file at an address of the object store, without anything that would tell it who we are. */
function putElsewhere(url, file, { onProgress, signal } = {}) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const stop = () => request.abort();
    request.open("PUT", url);
    request.upload.onprogress = (event) => onProgress?.(event.loaded);
    request.onerror = () => reject(offline());
    request.onabort = () => reject(new DOMException("Cancelled.", "AbortError"));
    request.onload = () => (request.status === 200 ? resolve() : reject(errorFrom(request.status, null)));
    request.onloadend = () => signal?.removeEventListener("abort", stop);
    signal?.addEventListener("abort", stop, { once: true });
    request.send(file);
  });
}

/** A multipart upload by XMLHttpRequest, because fetch tells nothing of bytes already sent. */
function upload(path, form, { onProgress, signal, headers = {} } = {}) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const stop = () => request.abort();
    request.open("POST", apiUrl(path));
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("X-CSRFToken", csrfToken());
    for (const [name, value] of Object.entries({ ...opener(), ...headers })) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => onProgress?.(event.loaded);
    request.onerror = () => reject(offline());
    request.onabort = () => reject(new DOMException("Cancelled.", "AbortError"));
    request.onload = () => {
      const json = parse(request.responseText);
      if (request.status < 200 || request.status > 299) reject(errorFrom(request.status, json));
      else if (json === null) reject(errorFrom(401, null));
      else resolve(json);
    };
    request.onloadend = () => signal?.removeEventListener("abort", stop);
    signal?.addEventListener("abort", stop, { once: true });
    request.send(form);
  });
}

export const api = {
  get: (path, options) => call("GET", path, undefined, options),
  post: (path, body = {}, options = {}) => call("POST", path, body, options),
  patch: (path, body, options = {}) => call("PATCH", path, body, options),
  put: (path, body = {}, options = {}) => call("PUT", path, body, options),
  remove: (path, options = {}) => call("DELETE", path, undefined, options),
  upload,
  putElsewhere,
};
