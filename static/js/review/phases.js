/** Shows the message that belongs to a page's phase, and none while there is a photo. */

/**
 * @param {HTMLElement} root @param {import("./feed.js").Feed} feed
 * @param {{empty?: string}} [words]  more fitting ones than the page came with
 */
export function showPhase(root, feed, words = {}) {
  const { phase, problem } = feed;
  root.dataset.phase = phase;
  for (const message of root.querySelectorAll("[data-message]")) {
    message.hidden = message.dataset.message !== phase;
    const text = message.hidden ? null : message.querySelector("[data-part=text]");
    if (text && phase === "failed") text.textContent = problem.message;
    if (text && phase === "empty" && words.empty) text.textContent = words.empty;
  }
  root.querySelector("[data-region=actions]").hidden = phase !== "ready";
  for (const button of root.querySelectorAll("[data-needs=photo]")) button.disabled = phase !== "ready";
}
