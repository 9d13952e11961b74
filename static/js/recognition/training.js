/** The page of a training: loss and validation, drawn anew each time the page has fetched newer epochs. */

import { onThemeChange, palette, plotlyConfig, plotlyLayout } from "../chart_theme.js";
import { lightWhilePrinting } from "../datasets/print_light.js";
import { drawTrials } from "./trials_chart.js";

const LEGEND = { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" };

/** @returns {{epochs: number[], loss: (?number)[], val_recognition_rate: (?number)[], val_map: (?number)[], best_epoch: ?number}|null} */
function currentCurves() {
  const script = document.getElementById("curves-data");
  return script ? JSON.parse(script.textContent) : null;
}

function draw(place, traces, words, more, best) {
  const layout = plotlyLayout(words, {
    legend: LEGEND,
    hovermode: "x unified",
    shapes: best === null ? [] : [bestLine(best)],
    annotations: best === null ? [] : [bestWords(best)],
    ...more,
  });
  layout.xaxis = { ...layout.xaxis, rangemode: "tozero", tickformat: ",d" };
  window.Plotly.react(place, traces, layout, plotlyConfig);
}

function bestLine(x) {
  return { type: "line", xref: "x", yref: "paper", x0: x, x1: x, y0: 0, y1: 1, line: { color: palette().muted, width: 1, dash: "dot" } };
}

function bestWords(x) {
  return { xref: "x", yref: "paper", x, y: 0, yanchor: "bottom", xanchor: "left", text: " kept", showarrow: false, font: { size: 11, color: palette().muted } };
}

function trace(curves, key, name, colour, dash) {
  return {
    type: "scatter", mode: "lines+markers", name, x: curves.epochs, y: curves[key],
    line: { color: colour, width: 2, dash }, marker: { size: 4 },
  };
}

/** From a round share below the lowest to just above 1: nothing is better than 100 %. */
function shareRange(values) {
  const known = values.filter((value) => value !== null);
  const lowest = known.length ? Math.min(...known) : 0;
  return [Math.max(0, Math.floor((lowest - 0.02) * 20) / 20), 1.01];
}

function drawAll() {
  drawTrials();
  const curves = currentCurves();
  const loss = document.getElementById("loss-chart");
  const validation = document.getElementById("validation-chart");
  if (!curves || !loss || !validation) return;
  const [first, second, third] = palette().series;
  draw(loss, [trace(curves, "loss", "Loss", first)], { x: "Epoch", y: "Mean loss" }, { showlegend: false, yaxis: { rangemode: "tozero" } }, curves.best_epoch);
  draw(
    validation,
    [trace(curves, "val_map", "mAP", second), trace(curves, "val_recognition_rate", "Recognition rate", third, "dash")],
    { x: "Epoch", y: "On validation faces" },
    { yaxis: { tickformat: ".0%", range: shareRange([...curves.val_map, ...curves.val_recognition_rate]) } },
    curves.best_epoch,
  );
}

document.body.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target?.id === "curves" || event.target.id === "curves") drawAll();
});
onThemeChange(drawAll);
lightWhilePrinting(drawAll);
drawAll();
