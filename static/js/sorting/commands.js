/** What each command does on the Sort screen. Knows the parts, not the page around them. */

import { picksOf } from "./head.js";
import { IGNORED, REJECTED, UNKNOWN, nameAs } from "./verdicts.js";

/** Commands that mean something only beside two faces, or only beside a group. */
const OF_PAIRS = new Set(["same", "different"]);
const OF_GROUPS = new Set(["accept", "name", "merge", "unknown", "ignore", "reject", "toggle", "swap", "view", "open"]);

export class Commands {
  /**
   * @param {object} parts
   * @param {import("./session.js").SortSession} parts.session
   * @param {import("./board.js").Board} parts.board
   * @param {import("./grid.js").Grid} parts.grid
   * @param {import("./pair_view.js").PairView} parts.pairView
   * @param {import("../labelling/name_picker.js").NamePicker} parts.picker
   * @param {import("../labelling/keys_panel.js").KeysPanel} parts.keysPanel
   * @param {{isOpen: boolean, toggle: (open?: boolean) => void}} parts.lightbox  the whole photo of a face
   * @param {(words: string) => void} parts.announce
   * @param {(imageId: number) => void} parts.openInLabel
   * @param {() => void} parts.leave  give the focus to the buttons
   */
  constructor(parts) {
    Object.assign(this, parts);
    this.run = this.run.bind(this);
  }

  /** Whether a command means something now; otherwise its key is free. @param {string} id */
  hasUse(id) {
    const isPair = this.session.question !== null;
    if (id === "toggle") return this.session.phase === "ready"; // Space, on both
    if (OF_PAIRS.has(id)) return isPair;
    if (OF_GROUPS.has(id) || id.startsWith("pick")) return !isPair;
    if (id === "redo") return this.board.canRedo || this.session.canRedo;
    return true;
  }

  /** @param {string} id  of sort_keys.js */
  async run(id) {
    this.announce("");
    const pick = /^pick(\d)$/.exec(id);
    const words = await (pick ? this.#pick(Number(pick[1])) : this.#acts[id]?.());
    if (typeof words === "string") this.announce(words);
  }

  #acts = {
    accept: () => this.#decide(() => this.session.accept()),
    name: () => this.openPicker(""),
    merge: () => this.session.merge(),
    unknown: () => this.#decide(() => this.session.decide(UNKNOWN)),
    ignore: () => this.#decide(() => this.session.decide(IGNORED)),
    reject: () => this.#decide(() => this.session.decide(REJECTED)),
    skip: () => this.session.skip(),
    undo: () => (this.board.canUndo ? this.board.undo() : this.session.back()),
    redo: () => (this.board.canRedo ? this.board.redo() : this.session.redo()),
    toggle: () => (this.session.question ? this.pairView.toggleWhole() : this.board.toggle()),
    swap: () => this.board.swap(),
    view: () => this.lightbox.toggle(),
    open: () => this.board.current && this.openInLabel(this.board.current.image),
    pairs: () => this.session.switchToPairs(),
    same: () => this.session.answer(true),
    different: () => this.session.answer(false),
    keys: () => this.keysPanel.toggle(),
    cancel: () => this.#cancel(),
  };

  /** @param {import("../labelling/decisions.js").Person} person */
  async name(person) {
    this.announce((await this.#decide(() => this.session.decide(nameAs(person)))) ?? "");
  }

  /** @param {string} text */
  openPicker(text) {
    if (!this.session.group) return false;
    this.picker.open(text);
    return true;
  }

  /** @param {KeyboardEvent} event  an arrow key */
  arrow({ key, shiftKey }) {
    if (this.session.question) {
      if (key === "ArrowLeft") this.run("same");
      if (key === "ArrowRight") this.run("different");
      return;
    }
    this.board.move(key, this.grid.columns, shiftKey);
    this.grid.follow();
  }

  #pick(number) {
    const one = picksOf(this.board)[number - 1];
    return one ? this.#decide(() => this.session.decide(nameAs(one.identity))) : `There is no person ${number} here.`;
  }

  /** Nobody may decide what they have not been shown. */
  #decide(act) {
    if (!this.session.group) return null;
    return this.grid.isSeen ? act() : "The pictures are still coming. Press again once they are here.";
  }

  #cancel() {
    if (this.keysPanel.isOpen) this.keysPanel.toggle(false);
    else if (this.lightbox.isOpen) this.lightbox.toggle(false);
    else if (this.session.question) this.session.switchToPairs();
    else this.leave();
  }
}
