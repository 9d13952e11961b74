/** The page about two versions: names are offered where somebody types one. */

import { offerNames } from "../people/names.js";

for (const input of document.querySelectorAll("[data-names-url]")) offerNames(input);
