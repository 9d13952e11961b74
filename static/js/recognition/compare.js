/** Curves of several runs over each other. */

import { onThemeChange, palette } from "../chart_theme.js";
import { lightWhilePrinting } from "../datasets/print_light.js";
import { LOGARITHMIC, SHARE, draw, lifted, plainText } from "./report_charts.js";

/** @type {{name: string, pr: ?object, roc: ?object, cmc: ?number[]}[]} */
const runs = JSON.parse(document.getElementById("compare-data").textContent);
// Apart without colour too.
const DASHES = ["solid", "dash", "dot", "dashdot", "longdash", "longdashdot"];

function trace(run, index, x, y) {
  const colours = palette().series;
  return {
    type: "scatter", mode: "lines", name: plainText(run.name), x, y,
    line: { color: colours[index % colours.length], width: 2, dash: DASHES[index % DASHES.length] },
    hovertemplate: "%{x:.3~g}, %{y:.1%}<extra></extra>",
  };
}

function over(id, has, points, words, axes) {
  const traces = runs.flatMap((run, index) => (has(run) ? [trace(run, index, ...points(run))] : []));
  draw(document.getElementById(id), traces, words, axes);
}

function drawAll() {
  over("compare-pr", (run) => run.pr?.recall?.length, (run) => [run.pr.recall, run.pr.precision],
    { x: "Recall", y: "Precision" }, { xaxis: { ...SHARE }, yaxis: { ...SHARE } });
  const least = Math.min(1e-2, ...runs.flatMap((run) => run.roc?.fpr?.filter((fpr) => fpr > 0) ?? []));
  over("compare-roc", (run) => run.roc?.fpr?.length, (run) => [lifted(run.roc.fpr, least), run.roc.tpr],
    { x: "False positive rate (logarithmic)", y: "True positive rate" },
    { xaxis: { ...LOGARITHMIC, range: [Math.log10(least), 0] }, yaxis: { ...SHARE } });
  over("compare-cmc", (run) => run.cmc?.length, (run) => [run.cmc.map((_, rank) => rank + 1), run.cmc],
    { x: "Rank", y: "Probes found" }, { yaxis: { tickformat: ".0%" } });
}

onThemeChange(drawAll);
lightWhilePrinting(drawAll);
drawAll();
