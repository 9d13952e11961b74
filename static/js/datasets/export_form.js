/** The form of an export offers what the chosen format can, and no more. Without this, the server says what it cannot. */

const form = document.querySelector("#export-form");
const said = document.querySelector("#export-can");
if (form && said) {
  const can = JSON.parse(said.textContent);

  const offer = (select, choices) => {
    for (const option of select.options) option.hidden = option.disabled = option.value !== "" && !choices.includes(option.value);
    if (choices.length < 2 || select.selectedOptions[0]?.disabled) select.value = "";
    select.closest(".field").hidden = choices.length < 2;
  };

  const show = () => {
    const { contents, people } = can[form.elements.format.value];
    offer(form.elements.contents, contents);
    offer(form.elements.people, people);
    const chosen = form.elements.contents.value || contents[0];
    for (const part of form.querySelectorAll("[data-only]")) {
      const fits = part.dataset.only.split(" ").includes(chosen);
      part.hidden = !fits;
      for (const control of part.querySelectorAll("input, select")) control.disabled = !fits;
    }
  };

  form.addEventListener("change", show);
  show();
}
