/** Faces per person, most first: stacked by split, or the total alone on a logarithmic axis. */

import { palette, plotlyConfig, plotlyLayout } from "../chart_theme.js";

// Beyond this many people bars are thinner than a pixel, and thousands of them are slow: areas then.
const MOST_BARS = 150;
const NAMED_TICKS = 30;
const SPLITS = [["train", "Train"], ["val", "Validate"], ["test", "Test"]];

/** @typedef {{names: string[], faces: number[], train: number[], val: number[], test: number[]}} Spread */

/** @param {HTMLElement} place @param {Spread} data @param {"linear"|"log"} scale */
export function drawSpread(place, data, scale) {
  const ranks = data.names.map((_, index) => index + 1);
  const names = data.names.map(plainText);
  const traces = scale === "log" ? [totalTrace(data, ranks, names)] : splitTraces(data, ranks, names);
  window.Plotly.react(place, traces, layout(names, ranks, scale), plotlyConfig);
}

/** Plotly reads a few tags in text; a name is never markup. */
function plainText(name) {
  return name.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

/** Stacked lengths have no meaning on a logarithmic axis, so the splits are left out there. */
function totalTrace(data, ranks, names) {
  return trace("Faces", data.faces, ranks, names, palette().series[0], false);
}

function splitTraces(data, ranks, names) {
  const colours = palette().series;
  return SPLITS.map(([split, words], index) => trace(words, data[split], ranks, names, colours[index], true));
}

function trace(name, values, ranks, names, colour, stacked) {
  const common = { name, x: ranks, y: values, customdata: names, hovertemplate: `%{customdata}: %{y}<extra>${name}</extra>` };
  if (ranks.length <= MOST_BARS) return { ...common, type: "bar", marker: { color: colour } };
  const line = { shape: "hvh", width: stacked ? 0 : 1.5, color: colour };
  return stacked
    ? { ...common, type: "scatter", mode: "lines", stackgroup: "faces", line, fillcolor: colour }
    : { ...common, type: "scatter", mode: "lines", line };
}

function layout(names, ranks, scale) {
  const axis = names.length <= NAMED_TICKS ? { tickvals: ranks, ticktext: names.map(shortened), tickangle: -40, ticklabeloverflow: "allow" } : {};
  return plotlyLayout(
    { x: names.length <= NAMED_TICKS ? "" : "People, most faces first", y: scale === "log" ? "Faces (logarithmic)" : "Faces" },
    {
      barmode: "stack",
      bargap: 0.15,
      hovermode: "x unified",
      showlegend: scale !== "log",
      legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", traceorder: "normal" },
      xaxis: { ...axis, range: [0.4, ranks.length + 0.6], automargin: true },
      yaxis: { type: scale, rangemode: "tozero", ...(scale === "log" ? { dtick: 1 } : { tickformat: ",d" }) },
    },
  );
}

function shortened(name) {
  return name.length > 16 ? `${name.slice(0, 15)}…` : name;
}
