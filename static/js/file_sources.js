/** Files from a drop or a picker, folders walked through, in a steady order. */

/**
 * @typedef {object} Found
 * @property {File} file
 * @property {string} path  as it lay in what was dropped
 * @property {string} folder  the innermost folder's name, which may be a person's; empty when there is none
 */

/** Names every system scatters into folders, which nobody means to upload. */
const CLUTTER = /^(\.|Thumbs\.db$|desktop\.ini$|__MACOSX$)/i;

/** @param {{file: File, path: string}[]} all @returns {Found[]} */
function inOrder(all) {
  const wanted = all.filter(({ file }) => !CLUTTER.test(file.name));
  const found = wanted.map(({ file, path }) => ({ file, path, folders: foldersOf(path) }));
  // Where there are folders inside the chosen one, its own name is that of a collection, not of a person.
  const isCollection = found.some(({ folders }) => folders.length > 1);
  const byName = new Intl.Collator(undefined, { numeric: true }).compare;
  return found
    .map(({ file, path, folders }) => ({ file, path: path || file.name, folder: isCollection && folders.length === 1 ? "" : (folders.at(-1) ?? "") }))
    .sort((a, b) => byName(a.folder, b.folder) || byName(a.file.name, b.file.name));
}

const foldersOf = (path) => path.split("/").filter(Boolean).slice(0, -1);

/** @param {FileList} files  of an input; with `webkitdirectory` each knows its path @returns {Found[]} */
export function fromPicker(files) {
  return inOrder([...files].map((file) => ({ file, path: file.webkitRelativePath ?? "" })));
}

/** @param {DataTransfer} transfer  of a drop event; must be called while the event runs @returns {Promise<Found[]>} */
export async function fromDrop(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (entries.length === 0) return inOrder([...transfer.files].map((file) => ({ file, path: "" })));
  const found = [];
  for (const entry of entries) await walk(entry, found);
  return inOrder(found);
}

async function walk(entry, found) {
  if (CLUTTER.test(entry.name)) return;
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    found.push({ file, path: entry.fullPath });
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    // A reader hands out a hundred entries at a time, and an empty list at the end.
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return;
    for (const inner of some) await walk(inner, found);
  }
}
