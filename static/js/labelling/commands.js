/** What each command does to the open photo. Knows the parts, not the page around them. */

import { uuid } from "../uuid.js";
import { moveBy, moveInside, resizeBy } from "./box_geometry.js";
import { IGNORE, REJECT, UNKNOWN, drawnFace, ignoreUndecided, isUndecided, nameAs } from "./decisions.js";

const ZOOM_STEP = 1.25;
const PAN_PX = 60;
/** Nudges closer together than this are one step of undo. */
const ONE_NUDGE_MS = 700;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
/** A box put down by keyboard is this share of what is in sight. */
const DROPPED_SHARE = 0.2;

export class Commands {
  #nudging = 0;

  /**
   * @param {object} parts
   * @param {import("./session.js").LabelSession} parts.session
   * @param {import("./store.js").FaceStore} parts.store
   * @param {import("./viewport.js").Viewport} parts.viewport
   * @param {import("./stage_pointer.js").StagePointer} parts.pointer
   * @param {import("./name_picker.js").NamePicker} parts.picker
   * @param {import("./keys_panel.js").KeysPanel} parts.keysPanel
   * @param {import("./face_strip.js").FaceStrip} parts.strip
   * @param {import("./photo_light.js").PhotoLight} parts.light
   * @param {{flag: import("./ask_panel.js").AskPanel, skip: import("./ask_panel.js").AskPanel}} parts.asks
   * @param {import("./gold_panel.js").GoldPanel} parts.gold
   * @param {() => void} parts.toggleLandmarks
   * @param {() => void} parts.toggleGuidelines
   * @param {(words: string) => void} parts.announce
   * @param {() => void} parts.leaveStage  give the focus to the buttons
   */
  constructor(parts) {
    Object.assign(this, parts);
    this.run = this.run.bind(this);
  }

  /** @param {string} id  of keys.js @returns {boolean} whether there was something to do */
  run(id) {
    this.#endNudging();
    this.announce("");
    const pick = /^pick(\d)$/.exec(id);
    if (pick) return this.#decide((face) => this.#suggestion(face, Number(pick[1])));
    const act = this.#acts[id];
    if (!act) return false;
    act();
    return true;
  }

  #acts = {
    accept: () => {
      this.pointer.draw(false);
      this.session.accept();
    },
    ignoreRest: () => this.#ignoreRest(),
    skip: () => (this.session.canEdit && !this.asks.skip.isOpen ? this.asks.skip.toggle(true) : this.skip()),
    flag: () => this.session.item && this.asks.flag.toggle(true),
    undo: () => this.#undo(),
    redo: () => this.store.redo() || this.session.forward(),
    next: () => this.store.selectNext(1),
    previous: () => this.store.selectNext(-1),
    compare: () => this.strip.compareNext() || this.announce("There is no suggestion to compare with."),
    name: () => this.openPicker(""),
    unknown: () => this.#decide(() => UNKNOWN),
    ignore: () => this.#decide(() => IGNORE),
    reject: () => this.#reject(),
    draw: () => (this.pointer.isDrawing ? this.#dropBox() : this.pointer.draw(true)),
    cycle: () => this.pointer.cycle() || this.announce("No other box lies here."),
    remove: () => this.#remove(),
    zoomIn: () => this.viewport.zoomBy(ZOOM_STEP, this.#focusPoint()),
    zoomOut: () => this.viewport.zoomBy(1 / ZOOM_STEP, this.#focusPoint()),
    fit: () => this.viewport.fit(),
    landmarks: () => this.toggleLandmarks(),
    brighter: () => this.#light("brightness", 1),
    darker: () => this.#light("brightness", -1),
    moreContrast: () => this.#light("contrast", 1),
    lessContrast: () => this.#light("contrast", -1),
    light: () => this.light.reset(),
    guidelines: () => this.toggleGuidelines(),
    keys: () => this.keysPanel.toggle(),
    cancel: () => this.#cancel(),
  };

  /** @param {string} [reason] */
  skip(reason) {
    this.asks.skip.toggle(false);
    this.session.skip(reason);
  }

  /** @param {import("./decisions.js").Person} person */
  name(person) {
    this.#decide(() => nameAs(person));
  }

  /** @param {string} text @returns {boolean} */
  openPicker(text) {
    if (!this.session.canEdit || !this.store.current) return false;
    this.picker.open(text);
    return true;
  }

  /** @param {import("./box_geometry.js").Box} box  just drawn */
  addDrawn(box) {
    const { image } = this.session.item;
    this.store.add(drawnFace(uuid(), box, image.claimed_identity));
    this.announce("Box drawn. Type a name.");
  }

  /** Arrow keys: move the box, with Alt resize it, with Shift ten times as far; without a box, pan. */
  nudge({ key, shiftKey, altKey }) {
    const [dx, dy] = ARROWS[key].map((way) => way * (shiftKey ? 10 : 1));
    const face = this.store.current;
    if (!face || !this.session.canEdit) {
      this.viewport.panBy(-Math.sign(dx) * PAN_PX, -Math.sign(dy) * PAN_PX);
      return;
    }
    const { image } = this.viewport;
    this.store.hold();
    const box = altKey ? resizeBy(face.box, "se", dx, dy, image) : moveBy(face.box, dx, dy, image);
    this.store.change(face.key, { box });
    clearTimeout(this.#nudging);
    this.#nudging = setTimeout(() => this.#endNudging(), ONE_NUDGE_MS);
  }

  #endNudging() {
    if (!this.#nudging) return;
    clearTimeout(this.#nudging);
    this.#nudging = 0;
    this.store.release();
  }

  #suggestion(face, number) {
    const one = face.suggestions[number - 1];
    if (!one) this.announce(`This face has no suggestion ${number}.`);
    return one ? nameAs(one.person) : null;
  }

  /** One word on the selected face, then on to the next that waits. */
  #decide(patchFor) {
    const face = this.store.current;
    if (!this.session.canEdit || !face) {
      if (this.session.canEdit) this.announce("Select a face first.");
      return false;
    }
    const patch = patchFor(face);
    if (!patch) return false;
    this.store.change(face.key, patch);
    if (!this.store.selectUndecided()) this.announce("Every face is decided. Enter sends the photo.");
    return true;
  }

  /** Seen before it is sent: Enter is still to come, and one undo takes it back. */
  #ignoreRest() {
    if (!this.session.canEdit) return;
    const count = this.store.faces.filter(isUndecided).length;
    if (count === 0) return this.announce("Every face is decided already.");
    this.store.replace(ignoreUndecided(this.store.faces));
    this.announce(`${count === 1 ? "1 face is" : `${count} faces are`} ignored. Enter sends the photo.`);
  }

  #light(name, way) {
    this.light.step(name, way);
    this.announce(this.light.words);
  }

  #reject() {
    const face = this.store.current;
    if (face && face.id === null && this.session.canEdit) this.store.removeUnsaved(face.key);
    else this.#decide(() => REJECT);
  }

  #remove() {
    const face = this.store.current;
    if (!face || !this.session.canEdit) return;
    if (!this.store.removeUnsaved(face.key)) this.announce("This box is stored already: say that it is not a face.");
  }

  #undo() {
    if (this.store.canUndo && this.session.canEdit) this.store.undo();
    else this.session.back();
  }

  #dropBox() {
    const { stage, scale } = this.viewport;
    const middle = this.viewport.toImage({ x: stage.width / 2, y: stage.height / 2 });
    const side = (Math.min(stage.width, stage.height) * DROPPED_SHARE) / scale;
    this.pointer.draw(false);
    const box = { x: middle.x - side / 2, y: middle.y - side / 2, w: side, h: side };
    this.addDrawn(moveInside(box, this.viewport.image));
  }

  #focusPoint() {
    const face = this.store.current;
    if (!face) return undefined;
    const box = this.viewport.boxToStage(face.box);
    return { x: box.x + box.w / 2, y: box.y + box.h / 2 };
  }

  #cancel() {
    if (this.keysPanel.isOpen) this.keysPanel.toggle(false);
    else if (this.gold.isOpen) this.gold.close();
    else if (this.pointer.cancel()) return;
    else if (this.pointer.isDrawing) this.pointer.draw(false);
    else if (this.store.selected) this.store.select(null);
    else this.leaveStage();
  }
}
