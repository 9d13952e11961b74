/** The keys of the Label screen. */

const digits = ["1", "2", "3", "4", "5", "6", "7", "8", "9"];

/** @type {import("./keys.js").Command[]} */
const COMMANDS = [
  { id: "accept", group: "Photo", words: "Accept all proposed, send, next photo", keys: ["Enter"] },
  { id: "skip", group: "Photo", words: "Skip this photo", keys: ["s"] },
  { id: "undo", group: "Photo", words: "Undo; then back to the last photo", keys: ["z", "Ctrl+z"] },
  { id: "redo", group: "Photo", words: "Redo", keys: ["Shift+z", "Ctrl+Shift+z"] },
  { id: "next", group: "Face", words: "Next face", keys: ["Tab"] },
  { id: "previous", group: "Face", words: "Previous face", keys: ["Shift+Tab"] },
  ...digits.map((digit) => ({ id: `pick${digit}`, group: "Face", words: `Suggestion ${digit}, next face`, keys: [digit] })),
  { id: "name", group: "Face", words: "Search or write a name", keys: ["/"] },
  { id: "unknown", group: "Face", words: "A face, but nobody we know", keys: ["u"] },
  { id: "ignore", group: "Face", words: "Ignore: too small, blurred, crowd", keys: ["i"] },
  { id: "reject", group: "Face", words: "Not a face", keys: ["x"] },
  { id: "draw", group: "Box", words: "Draw a box; twice: one in the middle", keys: ["n"] },
  { id: "remove", group: "Box", words: "Remove a box drawn just now", keys: ["Delete", "Backspace"] },
  { id: "zoomIn", group: "View", words: "Zoom in", keys: ["+", "="] },
  { id: "zoomOut", group: "View", words: "Zoom out", keys: ["-"] },
  { id: "fit", group: "View", words: "Whole photo", keys: ["0"] },
  { id: "keys", group: "View", words: "Show these keys", keys: ["?"] },
  { id: "cancel", group: "View", words: "Give up, close, then: on to the buttons", keys: ["Escape"] },
];

const GESTURES = [
  { group: "Face", words: "Any other letter, or Shift and any: search a name", keys: ["A–Z"] },
  { group: "Box", words: "Move the box by 1 px, with Shift 10 px", keys: ["Arrows"] },
  { group: "Box", words: "Resize it by 1 px, with Shift 10 px", keys: ["Alt+Arrows"] },
  { group: "View", words: "Hold and drag: move the photo", keys: ["Space"] },
];

/** @type {import("./keys.js").KeyTable} */
export const LABEL_KEYS = {
  storageKey: "facet-label-keys",
  commands: COMMANDS,
  gestures: GESTURES,
  kept: /^(accept|next|previous|cancel|pick\d)$/,
  nine: "Take that suggestion, then the next face",
};
