/** Key presses become commands, unless they belong to a text field, a button, or the browser. */

const TEXT = "input, textarea, select, [contenteditable]";
const PRESSABLE = "button, a, summary, [role=button]";
const ARROW = /^Arrow(Left|Right|Up|Down)$/;
/** Keys that press a button or move between buttons: on a button they are the browser's. */
const FOR_BUTTONS = new Set([" ", "Enter", "Tab"]);

/**
 * @param {object} parts
 * @param {import("./keys.js").KeyMap} parts.keys
 * @param {(command: string) => void} parts.run
 * @param {import("./name_picker.js").NamePicker} parts.picker
 * @param {string} parts.work  selector: what lies in there is worked on, its buttons take no key for themselves
 * @param {(event: KeyboardEvent) => void} parts.onArrow
 * @param {(letter: string) => boolean} parts.onLetter  a letter that is no command; says whether it was of use
 * @param {(command: string) => boolean} parts.hasUse  false leaves the key what it is without the command
 * @param {string[]} parts.once  commands that a key held down must not repeat
 * @param {string[]} [parts.fromPicker]  commands whose key also leaves the input of the name
 * @returns {() => void} disconnects
 */
export function connectKeyboard({ keys, run, picker, work, onArrow, onLetter, hasUse, once, fromPicker = [] }) {
  const press = (event) => {
    const asked = keys.commandFor(event);
    const leaves = fromPicker.includes(asked) && picker.element.contains(event.target);
    if ((event.defaultPrevented || event.target.closest?.(TEXT)) && !leaves) return;
    if (isForButton(event, work)) return;
    if (ARROW.test(event.key) && !event.ctrlKey && !event.metaKey) return use(event, () => onArrow(event));
    const command = asked !== null && hasUse(asked) ? asked : null;
    if (command === null) return letter(event);
    // A key that is held down must not race through what nobody has looked at.
    if (event.repeat && once.includes(command)) return event.preventDefault();
    use(event, () => run(command));
  };

  const letter = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !/^\p{L}$/u.test(event.key)) return;
    if (onLetter(event.key)) event.preventDefault();
  };

  document.addEventListener("keydown", press);
  return () => document.removeEventListener("keydown", press);
}

function isForButton(event, work) {
  const pressable = event.target.closest?.(PRESSABLE);
  return Boolean(pressable) && !pressable.closest(work) && FOR_BUTTONS.has(event.key);
}

function use(event, act) {
  event.preventDefault();
  act();
}
