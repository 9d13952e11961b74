/** Changes to the open photo that were not sent yet, kept on this computer in case the browser dies. */

/**
 * @typedef {object} Draft
 * @property {string} id @property {string} owner @property {string} project @property {number} imageId
 * @property {number} version  of the photo the changes were made to
 * @property {object[]} faces  those that were changed or drawn, as the store has them
 * @property {number} at  milliseconds
 * @property {boolean} active  the photo was open, not skipped
 */

export class Drafts {
  #table;
  #owner;
  #project;
  /** @type {Map<string, Draft|null>} what has to be written; of several changes to a photo the last one (null: none) */
  #due = new Map();
  #writing = Promise.resolve();

  /** @param {import("./kept_records.js").Table} table */
  constructor(table, { owner, project }) {
    this.#table = table;
    this.#owner = owner;
    this.#project = project;
  }

  /** @param {object} image  as on the wire @param {object[]} faces  the changed ones */
  keep(image, faces, active = true) {
    const id = this.#id(image.id);
    const owned = { owner: this.#owner, project: this.#project };
    const draft = { id, ...owned, imageId: image.id, version: image.version, faces, at: Date.now(), active };
    return this.#write(id, draft);
  }

  /** @param {number} imageId */
  drop(imageId) {
    return this.#write(this.#id(imageId), null);
  }

  /** @param {number} imageId @returns {Promise<Draft|null>} */
  async find(imageId) {
    await this.#writing;
    return (await this.#read(() => this.#table.get(this.#id(imageId)))) ?? null;
  }

  /** The photo that was open when the page went away. @returns {Promise<Draft|null>} */
  async latest() {
    await this.#writing;
    const drafts = (await this.#read(() => this.#table.all())) ?? [];
    const isMine = ({ owner, project, active }) => owner === this.#owner && project === this.#project && active;
    return drafts.filter(isMine).sort((a, b) => b.at - a.at)[0] ?? null;
  }

  async #read(read) {
    try {
      return await read();
    } catch (error) {
      console.warn("Drafts on this computer could not be read.", error);
      return null;
    }
  }

  #id(imageId) {
    return `${this.#owner}/${this.#project}/${imageId}`;
  }

  /** One after the other; while one is being written, a drag makes dozens, of which the last counts. */
  #write(id, draft) {
    this.#due.set(id, draft);
    this.#writing = this.#writing.then(() => this.#writeDue(id));
    return this.#writing;
  }

  async #writeDue(id) {
    if (!this.#due.has(id)) return;
    const draft = this.#due.get(id);
    this.#due.delete(id);
    try {
      await (draft ? this.#table.put(draft) : this.#table.remove(id));
    } catch (error) {
      console.warn("A draft could not be kept on this computer.", error);
    }
  }
}
