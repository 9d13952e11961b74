/** Where an arrow key leads in a grid that is broken into parts. Pure. */

/**
 * @param {number[]} parts  how many faces each part holds, top to bottom; every part begins a new line
 * @param {number} columns
 * @param {number} index  over all parts
 * @param {"ArrowLeft"|"ArrowRight"|"ArrowUp"|"ArrowDown"} key
 * @returns {number} the new index; the old one at the edge
 */
export function stepFrom(parts, columns, index, key) {
  const lines = linesOf(parts, columns);
  const count = parts.reduce((sum, size) => sum + size, 0);
  if (key === "ArrowLeft") return Math.max(index - 1, 0);
  if (key === "ArrowRight") return Math.min(index + 1, count - 1);
  const at = lines.findIndex(({ first, size }) => index < first + size);
  const there = lines[at + (key === "ArrowDown" ? 1 : -1)];
  if (!there) return index;
  return there.first + Math.min(index - lines[at].first, there.size - 1);
}

function linesOf(parts, columns) {
  const lines = [];
  let first = 0;
  for (const size of parts) {
    for (let at = 0; at < size; at += columns) {
      lines.push({ first: first + at, size: Math.min(columns, size - at) });
    }
    first += size;
  }
  return lines;
}
