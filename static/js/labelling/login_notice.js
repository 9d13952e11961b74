/** Says that the login has ended, or is another person's, and how much waits for the right one. */

/**
 * @param {HTMLElement} notice
 * @param {import("./outbox.js").Outbox} outbox
 * @param {import("../api.js").ApiError|Error|null} problem  why nothing could be opened, if so
 * @param {string} things  that wait: "Photos"
 */
export function showLoginNotice(notice, outbox, problem, things) {
  const ended = outbox.state === "login" ? outbox.problem : problem?.kind === "login" && problem;
  notice.hidden = !ended;
  if (!ended) return;
  const count = outbox.waiting.length;
  const part = (name) => notice.querySelector(`[data-region=${name}]`);
  part("login-reason").textContent = ended.message;
  part("login-count").textContent = count ? ` ${things} that wait on this computer: ${count}.` : "";
}
