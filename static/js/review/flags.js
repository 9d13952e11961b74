/** The list of flags: settling one takes it off the list, with a way back. */

import { api } from "../api.js";
import { toast } from "../toast.js";
import { uuid } from "../uuid.js";

const list = document.getElementById("remarks");

list?.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-resolve]");
  if (!button) return;
  const row = button.closest("[data-remark]");
  const eventId = (row.dataset.event ||= uuid()); // pressed twice, it is settled once
  button.disabled = true;
  try {
    await api.post(`remarks/${row.dataset.remark}/resolve/`, { event_id: eventId });
  } catch (error) {
    if (!error.kind) throw error;
    button.disabled = false;
    return void toast(error.message, { tone: "error" });
  }
  const next = row.nextElementSibling ?? row.previousElementSibling;
  row.hidden = true;
  next?.querySelector("[data-resolve]").focus();
  const bringBack = async () => {
    try {
      await api.post(`events/${eventId}/undo/`);
    } catch (error) {
      if (!error.kind) throw error;
      return void toast(error.message, { tone: "error" });
    }
    delete row.dataset.event;
    row.hidden = false;
    button.disabled = false;
    button.focus();
  };
  toast("Settled.", { tone: "success", action: { label: "Undo", run: bringBack } });
});
