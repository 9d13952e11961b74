/** Where the person was: the open group and what is skipped, kept on this computer for the next visit. */

/**
 * @typedef {object} Place
 * @property {number|null} group  id of the open group
 * @property {number[]} out  faces knocked out
 * @property {number[]} merged  groups added
 * @property {[number, number[]][]} skipped  groups by id, with their faces
 */

const NOWHERE = { group: null, out: [], merged: [], skipped: [] };

/** In localStorage, because it writes at once: the page may be reloaded right after a key. */
export class PlaceKeeper {
  #key;

  constructor({ owner, project }) {
    this.#key = `facet-sort-place:${owner}/${project}`;
  }

  /** @returns {Place} */
  load() {
    try {
      return { ...NOWHERE, ...JSON.parse(localStorage.getItem(this.#key) ?? "{}") };
    } catch (error) {
      console.warn("Where you were could not be read on this computer.", error);
      return NOWHERE;
    }
  }

  /** @param {Place} place */
  keep(place) {
    try {
      localStorage.setItem(this.#key, JSON.stringify(place));
    } catch (error) {
      console.warn("Where you are could not be kept on this computer.", error);
    }
  }
}
