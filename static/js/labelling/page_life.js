/** What happens when the page is left, comes back, or the network does. */

/**
 * @param {object} parts
 * @param {import("./outbox.js").Outbox} parts.outbox
 * @param {() => boolean} [parts.hasUnsent]  something beside the outbox would be left behind
 * @param {() => void} parts.onBack  the network or the person came back: try again what failed
 * @param {() => void} [parts.onLeave]
 */
export function connectLeaving({ outbox, hasUnsent = () => false, onBack, onLeave = () => {} }) {
  const retry = () => {
    outbox.load(); // also what another tab left
    outbox.retryNow();
    onBack();
  };
  window.addEventListener("online", retry);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) retry(); // perhaps from the tab of the login
  });
  window.addEventListener("beforeunload", (event) => {
    if (outbox.state !== "saved" || hasUnsent()) event.preventDefault();
  });
  window.addEventListener("pagehide", onLeave);
  // A page brought back by the Back button has given away what it held.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });
}
