/** Where the person was: the open group and what is skipped, kept on this computer for the next visit. */

/**
 * @typedef {object} Place
 * @property {number|null} group  id of the open group
 * @property {number[]} out  faces knocked out
 * @property {number[]} merged  groups added
 * @property {[number, number[]][]} skipped  groups by id, with their faces
 */

export class PlaceKeeper {
  #table;
  #owned;
  #writing = Promise.resolve();

  /** @param {import("../labelling/kept_records.js").Table} table */
  constructor(table, { owner, project }) {
    this.#table = table;
    this.#owned = { id: `${owner}/${project}/sort`, owner, project };
  }

  /** @returns {Promise<Place>} */
  async load() {
    const nowhere = { group: null, out: [], merged: [], skipped: [] };
    try {
      const kept = (await this.#table.all()).find(({ id }) => id === this.#owned.id);
      return { ...nowhere, ...kept };
    } catch (error) {
      console.warn("Where you were could not be read on this computer.", error);
      return nowhere;
    }
  }

  /** @param {Place} place */
  keep(place) {
    this.#writing = this.#writing
      .then(() => this.#table.put({ ...place, ...this.#owned }))
      .catch((error) => console.warn("Where you are could not be kept on this computer.", error));
  }
}
