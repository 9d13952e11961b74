/** Colours and fonts of the page for plotly charts, so that a state looks the same in a chart as in a chip. */

const STATES = ["proposed", "confirmed", "unknown", "ignored", "rejected"];

/** @param {string} name  a CSS variable @returns {string} the colour it has in the theme now shown */
function resolve(name) {
  // Read through a probe: the variable itself holds light-dark(…), only a used colour is resolved.
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}

/**
 * @typedef {object} Palette
 * @property {string[]} series  in the order to use them @property {Record<string, string>} states  by name
 * @property {string} text @property {string} muted @property {string} border
 * @property {string} surface @property {string} accent
 */

/** @returns {Palette} */
export function palette() {
  return {
    series: [1, 2, 3, 4, 5, 6, 7].map((n) => resolve(`--series-${n}`)),
    states: Object.fromEntries(STATES.map((state) => [state, resolve(`--state-${state}`)])),
    text: resolve("--text"),
    muted: resolve("--text-muted"),
    border: resolve("--border"),
    surface: resolve("--surface"),
    accent: resolve("--accent"),
  };
}

/**
 * @param {{title?: string, x?: string, y?: string}} words  axis titles carry their units
 * @param {object} [more]  merged over the result; `xaxis` and `yaxis` one level deeper
 */
export function plotlyLayout({ title, x, y } = {}, more = {}) {
  const colours = palette();
  const axis = (text) => ({
    title: { text, standoff: 8 },
    gridcolor: colours.border,
    linecolor: colours.border,
    zerolinecolor: colours.border,
    automargin: true,
  });
  return {
    title: title ? { text: title, x: 0, xanchor: "left", font: { size: 14 } } : undefined,
    font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: colours.text },
    colorway: colours.series,
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    margin: { l: 48, r: 12, t: title ? 36 : 12, b: 44 },
    hoverlabel: { bgcolor: colours.surface, bordercolor: colours.border, font: { color: colours.text } },
    legend: { orientation: "h", y: -0.2, x: 0 },
    ...more,
    xaxis: { ...axis(x), ...more.xaxis },
    yaxis: { ...axis(y), ...more.yaxis },
  };
}

export const plotlyConfig = { displaylogo: false, responsive: true, modeBarButtonsToRemove: ["lasso2d", "select2d"] };

/** Call `draw` again whenever the theme changes. @param {() => void} draw @returns {() => void} stops listening */
export function onThemeChange(draw) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  system.addEventListener("change", draw);
  window.addEventListener("facet:theme", draw);
  return () => {
    system.removeEventListener("change", draw);
    window.removeEventListener("facet:theme", draw);
  };
}
