/** Ranges of bytes: as HTTP says them, and which of them are to be fetched. */
import type { ByteRange } from "../../ports/blob-store.ts";

/** A range of a blob of so many bytes, out of a `Range` header; undefined where it asks for none of them, or for several. */
export function parseRange(header: string, size: number): ByteRange | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header);
  if (match === null) return undefined;
  const [, first = "", last = ""] = match;
  if (first === "" && last === "") return undefined;
  if (first === "") {
    const bytes = Math.min(Number(last), size);
    return bytes === 0 ? undefined : { offset: size - bytes, bytes };
  }
  const offset = Number(first);
  const end = last === "" ? size : Math.min(Number(last) + 1, size);
  return offset < end ? { offset, bytes: end - offset } : undefined;
}

export const rangeHeader = ({ offset, bytes }: ByteRange): string => `bytes=${offset}-${offset + bytes - 1}`;

export const contentRange = ({ offset, bytes }: ByteRange, size: number): string =>
  `bytes ${offset}-${offset + bytes - 1}/${size}`;

/** What is in an answer, and of how many bytes; undefined for anything else than one range of a known whole. */
export function parseContentRange(header: unknown): { range: ByteRange; size: number } | undefined {
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(String(header));
  if (match === null) return undefined;
  const [offset, last, size] = match.slice(1).map(Number) as [number, number, number];
  if (offset > last || last >= size) return undefined;
  return { range: { offset, bytes: last + 1 - offset }, size };
}

export const endOf = ({ offset, bytes }: ByteRange): number => offset + bytes;

/** The same bytes in ascending order, none twice, with what lies between two that are less than `gapBytes` apart. */
export function mergeRanges(
  ranges: readonly ByteRange[],
  size: number,
  gapBytes: number,
): readonly ByteRange[] {
  const inside = ranges
    .map(({ offset, bytes }) => ({ offset, end: Math.min(offset + bytes, size) }))
    .filter(({ offset, end }) => offset < end)
    .sort((a, b) => a.offset - b.offset);
  const merged: { offset: number; end: number }[] = [];
  for (const { offset, end } of inside) {
    const last = merged.at(-1);
    if (last !== undefined && offset - last.end < gapBytes) last.end = Math.max(last.end, end);
    else merged.push({ offset, end });
  }
  return merged.map(({ offset, end }) => ({ offset, bytes: end - offset }));
}

/** What is in `wanted` and not in `known`. Both in ascending order, without overlaps in themselves. */
export function subtractRanges(
  wanted: readonly ByteRange[],
  known: readonly ByteRange[],
): readonly ByteRange[] {
  const rest: ByteRange[] = [];
  let next = 0;
  for (const range of wanted) {
    let { offset } = range;
    while (next < known.length && endOf(known[next]!) <= offset) next++;
    for (let at = next; at < known.length && known[at]!.offset < endOf(range); at++) {
      const { offset: from } = known[at]!;
      if (from > offset) rest.push({ offset, bytes: from - offset });
      offset = endOf(known[at]!);
    }
    if (offset < endOf(range)) rest.push({ offset, bytes: endOf(range) - offset });
  }
  return rest;
}

/** The same in pieces of so many bytes at most. */
export function splitRanges(ranges: readonly ByteRange[], bytesMax: number): readonly ByteRange[] {
  return ranges.flatMap((range) => {
    const pieces: ByteRange[] = [];
    for (let { offset } = range; offset < endOf(range); offset += bytesMax) {
      pieces.push({ offset, bytes: Math.min(bytesMax, endOf(range) - offset) });
    }
    return pieces;
  });
}
