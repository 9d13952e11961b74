/** Changes to the open photo that were not sent yet, kept on this computer in case the browser dies. */

/**
 * @typedef {object} Draft
 * @property {string} id @property {string} owner @property {string} project @property {number} imageId
 * @property {number} version  of the photo the changes were made to
 * @property {object[]} faces  as the store has them
 * @property {number} at  milliseconds
 * @property {boolean} active  the photo was open, not skipped
 */

export class Drafts {
  #table;
  #owner;
  #project;
  /** Writes happen one after the other, so that the last one wins. */
  #writing = Promise.resolve();

  /** @param {import("./kept_records.js").Table} table */
  constructor(table, { owner, project }) {
    this.#table = table;
    this.#owner = owner;
    this.#project = project;
  }

  /** @param {object} image  as on the wire @param {object[]} faces  as the store has them */
  keep(image, faces, active = true) {
    const draft = {
      id: this.#id(image.id),
      owner: this.#owner,
      project: this.#project,
      imageId: image.id,
      version: image.version,
      faces,
      at: Date.now(),
      active,
    };
    return this.#queue(() => this.#table.put(draft));
  }

  /** @param {number} imageId */
  drop(imageId) {
    return this.#queue(() => this.#table.remove(this.#id(imageId)));
  }

  /** @param {number} imageId @returns {Promise<Draft|null>} */
  async find(imageId) {
    return (await this.#mine()).find((draft) => draft.imageId === imageId) ?? null;
  }

  /** The photo that was open when the page went away. @returns {Promise<Draft|null>} */
  async latest() {
    const active = (await this.#mine()).filter((draft) => draft.active);
    return active.sort((a, b) => b.at - a.at)[0] ?? null;
  }

  async #mine() {
    await this.#writing;
    const drafts = await this.#table.all().catch((error) => {
      console.warn("Drafts on this computer could not be read.", error);
      return [];
    });
    return drafts.filter(({ owner, project }) => owner === this.#owner && project === this.#project);
  }

  #id(imageId) {
    return `${this.#owner}/${this.#project}/${imageId}`;
  }

  #queue(write) {
    this.#writing = this.#writing.then(write).catch((error) => {
      console.warn("A draft could not be kept on this computer.", error);
    });
    return this.#writing;
  }
}
