/** The page of one version: its chart, and buttons that copy a hash. */

import { onThemeChange } from "../chart_theme.js";
import { toast } from "../toast.js";
import { lightWhilePrinting } from "./print_light.js";
import { drawSpread } from "./spread_chart.js";

function connectChart(place) {
  const data = JSON.parse(document.getElementById("spread-data").textContent);
  const group = document.getElementById("spread-scale");
  let scale = "linear";
  const draw = () => drawSpread(place, data, scale);
  group.addEventListener("click", (event) => {
    const button = event.target.closest("[data-scale]");
    if (!button) return;
    scale = button.dataset.scale;
    for (const each of group.children) each.setAttribute("aria-pressed", String(each === button));
    draw();
  });
  group.hidden = false;
  onThemeChange(draw);
  lightWhilePrinting(draw);
  draw();
}

function connectCopy(button) {
  if (!navigator.clipboard) return; // browsers give it on safe connections only
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      toast("Copied.", { tone: "success" });
    } catch {
      toast("The browser did not allow copying; select the text instead.", { tone: "warn" });
    }
  });
}

const chart = document.getElementById("spread-chart");
if (chart) connectChart(chart);
for (const button of document.querySelectorAll("[data-copy]")) connectCopy(button);
