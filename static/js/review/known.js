/** The list of known photos: vouch for one anew, or take it off the list. */

import { api } from "../api.js";
import { toast } from "../toast.js";

document.getElementById("golds")?.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-vouch], [data-forget]");
  if (!button) return;
  const row = button.closest("[data-gold]");
  const path = `images/${row.dataset.gold}/gold/`;
  const isGone = button.hasAttribute("data-forget");
  button.disabled = true;
  try {
    await (isGone ? api.remove(path) : api.put(path));
  } catch (error) {
    if (!error.kind) throw error;
    button.disabled = false;
    return void toast(error.message, { tone: "error" });
  }
  if (isGone) {
    row.hidden = true;
    const bringBack = async () => {
      await api.put(path);
      row.hidden = false;
      button.disabled = false;
    };
    return void toast("No longer known. Answers given so far are kept.", { action: { label: "Undo", run: bringBack } });
  }
  row.querySelector(".chip--warn")?.remove();
  button.remove();
  toast("Its present labels are what counts now.", { tone: "success" });
});
