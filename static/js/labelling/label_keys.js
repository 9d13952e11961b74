/** The keys of the Label screen. */

const digits = ["1", "2", "3", "4", "5", "6", "7", "8", "9"];

/** @type {import("./keys.js").Command[]} */
const COMMANDS = [
  { id: "accept", group: "Photo", words: "Accept all proposed, send, next photo", keys: ["Enter"] },
  { id: "ignoreRest", group: "Photo", words: "Ignore every face not decided yet", keys: ["Ctrl+i"] },
  { id: "skip", group: "Photo", words: "Skip this photo and say why; twice: just skip", keys: ["s"] },
  { id: "flag", group: "Photo", words: "Flag it for the reviewers, with a comment", keys: ["!"] },
  { id: "undo", group: "Photo", words: "Undo; then back to the photos before", keys: ["z", "Ctrl+z"] },
  { id: "redo", group: "Photo", words: "Redo; a photo taken back is sent again", keys: ["Shift+z", "Ctrl+Shift+z"] },
  { id: "next", group: "Face", words: "Next face", keys: ["Tab"] },
  { id: "previous", group: "Face", words: "Previous face", keys: ["Shift+Tab"] },
  ...digits.map((digit) => ({ id: `pick${digit}`, group: "Face", words: `Suggestion ${digit}, next face`, keys: [digit] })),
  { id: "compare", group: "Face", words: "Compare with the next suggestion", keys: [","] },
  { id: "name", group: "Face", words: "Search or write a name", keys: ["/"] },
  { id: "unknown", group: "Face", words: "A face, but nobody we know", keys: ["u"] },
  { id: "ignore", group: "Face", words: "Ignore: too small, blurred, crowd", keys: ["i"] },
  { id: "reject", group: "Face", words: "Not a face", keys: ["x"] },
  { id: "draw", group: "Box", words: "Draw a box; twice: one in the middle", keys: ["n"] },
  { id: "cycle", group: "Box", words: "Next of the boxes that lie over each other", keys: ["."] },
  { id: "remove", group: "Box", words: "Remove a box drawn just now", keys: ["Delete", "Backspace"] },
  { id: "zoomIn", group: "View", words: "Zoom in", keys: ["+", "="] },
  { id: "zoomOut", group: "View", words: "Zoom out", keys: ["-"] },
  { id: "fit", group: "View", words: "Whole photo", keys: ["0"] },
  { id: "landmarks", group: "View", words: "Landmarks", keys: ["l"] },
  { id: "brighter", group: "View", words: "Brighter", keys: ["]"] },
  { id: "darker", group: "View", words: "Darker", keys: ["["] },
  { id: "moreContrast", group: "View", words: "More contrast", keys: ["}"] },
  { id: "lessContrast", group: "View", words: "Less contrast", keys: ["{"] },
  { id: "light", group: "View", words: "Light of the photo as it is", keys: ["\\"] },
  { id: "guidelines", group: "View", words: "Guidelines of the project", keys: ["g"] },
  { id: "keys", group: "View", words: "Show these keys", keys: ["?"] },
  { id: "cancel", group: "View", words: "Give up, close, then: on to the buttons", keys: ["Escape"] },
];

const GESTURES = [
  { group: "Face", words: "Any other letter, or Shift and any: search a name", keys: ["A–Z"] },
  { group: "Box", words: "On boxes over each other: the next one", keys: ["Click again"] },
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
