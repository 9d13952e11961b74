/** The page about suggestions: how well probabilities keep their promise, and what a threshold would accept. */

import { onThemeChange, palette, plotlyConfig, plotlyLayout } from "../chart_theme.js";
import { lightWhilePrinting } from "../datasets/print_light.js";

/**
 * @typedef {{promised: number, right: number, low: number, high: number, decisions: number}} Bin
 * @typedef {{threshold: number[], precision: number[], coverage: number[]}} Thresholds
 * @typedef {{calibration: Bin[], thresholds: Thresholds, in_force: number, learnt: ?number}} SuggestionsData
 */

const SHARE = { range: [0, 1.02], tickformat: ".0%" };
const LEGEND = { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" };

/** @type {SuggestionsData} */
const data = JSON.parse(document.getElementById("suggestions-data").textContent);

function draw(id, traces, words, more) {
  const place = document.getElementById(id);
  const layout = plotlyLayout(words, { legend: LEGEND, hovermode: "closest", ...more });
  window.Plotly.react(place, traces, layout, plotlyConfig);
}

function drawCalibration() {
  const colours = palette();
  const bins = data.calibration;
  draw(
    "calibration-chart",
    [
      {
        type: "scatter", mode: "lines", name: "As promised", x: [0, 1], y: [0, 1],
        line: { color: colours.muted, width: 1.5, dash: "dash" }, hoverinfo: "skip",
      },
      {
        type: "scatter", mode: "lines+markers", name: "As it was",
        x: bins.map((bin) => bin.promised), y: bins.map((bin) => bin.right),
        customdata: bins.map((bin) => bin.decisions),
        error_y: {
          type: "data", symmetric: false, thickness: 1.5, width: 3, color: colours.series[0],
          array: bins.map((bin) => bin.high - bin.right), arrayminus: bins.map((bin) => bin.right - bin.low),
        },
        line: { color: colours.series[0], width: 2 }, marker: { size: 7 },
        hovertemplate: "promised %{x:.1%}, right %{y:.1%} of %{customdata}<extra></extra>",
      },
    ],
    { x: "Probability shown", y: "Right" },
    { xaxis: { ...SHARE }, yaxis: { ...SHARE } },
  );
}

function drawThresholds() {
  const [precision, coverage] = palette().series;
  const { threshold, precision: right, coverage: covered } = data.thresholds;
  const step = { type: "scatter", mode: "lines", x: threshold };
  draw(
    "threshold-chart",
    [
      { ...step, name: "Right", y: right, line: { color: precision, width: 2 }, hovertemplate: "from %{x:.2f} on: %{y:.1%} right<extra></extra>" },
      { ...step, name: "Covered", y: covered, line: { color: coverage, width: 2, dash: "dash" }, hovertemplate: "from %{x:.2f} on: %{y:.1%} covered<extra></extra>" },
    ],
    { x: "Accepted from this probability on", y: "Share" },
    {
      xaxis: { range: [Math.min(0.5, ...threshold.filter((value) => value > 0.02)), 1.005], tickformat: ".2f" },
      yaxis: { ...SHARE },
      shapes: marks().map(([at, , dash]) => ({
        type: "line", xref: "x", yref: "paper", x0: at, x1: at, y0: 0, y1: 1, line: { color: palette().text, width: 1, dash },
      })),
      annotations: marks().map(([at, words, , y]) => ({
        xref: "x", yref: "paper", x: at, y, yanchor: "bottom", xanchor: "right", text: `${words} `, showarrow: false, font: { size: 11 },
      })),
    },
  );
}

/** The threshold in force, and the learnt one where it is another. */
function marks() {
  const inForce = [data.in_force, "in force", "dash", 0.02];
  const same = data.learnt === null || Math.abs(data.learnt - data.in_force) < 0.005;
  return same ? [inForce] : [inForce, [data.learnt, "supported", "dot", 0.12]];
}

function drawAll() {
  drawCalibration();
  drawThresholds();
}

onThemeChange(drawAll);
lightWhilePrinting(drawAll);
drawAll();
