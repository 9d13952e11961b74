/** The page of a report: draws its charts, again when the theme changes. */

import { onThemeChange } from "../chart_theme.js";
import { lightWhilePrinting } from "../datasets/print_light.js";
import { drawCmc, drawDet, drawHistogram, drawOpenSet, drawPrecisionRecall, drawReliability, drawRoc } from "./report_charts.js";

const CHARTS = {
  "pr-chart": drawPrecisionRecall,
  "roc-chart": drawRoc,
  "cmc-chart": drawCmc,
  "histogram-chart": drawHistogram,
  "det-chart": drawDet,
  "reliability-chart": drawReliability,
  "open-set-chart": drawOpenSet,
};

const data = JSON.parse(document.getElementById("report-data").textContent);

function drawAll() {
  for (const [id, draw] of Object.entries(CHARTS)) {
    const place = document.getElementById(id);
    if (place) draw(place, data);
  }
}

onThemeChange(drawAll);
lightWhilePrinting(drawAll);
drawAll();
