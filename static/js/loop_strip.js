/** Keeps the counts of the loop strip true on pages that stay open for hours (data-refresh-s on the strip). */

/** @param {HTMLElement} strip */
export function refreshLoopStrip(strip) {
  const seconds = Number(strip.dataset.refreshS);
  if (!(seconds > 0)) return;
  let current = strip;
  setInterval(async () => {
    if (document.hidden) return;
    const fresh = await fetchStrip();
    if (!fresh) return;
    const imported = document.importNode(fresh, true);
    current.replaceWith(imported);
    current = imported;
  }, seconds * 1000);
}

/** @returns {Promise<HTMLElement|null>} null when the server cannot be asked now: old counts stay */
async function fetchStrip() {
  try {
    const response = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!response.ok || response.redirected) return null;
    return new DOMParser().parseFromString(await response.text(), "text/html").getElementById("loop-strip");
  } catch {
    return null;
  }
}
