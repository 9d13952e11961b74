/** What happens when the page is left, comes back, or the network does. */

/**
 * @param {object} parts
 * @param {import("./session.js").LabelSession} parts.session
 * @param {import("./store.js").FaceStore} parts.store
 * @param {import("./outbox.js").Outbox} parts.outbox
 * @param {import("./queue.js").ImageQueue} parts.queue
 */
export function connectLeaving({ session, store, outbox, queue }) {
  const retry = () => {
    outbox.retryNow();
    if (session.problem) session.retry(true);
  };
  window.addEventListener("online", retry);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) retry(); // perhaps from the tab of the login
  });
  window.addEventListener("beforeunload", (event) => {
    if (outbox.entries.length || (session.canEdit && store.isChanged)) event.preventDefault();
  });
  window.addEventListener("pagehide", () => queue.releaseAll(session.item, session.unsent));
  // A page brought back by the Back button has given its leases away.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });
}
