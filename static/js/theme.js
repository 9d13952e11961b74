/** The colour theme: the system's, until the person picks light or dark. */

const KEY = "facet-theme";
const CYCLE = { system: "light", light: "dark", dark: "system" };
const WORDS = { system: "as the system", light: "light", dark: "dark" };

/** @returns {"system"|"light"|"dark"} */
export function currentTheme() {
  const chosen = document.documentElement.dataset.theme;
  return chosen === "light" || chosen === "dark" ? chosen : "system";
}

/** Show and remember a theme; pages hear of it as a `facet:theme` event on window. */
export function chooseTheme(theme) {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    if (theme === "system") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, theme);
  } catch (error) {
    console.warn("The theme is kept for this page only: this browser forbids storage.", error);
  }
  window.dispatchEvent(new CustomEvent("facet:theme", { detail: theme }));
}

function describe(button) {
  const words = `Colour theme: ${WORDS[currentTheme()]}`;
  button.title = words;
  button.setAttribute("aria-label", `${words}. Change it`);
}

/** Make a button walk through system, light, dark. */
export function connectThemeSwitch(button) {
  describe(button);
  button.addEventListener("click", () => {
    chooseTheme(CYCLE[currentTheme()]);
    describe(button);
  });
}
