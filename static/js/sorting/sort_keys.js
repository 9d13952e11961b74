/** The keys of the Sort screen. */

const digits = ["1", "2", "3", "4", "5", "6", "7", "8", "9"];

/** @type {import("../labelling/keys.js").Command[]} */
const COMMANDS = [
  { id: "accept", group: "Group", words: "Name the faces kept as proposed, next group", keys: ["Enter"] },
  ...digits.map((digit) => ({ id: `pick${digit}`, group: "Group", words: `It is person ${digit}`, keys: [digit] })),
  { id: "name", group: "Group", words: "Search or write a name", keys: ["/"] },
  { id: "merge", group: "Group", words: "Add the neighbour group to this one", keys: ["m"] },
  { id: "unknown", group: "Group", words: "Faces, but nobody we know", keys: ["u"] },
  { id: "ignore", group: "Group", words: "Ignore: too small, blurred, crowd", keys: ["i"] },
  { id: "reject", group: "Group", words: "No faces at all", keys: ["x"] },
  { id: "skip", group: "Group", words: "Skip; it comes back later", keys: ["s"] },
  { id: "undo", group: "Group", words: "Undo; then back to the last group", keys: ["z", "Ctrl+z"] },
  { id: "redo", group: "Group", words: "Redo", keys: ["Shift+z", "Ctrl+Shift+z"] },
  { id: "toggle", group: "Face", words: "Knock the face out, or take it back", keys: [" "] },
  { id: "swap", group: "Face", words: "Keep what is knocked out, and the other way round", keys: ["k"] },
  { id: "view", group: "Face", words: "Show its whole photo", keys: ["v"] },
  { id: "open", group: "Face", words: "Open its photo in Label", keys: ["o"] },
  { id: "pairs", group: "Same or different?", words: "Ask me about two faces; back to the groups", keys: ["p"] },
  { id: "same", group: "Same or different?", words: "The same person", keys: ["y"] },
  { id: "different", group: "Same or different?", words: "Different people", keys: ["n"] },
  { id: "keys", group: "View", words: "Show these keys", keys: ["?"] },
  { id: "cancel", group: "View", words: "Close, then: on to the buttons", keys: ["Escape"] },
];

const GESTURES = [
  { group: "Group", words: "Any other letter, or Shift and any: search a name", keys: ["A–Z"] },
  { group: "Face", words: "Go from face to face", keys: ["Arrows"] },
  { group: "Face", words: "The same for a range; with a click as well", keys: ["Shift+Arrows"] },
  { group: "Same or different?", words: "The same, different", keys: ["ArrowLeft", "ArrowRight"] },
  { group: "Same or different?", words: "Show both whole photos", keys: ["Space"] },
];

/** @type {import("../labelling/keys.js").KeyTable} */
export const SORT_KEYS = {
  storageKey: "facet-sort-keys",
  commands: COMMANDS,
  gestures: GESTURES,
  kept: /^(accept|toggle|cancel|pick\d)$/,
  nine: "It is that person, next group",
};
