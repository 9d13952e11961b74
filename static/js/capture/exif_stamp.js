/** Writes into a JPEG when it was taken and by which camera, as cameras do: the server reads it from there. */

const ASCII = 2;
const LONG = 4;
const MODEL = 0x0110;
const EXIF_TABLE = 0x8769;
const TAKEN = 0x9003;
const TAKEN_ZONE = 0x9011;
const TAKEN_FRACTION = 0x9291;
const HEADER = 8;
const LONGEST_NAME = 120;

/**
 * @param {Blob} jpeg  as a canvas makes it, without EXIF
 * @param {Date} at @param {string} camera
 * @returns {Blob}
 */
export function stamped(jpeg, at, camera) {
  const exif = exifOf(at, camera);
  const marker = new Uint8Array([0xff, 0xe1, (exif.length + 2) >> 8, (exif.length + 2) & 0xff]);
  const start = 2; // behind the two bytes that every JPEG begins with
  return new Blob([jpeg.slice(0, start), marker, exif, jpeg.slice(start)], { type: "image/jpeg" });
}

function exifOf(at, camera) {
  const [day, time] = at.toISOString().split("T");
  const taken = [
    [TAKEN, ascii(`${day.replaceAll("-", ":")} ${time.slice(0, 8)}`)],
    [TAKEN_ZONE, ascii("+00:00")],
    [TAKEN_FRACTION, ascii(time.slice(9, 12))],
  ];
  const outer = (inner) => table([[MODEL, ascii(camera.slice(0, LONGEST_NAME))], [EXIF_TABLE, inner]], HEADER);
  const inner = HEADER + outer(0).length;
  const tables = [...outer(inner), ...table(taken, inner)];
  return new Uint8Array([...ascii("Exif"), 0, ...bytesOf("MM"), 0, 42, ...long(HEADER), ...tables]);
}

/** A TIFF table of entries; texts longer than an entry lie behind it. `place` is where it begins. */
function table(entries, place) {
  const rows = [...short(entries.length)];
  const behind = [];
  const after = place + 2 + 12 * entries.length + 4;
  for (const [tag, value] of entries) {
    const isNumber = typeof value === "number";
    rows.push(...short(tag), ...short(isNumber ? LONG : ASCII), ...long(isNumber ? 1 : value.length));
    if (isNumber) rows.push(...long(value));
    else if (value.length <= 4) rows.push(...value, ...Array(4 - value.length).fill(0));
    else {
      rows.push(...long(after + behind.length));
      behind.push(...value, ...Array(value.length % 2).fill(0));
    }
  }
  return [...rows, ...long(0), ...behind];
}

const short = (number) => [number >> 8, number & 0xff];
const long = (number) => [...short(number >>> 16), ...short(number & 0xffff)];
const bytesOf = (text) => Array.from(text, (letter) => (letter.charCodeAt(0) < 127 ? letter.charCodeAt(0) : 63));
const ascii = (text) => [...bytesOf(text), 0];
