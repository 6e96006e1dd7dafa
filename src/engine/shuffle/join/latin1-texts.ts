/** From this length on V8 makes a slice that keeps the whole text it was cut from alive. */
const SLICE_UNITS = 13;
/** Short texts are decoded together up to so many bytes: a call each takes several times as long. */
const PART_BYTES = 16 * 1024;

const part = Buffer.alloc(PART_BYTES + SLICE_UNITS);

/** The Latin-1 texts at these places, each of its own. */
export function latin1Texts(bytes: Uint8Array, starts: Uint32Array, ends: Uint32Array): string[] {
  const texts: string[] = new Array(starts.length);
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let row = 0; row < starts.length; ) row = partTexts(all, starts, ends, row, texts);
  return texts;
}

/** Makes those from `first` on that fit one part; returns where the next begins. */
function partTexts(
  bytes: Buffer,
  starts: Uint32Array,
  ends: Uint32Array,
  first: number,
  texts: string[],
): number {
  let filled = 0;
  let next = first;
  for (; next < starts.length && filled < PART_BYTES; next++) {
    const end = ends[next] as number;
    let at = starts[next] as number;
    if (end - at < SLICE_UNITS) while (at < end) part[filled++] = bytes[at++] as number;
  }
  const text = part.toString("latin1", 0, filled);
  let at = 0;
  for (let row = first; row < next; row++) {
    const start = starts[row] as number;
    const end = ends[row] as number;
    if (end - start < SLICE_UNITS) {
      texts[row] = text.slice(at, at + end - start);
      at += end - start;
    } else texts[row] = bytes.toString("latin1", start, end);
  }
  return next;
}
