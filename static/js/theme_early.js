// Classic script in <head>, on purpose: a module would run after the first paint and the page would flash.
(() => {
  try {
    const chosen = localStorage.getItem("facet-theme");
    if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  } catch {
    // Storage is forbidden in this browser: the system's theme is used.
  }
})();
