/** The outbox is one for all screens: what was refused of another screen's work is chosen about there. */

/**
 * @param {HTMLElement} notice  says where
 * @param {import("./outbox.js").Outbox} outbox
 * @param {(entry: import("./outbox.js").Entry) => boolean} isMine
 */
export function connectRefusedElsewhere(notice, outbox, isMine) {
  outbox.addEventListener("change", () => {
    notice.hidden = outbox.refused.every(isMine);
  });
}
