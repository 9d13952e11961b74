/** Charts are drawn in the theme's colours; paper is white whatever the theme. */

/** Draw again in light colours for the print, and as before after it. @param {() => void} draw */
export function lightWhilePrinting(draw) {
  const { dataset } = document.documentElement;
  let chosen;
  window.addEventListener("beforeprint", () => {
    chosen = dataset.theme;
    dataset.theme = "light";
    draw();
  });
  window.addEventListener("afterprint", () => {
    if (chosen === undefined) delete dataset.theme;
    else dataset.theme = chosen;
    draw();
  });
}
