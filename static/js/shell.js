/** What every page has: the theme switch, toasts asked for by the server, menus that close, live loop counts. */

import { refreshLoopStrip } from "./loop_strip.js";
import { connectThemeSwitch } from "./theme.js";
import { toast } from "./toast.js";
import { undo } from "./undo.js";
import "./undo_buttons.js";

/** @param {{message: string, tone?: string, undo_url?: string}} detail  from an HX-Trigger header */
function toastFromServer(detail) {
  const action = detail.undo_url && { label: "Undo", run: () => undo(detail.undo_url) };
  toast(detail.message, { tone: detail.tone ?? "success", action });
}

function closeMenus(event) {
  for (const menu of document.querySelectorAll("details.menu[open], details.confirm[open]")) {
    if (event.type === "keydown" || !menu.contains(event.target)) menu.open = false;
  }
}

document.body.addEventListener("facet:toast", (event) => toastFromServer(event.detail));
document.addEventListener("pointerdown", closeMenus);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") closeMenus(event);
});
document.body.addEventListener("htmx:responseError", (event) => {
  const { status } = event.detail.xhr;
  const login = status === 401 || status === 403;
  toast(
    login
      ? "That was refused: your login may have ended. Reload the page to log in again."
      : `The server could not do that (status ${status}). Nothing was changed; try again.`,
    { tone: "error" },
  );
});
document.body.addEventListener("htmx:sendError", () => {
  toast("The server cannot be reached. Check the network and try again.", { tone: "warn" });
});
for (const button of document.querySelectorAll("[data-theme-switch]")) connectThemeSwitch(button);
const strip = document.getElementById("loop-strip");
if (strip) refreshLoopStrip(strip);
