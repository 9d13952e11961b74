/** What a search tried: a line for each trial across its parameters to the mAP on validation; the best stands out. */

import { palette, plotlyConfig, plotlyLayout } from "../chart_theme.js";

/**
 * @typedef {{name: string, range: [number, number], by_factor: boolean}} Axis
 * @typedef {{number: number, values: number[], val_map: ?number, best: boolean}} Trial
 */

/** @returns {{axes: Axis[], trials: Trial[]}|null} */
function current() {
  const script = document.getElementById("trials-data");
  return script ? JSON.parse(script.textContent) : null;
}

/** Where a value lies between the ends of its axis, 0 to 1. */
function place(value, { range: [low, high], by_factor: byFactor }) {
  const at = byFactor ? Math.log : Number;
  return (at(value) - at(low)) / (at(high) - at(low));
}

/** The mAP axis from the worst to the best trial: on all of 0 to 1 they would lie on one spot. */
function mapAxis(trials) {
  const values = trials.map((trial) => trial.val_map);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return { name: "mAP", range: low < high ? [low, high] : [low - 0.005, high + 0.005], by_factor: false, share: true };
}

const words = (value, axis) => (axis.share ? `${(100 * value).toFixed(1)} %` : String(Number(value.toPrecision(4))));

function trace(trial, axes, colours) {
  const values = [...trial.values, trial.val_map];
  return {
    type: "scatter", mode: "lines+markers", name: `Trial ${trial.number}${trial.best ? ", the best" : ""}`,
    x: axes.map((axis) => axis.name), y: values.map((value, index) => place(value, axes[index])),
    text: values.map((value, index) => `${axes[index].name} ${words(value, axes[index])}`), hovertemplate: "%{text}",
    line: { color: trial.best ? colours.accent : colours.muted, width: trial.best ? 3 : 1 },
    marker: { size: trial.best ? 8 : 4, symbol: trial.best ? "diamond" : "circle" }, opacity: trial.best ? 1 : 0.5,
  };
}

/** The two ends of an axis as words above and below it. */
function ends(axis, colours) {
  const end = (y, yanchor, value) => ({
    x: axis.name, y, yanchor, xref: "x", yref: "y", showarrow: false, text: words(value, axis),
    font: { size: 11, color: colours.muted },
  });
  return [end(-0.04, "top", axis.range[0]), end(1.04, "bottom", axis.range[1])];
}

export function drawTrials() {
  const chart = document.getElementById("trials-chart");
  const found = current();
  if (!chart || !found) return;
  const trials = found.trials.filter((trial) => trial.val_map !== null);
  const colours = palette();
  const axes = trials.length ? [...found.axes, mapAxis(trials)] : [];
  const last = trials.toSorted((one, other) => Number(one.best) - Number(other.best)); // the best is drawn on top
  const layout = plotlyLayout({}, {
    showlegend: false,
    hovermode: "closest",
    annotations: axes.flatMap((axis) => ends(axis, colours)),
    xaxis: { type: "category", showgrid: true },
    yaxis: { visible: false, range: [-0.2, 1.2], fixedrange: true },
  });
  window.Plotly.react(chart, last.map((trial) => trace(trial, axes, colours)), layout, plotlyConfig);
}
