/** Says whether everything is saved. It is never allowed to be wrong. */

const WORDS = {
  saved: () => "Saved",
  saving: () => "Saving…",
  pending: (count) => `${count} pending`,
  offline: (count) => `Offline – ${count} kept on this computer`,
  login: (count) => `Login ended – ${count} kept on this computer`,
  conflict: () => "Conflict – please choose",
};

/**
 * @param {HTMLElement} badge
 * @param {import("./outbox.js").Outbox} outbox
 * @param {boolean} [isEdited]  the open photo has changes that were not sent
 */
export function showSaveState(badge, outbox, isEdited = false) {
  const isDraft = outbox.state === "saved" && isEdited;
  const state = isDraft ? "pending" : outbox.state;
  const words = isDraft ? "Changes not sent yet" : WORDS[state](outbox.waiting.length);
  if (badge.dataset.saveState === state && badge.textContent === words) return; // no chatter for screen readers
  badge.dataset.saveState = state;
  badge.textContent = words;
  badge.title = explain(state, isDraft, outbox.lasts);
}

function explain(state, isDraft, lasts) {
  const where = lasts === "disk" ? "on this computer, also after closing the page" : "only while this page is open";
  if (isDraft) return `Your changes to this photo are kept ${where}. Accepting the photo sends them.`;
  if (state === "saved") return "The server has everything you sent.";
  if (state === "conflict") return "The server refused something you sent. Choose what should become of it.";
  return `What the server has not confirmed is kept ${where}, and sent again by itself.`;
}
