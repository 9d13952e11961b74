/** Files from a drop or a picker, folders walked through, in a steady order. */

/** @typedef {{file: File, folder: string}} Found  folder: name of the innermost folder, empty when there is none */

/** Names every system scatters into folders, which nobody means to upload. */
const CLUTTER = /^(\.|Thumbs\.db$|desktop\.ini$|__MACOSX$)/i;

const lastFolder = (path) => path.split("/").filter(Boolean).at(-2) ?? "";

function inOrder(found) {
  const byName = new Intl.Collator(undefined, { numeric: true }).compare;
  return found
    .filter(({ file }) => !CLUTTER.test(file.name))
    .sort((a, b) => byName(a.folder, b.folder) || byName(a.file.name, b.file.name));
}

/** @param {FileList} files  of an input; with `webkitdirectory` each knows its path @returns {Found[]} */
export function fromPicker(files) {
  return inOrder([...files].map((file) => ({ file, folder: lastFolder(file.webkitRelativePath ?? "") })));
}

/** @param {DataTransfer} transfer  of a drop event; must be called while the event runs @returns {Promise<Found[]>} */
export async function fromDrop(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (entries.length === 0) return inOrder([...transfer.files].map((file) => ({ file, folder: "" })));
  const found = [];
  for (const entry of entries) await walk(entry, found);
  return inOrder(found);
}

async function walk(entry, found) {
  if (CLUTTER.test(entry.name)) return;
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    found.push({ file, folder: lastFolder(entry.fullPath) });
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
