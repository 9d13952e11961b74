/** The page about the detector: recall and precision at each confidence, and against each other. */

import { onThemeChange, palette, plotlyConfig, plotlyLayout } from "../chart_theme.js";
import { lightWhilePrinting } from "../datasets/print_light.js";

/** @typedef {{threshold: number[], precision: number[], recall: number[], in_force: number, chosen: ?number}} Curve */

const SHARE = { range: [0, 1.02], tickformat: ".0%" };
const LEGEND = { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" };

/** @type {Curve} */
const data = JSON.parse(document.getElementById("detector-data").textContent);

function draw(id, traces, words, more) {
  const layout = plotlyLayout(words, { legend: LEGEND, hovermode: "closest", ...more });
  window.Plotly.react(document.getElementById(id), traces, layout, plotlyConfig);
}

function drawThresholds() {
  const [found, right] = palette().series;
  const step = { type: "scatter", mode: "lines", x: data.threshold };
  draw(
    "threshold-chart",
    [
      { ...step, name: "Found", y: data.recall, line: { color: found, width: 2 }, hovertemplate: "from %{x:.3f} on: %{y:.1%} found<extra></extra>" },
      { ...step, name: "Right", y: data.precision, line: { color: right, width: 2, dash: "dash" }, hovertemplate: "from %{x:.3f} on: %{y:.1%} right<extra></extra>" },
    ],
    { x: "Proposed from this confidence on", y: "Share" },
    {
      xaxis: { range: [Math.min(data.in_force, ...data.threshold) - 0.005, 1.002], tickformat: ".2f" },
      yaxis: { ...SHARE },
      shapes: marks().map(([at, , dash]) => ({
        type: "line", xref: "x", yref: "paper", x0: at, x1: at, y0: 0, y1: 1, line: { color: palette().text, width: 1, dash },
      })),
      annotations: marks().map(([at, words, , y]) => ({
        xref: "x", yref: "paper", x: at, y, yanchor: "bottom", xanchor: "left", text: ` ${words}`, showarrow: false, font: { size: 11 },
      })),
    },
  );
}

/** The confidence in force, and the one that the recall asked for allows where it is another. */
function marks() {
  const inForce = [data.in_force, "in force", "dash", 0.02];
  const same = data.chosen === null || Math.abs(data.chosen - data.in_force) < 0.0005;
  return same ? [inForce] : [inForce, [data.chosen, "supported", "dot", 0.12]];
}

function drawAgainstEachOther() {
  const colours = palette();
  draw(
    "precision-chart",
    [
      {
        type: "scatter", mode: "lines", name: "Proposals", x: data.recall, y: data.precision, customdata: data.threshold,
        line: { color: colours.series[0], width: 2 }, showlegend: false,
        hovertemplate: "found %{x:.1%}, right %{y:.1%}, from %{customdata:.3f} on<extra></extra>",
      },
    ],
    { x: "Found (recall)", y: "Right (precision)" },
    { xaxis: { ...SHARE }, yaxis: { ...SHARE } },
  );
}

function drawAll() {
  drawThresholds();
  drawAgainstEachOther();
}

onThemeChange(drawAll);
lightWhilePrinting(drawAll);
drawAll();
