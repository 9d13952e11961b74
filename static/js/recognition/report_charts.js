/** The charts of a report. Each takes the place to draw in and the page's data, and may be called again. */

import { palette, plotlyConfig, plotlyLayout } from "../chart_theme.js";

/**
 * @typedef {{name: string, pr: ?{recall: number[], precision: number[]}, roc: ?{fpr: number[], tpr: number[]}, cmc: ?number[]}} Curves
 * @typedef {{own: Curves, baseline: Curves, chance: ?number, threshold: ?number, support: ?number, lowest_fpr: ?number,
 *   similarity: string, histogram: ?{edges: number[], genuine: number[], impostor: number[]}}} ReportData
 */

export const SHARE = { range: [0, 1.02], tickformat: ".0%" };
const LEGEND = { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", traceorder: "normal" };

/** Plotly reads a few tags in text; a model's name is never markup. */
export function plainText(text) {
  return String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

/** The model as a full line, the baseline dashed: apart without colour too. */
function line(curves, isOwn, x, y, more = {}) {
  const colours = palette();
  return {
    type: "scatter",
    mode: "lines",
    name: plainText(curves.name),
    legendrank: isOwn ? 1 : 2,
    x,
    y,
    line: isOwn ? { color: colours.series[0], width: 2 } : { color: colours.muted, width: 1.5, dash: "dash" },
    ...more,
  };
}

export function draw(place, traces, words, more) {
  const layout = plotlyLayout(words, { legend: LEGEND, hovermode: "closest", ...more });
  window.Plotly.react(place, traces, layout, plotlyConfig);
}

/** @param {HTMLElement} place @param {ReportData} data */
export function drawPrecisionRecall(place, data) {
  const traces = [data.baseline, data.own]
    .filter((curves) => curves.pr)
    .map((curves) =>
      line(curves, curves === data.own, curves.pr.recall, curves.pr.precision, {
        hovertemplate: "recall %{x:.1%}, precision %{y:.1%}<extra></extra>",
      }),
    );
  draw(place, traces, { x: "Recall", y: "Precision" }, { xaxis: { ...SHARE }, yaxis: { ...SHARE } });
}

/** @param {HTMLElement} place @param {ReportData} data */
export function drawRoc(place, data) {
  const floor = data.lowest_fpr ?? 1e-4;
  const traces = [data.baseline, data.own]
    .filter((curves) => curves.roc)
    .map((curves) =>
      // A rate of nothing has no place on a logarithmic axis: it is drawn at the left edge.
      line(curves, curves === data.own, curves.roc.fpr.map((fpr) => Math.max(fpr, floor)), curves.roc.tpr, {
        customdata: curves.roc.fpr,
        hovertemplate: "FPR %{customdata:.3~%}, TPR %{y:.1%}<extra></extra>",
      }),
    );
  draw(
    place,
    traces,
    { x: "False positive rate (logarithmic)", y: "True positive rate" },
    {
      xaxis: { type: "log", range: [Math.log10(floor), 0], tickformat: ".4~%", dtick: 1 },
      yaxis: { ...SHARE },
      shapes: data.support ? [unsupported(floor, data.support)] : [],
      annotations: data.support && data.support > floor * 2 ? [unsupportedWords(floor, data.support)] : [],
    },
  );
}

function unsupported(from, to) {
  const colours = palette();
  return {
    type: "rect", xref: "x", yref: "paper", x0: from, x1: to, y0: 0, y1: 1, layer: "below",
    fillcolor: colours.border, opacity: 0.45, line: { width: 0 },
  };
}

function unsupportedWords(from, to) {
  return {
    xref: "x", yref: "paper", x: (Math.log10(from) + Math.log10(to)) / 2, y: 0.03, yanchor: "bottom",
    text: "too few<br>pairs", showarrow: false, font: { size: 11, color: palette().muted },
  };
}

/** @param {HTMLElement} place @param {ReportData} data */
export function drawCmc(place, data) {
  const traces = [data.baseline, data.own]
    .filter((curves) => curves.cmc?.length)
    .map((curves) =>
      line(curves, curves === data.own, curves.cmc.map((_, index) => index + 1), curves.cmc, {
        mode: "lines+markers",
        marker: { size: curves === data.own ? 6 : 4, symbol: curves === data.own ? "circle" : "diamond" },
        hovertemplate: "rank %{x}: %{y:.1%}<extra></extra>",
      }),
    );
  const ranks = Math.max(1, ...traces.map((trace) => trace.x.length));
  if (data.chance) traces.push(chanceLine(data.chance, ranks));
  const lowest = Math.min(...traces.filter((trace) => trace.name !== "Chance").map((trace) => trace.y[0]), 0.9);
  draw(
    place,
    traces,
    { x: "Rank", y: "Probes found" },
    { xaxis: { range: [0.5, ranks + 0.5], dtick: ranks > 12 ? 2 : 1 }, yaxis: { ...SHARE, range: [Math.max(0, lowest - 0.15), 1.02] } },
  );
}

function chanceLine(chance, ranks) {
  const x = Array.from({ length: ranks }, (_, index) => index + 1);
  return {
    type: "scatter", mode: "lines", name: "Chance", legendrank: 3, x, y: x.map((rank) => Math.min(1, rank * chance)),
    line: { color: palette().muted, width: 1, dash: "dot" }, hovertemplate: "chance %{y:.1%}<extra></extra>",
  };
}

/** @param {HTMLElement} place @param {ReportData} data */
export function drawHistogram(place, data) {
  const { edges, genuine, impostor } = data.histogram;
  const states = palette().states;
  const middles = edges.slice(1).map((edge, index) => (edge + edges[index]) / 2);
  const kinds = [["Different people", impostor, states.rejected, 2], ["Same person", genuine, states.confirmed, 1]];
  const traces = kinds.map(([name, counts, colour, legendrank]) => ({
    type: "bar", name, legendrank, x: middles, y: shares(counts), customdata: counts, opacity: 0.7,
    marker: { color: colour, line: { width: 0 } },
    hovertemplate: `similarity %{x:.2f}: %{customdata} pairs, %{y:.1%}<extra>${name}</extra>`,
  }));
  const filled = middles.filter((_, index) => genuine[index] || impostor[index]);
  const margin = 2 * (edges[1] - edges[0]);
  draw(
    place,
    traces,
    { x: data.similarity, y: "Share of the pairs of a kind" },
    {
      barmode: "overlay",
      bargap: 0.02,
      xaxis: { range: [filled[0] - margin, filled[filled.length - 1] + margin] },
      yaxis: { tickformat: ".0%" },
      shapes: data.threshold === null ? [] : [thresholdLine(data.threshold)],
      annotations: data.threshold === null ? [] : [thresholdWords(data.threshold)],
    },
  );
}

function shares(counts) {
  const total = counts.reduce((sum, count) => sum + count, 0) || 1;
  return counts.map((count) => count / total);
}

function thresholdLine(x) {
  return { type: "line", xref: "x", yref: "paper", x0: x, x1: x, y0: 0, y1: 1, line: { color: palette().text, width: 1, dash: "dash" } };
}

function thresholdWords(x) {
  return { xref: "x", yref: "paper", x, y: 1, yanchor: "top", xanchor: "left", text: " threshold", showarrow: false, font: { size: 11 } };
}

export const LOGARITHMIC = { type: "log", tickformat: ".4~%", dtick: 1 };

/** A rate of nothing has no place on a logarithmic axis: it is drawn at the edge. */
export function lifted(rates, floor) {
  return rates.map((rate) => Math.max(rate, floor));
}

/** @param {HTMLElement} place @param {ReportData} data */
export function drawDet(place, data) {
  const floors = { fpr: data.lowest_fpr ?? 1e-4, fnr: data.lowest_fnr ?? 1e-3 };
  const traces = [data.baseline, data.own]
    .filter((curves) => curves.roc)
    .map((curves) => {
      const misses = curves.roc.tpr.map((tpr) => 1 - tpr);
      return line(curves, curves === data.own, lifted(curves.roc.fpr, floors.fpr), lifted(misses, floors.fnr), {
        customdata: curves.roc.fpr.map((fpr, index) => [fpr, misses[index]]),
        hovertemplate: "FMR %{customdata[0]:.3~%}, FNMR %{customdata[1]:.3~%}<extra></extra>",
      });
    });
  const equal = Math.max(floors.fpr, floors.fnr);
  draw(
    place,
    [diagonal(equal, "equal errors"), ...traces],
    { x: "False match rate (logarithmic)", y: "False non-match rate (logarithmic)" },
    {
      xaxis: { ...LOGARITHMIC, range: [Math.log10(floors.fpr), 0] },
      yaxis: { ...LOGARITHMIC, range: [Math.log10(floors.fnr), 0.02] },
      shapes: data.support ? [unsupported(floors.fpr, data.support)] : [],
    },
  );
}

function diagonal(from, name) {
  return {
    type: "scatter", mode: "lines", name, legendrank: 3, x: [from, 1], y: [from, 1], hoverinfo: "skip",
    line: { color: palette().muted, width: 1, dash: "dot" },
  };
}

/** @param {HTMLElement} place @param {ReportData} data */
export function drawReliability(place, data) {
  const colours = palette();
  const bins = data.reliability.bins;
  const trace = {
    type: "scatter", mode: "lines+markers", name: "Test faces", legendrank: 1,
    x: bins.map((bin) => bin.promised), y: bins.map((bin) => bin.right), customdata: bins.map((bin) => bin.probes),
    error_y: {
      type: "data", symmetric: false, color: colours.series[0], thickness: 1,
      array: bins.map((bin) => bin.right_high - bin.right), arrayminus: bins.map((bin) => bin.right - bin.right_low),
    },
    line: { color: colours.series[0], width: 2 }, marker: { size: 7 },
    hovertemplate: "promised %{x:.1%}, right %{y:.1%} of %{customdata}<extra></extra>",
  };
  draw(place, [diagonal(0, "as promised"), trace], { x: "Probability promised", y: "Share right" }, { xaxis: { ...SHARE }, yaxis: { ...SHARE } });
}

/** @param {HTMLElement} place @param {ReportData} data */
export function drawOpenSet(place, data) {
  const { strangers, mated, curve } = data.open_set;
  const floors = [0.5 / strangers, 0.5 / mated];
  const trace = line(data.own, true, lifted(curve.fpir, floors[0]), lifted(curve.fnir, floors[1]), {
    customdata: curve.fpir.map((fpir, index) => [fpir, curve.fnir[index]]),
    hovertemplate: "FPIR %{customdata[0]:.3~%}, FNIR %{customdata[1]:.3~%}<extra></extra>",
  });
  draw(
    place,
    [trace],
    { x: "FPIR (logarithmic)", y: "FNIR (logarithmic)" },
    {
      xaxis: { ...LOGARITHMIC, range: [Math.log10(floors[0]), 0] },
      yaxis: { ...LOGARITHMIC, range: [Math.log10(floors[1]), 0.02] },
    },
  );
}
