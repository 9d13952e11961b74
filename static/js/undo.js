/** Takes a change back, wherever it is offered: the page shows what came of it, or a toast says why it cannot. */

import { ApiError, api } from "./api.js";
import { toast } from "./toast.js";

/** @param {string} url  of the event's undo */
export async function undo(url) {
  try {
    await api.post(url, {});
    location.reload();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    toast(error.message, { tone: "error" });
  }
}
