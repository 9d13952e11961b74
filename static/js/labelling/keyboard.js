/** Key presses become commands, unless they belong to a text field, a button, or the browser. */

const TEXT = "input, textarea, select, [contenteditable]";
const PRESSABLE = "button, a, summary, [role=button]";
const ARROW = /^Arrow(Left|Right|Up|Down)$/;

/**
 * @param {object} parts
 * @param {import("./keys.js").KeyMap} parts.keys
 * @param {import("./commands.js").Commands} parts.commands
 * @param {import("./name_picker.js").NamePicker} parts.picker
 * @param {import("./store.js").FaceStore} parts.store
 * @param {() => boolean} parts.canEdit
 * @returns {() => void} disconnects
 */
export function connectKeyboard({ keys, commands, picker, store, canEdit }) {
  const press = (event) => {
    if (event.defaultPrevented && !isPickerTab(event, picker)) return;
    const command = keys.commandFor(event);
    if (event.target.closest?.(TEXT) && !isPickerTab(event, picker)) return;
    if (isForButtons(event, command)) return;
    if (ARROW.test(event.key) && !event.ctrlKey && !event.metaKey) return use(event, () => commands.nudge(event));
    // Redo sits on a capital letter: with nothing to redo it is the first letter of a name.
    if (command === null || (command === "redo" && !store.canRedo)) return typeName(event);
    if (isTabOut(command)) return;
    // A key that is held down must not race through photos nobody has looked at.
    if (event.repeat && ["accept", "skip", "undo"].includes(command)) return event.preventDefault();
    use(event, () => commands.run(command));
  };

  /** Enter and Tab mean the usual thing while the focus is on a button outside the faces. */
  const isForButtons = (event, command) => {
    const pressable = event.target.closest?.(PRESSABLE);
    if (!pressable || pressable.closest("[data-face]")) return false;
    return ["accept", "next", "previous"].includes(command) || event.key === " ";
  };

  /** Without faces Tab is free for the browser. */
  const isTabOut = (command) => ["next", "previous"].includes(command) && store.faces.length === 0;

  const typeName = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !/^\p{L}$/u.test(event.key) || !canEdit()) return;
    if (commands.openPicker(event.key)) event.preventDefault();
  };

  document.addEventListener("keydown", press);
  return () => document.removeEventListener("keydown", press);
}

/** Tab in the name input gives up the input and goes to the next face, both. */
function isPickerTab(event, picker) {
  return event.key === "Tab" && picker.element.contains(event.target);
}

function use(event, act) {
  event.preventDefault();
  act();
}
