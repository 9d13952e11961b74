/** The page of a person: faces to choose, names to move them to, and what that would change. */

import { toast } from "../toast.js";
import { Choice } from "./choose.js";
import { offerNames } from "./names.js";

for (const form of document.querySelectorAll("form[data-choose]")) connect(form);
for (const input of document.querySelectorAll("[data-names-url]")) offerNames(input);

/** @param {HTMLFormElement} form */
function connect(form) {
  const choice = new Choice(form);
  form.addEventListener("submit", (event) => {
    if (choice.chosen.length) return;
    event.preventDefault();
    toast("Choose the faces first.", { tone: "warn" });
  });
  form.querySelector("[data-what-if]")?.addEventListener("click", () => showForecast(form, choice));
}

/** @param {HTMLFormElement} form @param {Choice} choice */
function showForecast(form, choice) {
  if (!choice.chosen.length) {
    toast("Choose the faces first.", { tone: "warn" });
    return;
  }
  const place = form.querySelector("[data-forecast-place]");
  place.replaceChildren(document.createElement("div"));
  window.htmx.ajax("POST", form.dataset.forecastUrl, {
    target: place.firstElementChild,
    swap: "outerHTML",
    values: { faces: choice.chosen, to: form.elements.to.value },
  });
}
