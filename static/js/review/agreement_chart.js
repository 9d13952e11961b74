/** Same name, per pair of annotators: a point with its interval for each. */

import { onThemeChange, palette, plotlyConfig, plotlyLayout } from "../chart_theme.js";

const place = document.getElementById("agreement-chart");
/** @type {{pair: string, same: number, low: number, high: number, kappa: ?number, faces: number}[]} */
const rows = JSON.parse(document.getElementById("agreement-data").textContent);

/** Plotly reads a few tags in text; a name is never markup. */
const plainText = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

function draw() {
  const colours = palette();
  const pairs = rows.map(({ pair }) => plainText(pair));
  const trace = {
    type: "scatter", mode: "markers", x: rows.map(({ same }) => same), y: pairs,
    customdata: rows.map(({ faces, kappa }) => [faces, kappa === null ? "–" : kappa.toFixed(2)]),
    marker: { color: colours.series[0], size: 9 },
    error_x: {
      type: "data", symmetric: false, color: colours.muted, thickness: 1.5,
      array: rows.map(({ same, high }) => high - same), arrayminus: rows.map(({ same, low }) => same - low),
    },
    hovertemplate: "%{y}: %{x:.1%} of %{customdata[0]} faces, kappa %{customdata[1]}<extra></extra>",
  };
  const lowest = Math.min(...rows.map(({ low }) => low));
  const layout = plotlyLayout({ x: "Faces given the same name" }, {
    xaxis: { range: [Math.max(0, lowest - 0.05), 1.01], tickformat: ".0%" },
    yaxis: { autorange: "reversed", type: "category" },
  });
  window.Plotly.react(place, [trace], layout, plotlyConfig);
}

onThemeChange(draw);
draw();
