/** The chooser of a report: shows what a tolerance leads to before it is stored, as counts and as a point of the curve. */

import { atCost, atMaxFpr } from "./operating.js";

const root = document.getElementById("threshold-chooser");
const points = JSON.parse(document.getElementById("operating-data").textContent);
const form = root.querySelector("form");
const region = (name) => root.querySelector(`[data-region=${name}]`);

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 360;
const HEIGHT = 160;

const whole = (count) => count.toLocaleString("en");
const share = (value) => `${(100 * value).toPrecision(3)} %`;
const WORDS = { threshold: (value) => value.toFixed(4), tpr: share, fpr: share, tp: whole, fp: whole, fn: whole, tn: whole };

/** An empty field is no 0. */
function number(name) {
  const text = form.elements[name].value.trim();
  return text === "" ? null : Number(text);
}

function asked() {
  if (form.elements.by.value === "cost") return atCost(points, number("cost") ?? NaN, number("genuine_share"));
  return atMaxFpr(points, number("max_fpr") ?? NaN);
}

function show() {
  const found = asked();
  const isRefused = typeof found === "string";
  region("outcome").hidden = isRefused;
  region("refusal").hidden = !isRefused;
  if (isRefused) {
    region("refusal").textContent = found;
    return;
  }
  for (const place of root.querySelectorAll("[data-figure]")) {
    place.textContent = WORDS[place.dataset.figure](found[place.dataset.figure]);
  }
  region("curve").replaceChildren(drawn(found));
}

/** Where on the ROC curve, its FPR on a logarithmic axis, the choice lies. */
function drawn(found) {
  const floor = Math.log10(0.5 / points.impostors);
  const x = (fpr) => WIDTH * (1 - Math.max(Math.log10(fpr || 1e-12), floor) / floor);
  const y = (tpr) => HEIGHT * (1 - tpr);
  const svg = element("svg", { viewBox: `-8 -8 ${WIDTH + 16} ${HEIGHT + 16}`, width: WIDTH + 16, height: HEIGHT + 16 });
  const line = points.thresholds.map((_, index) => {
    const [tpr, fpr] = [points.true_accepts[index] / points.genuine, points.false_accepts[index] / points.impostors];
    return `${x(fpr).toFixed(1)},${y(tpr).toFixed(1)}`;
  });
  svg.append(
    element("rect", { x: 0, y: 0, width: WIDTH, height: HEIGHT, class: "chooser__frame" }),
    element("polyline", { points: line.join(" "), class: "chooser__line" }),
    element("circle", { cx: x(found.fpr), cy: y(found.tpr), r: 5, class: "chooser__point" }),
  );
  return svg;
}

function element(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  return made;
}

for (const [field, way] of [["max_fpr", "max_fpr"], ["cost", "cost"], ["genuine_share", "cost"]]) {
  form.elements[field].addEventListener("input", () => (form.elements.by.value = way));
}
form.addEventListener("input", show);
show();
