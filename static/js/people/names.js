/** Offers names the project knows while somebody types one, in the list the browser shows below the input. */

import { ApiError, api } from "../api.js";

const WAIT_MS = 150;
const MOST = 12;

/** @param {HTMLInputElement} input  with `data-names-url` and a datalist */
export function offerNames(input) {
  let timer = 0;
  /** @type {AbortController|null} */ let asking = null;

  async function ask() {
    asking?.abort();
    asking = new AbortController();
    const { signal } = asking;
    try {
      const query = new URLSearchParams({ q: input.value.trim(), limit: String(MOST) });
      const found = await api.get(`${input.dataset.namesUrl}?${query}`, { signal });
      input.list.replaceChildren(...found.results.map((person) => new Option("", person.name)));
    } catch (error) {
      // Without the offer the name can still be typed whole.
      if (!(error instanceof ApiError) && error.name !== "AbortError") throw error;
    }
  }

  input.addEventListener("input", () => {
    clearTimeout(timer);
    if (input.value.trim()) timer = setTimeout(ask, WAIT_MS);
  });
}
