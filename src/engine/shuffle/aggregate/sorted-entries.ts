import { compareKeys } from "../../../base/compare.ts";
import { type KeyIndex, SHORT_TEXT_MAX, UNITS_TOGETHER } from "./key-index.ts";

/** All entries, in the order of their keys. */
export function sortedEntries(index: KeyIndex): Uint32Array {
  const order = new Uint32Array(index.size);
  for (let entry = 0; entry < order.length; entry++) order[entry] = entry;
  if (index.isShortText) {
    sortTexts(index, order, 0);
    return order;
  }
  if (index.isNumeric) {
    return order.sort((a, b) => compareKeys(index.numberOf(a), index.numberOf(b)));
  }
  const keys = Array.from(order, (entry) => index.keyOf(entry));
  if (keys.every((key) => typeof key === "string")) {
    // Keys are distinct, so equality need not be asked for.
    return order.sort((a, b) => ((keys[a] as string) < (keys[b] as string) ? -1 : 1));
  }
  return order.sort((a, b) => compareKeys(keys[a], keys[b]));
}

/** Sorts texts that are the same before `from`: by some characters first, and by the next where these are the same. */
function sortTexts(index: KeyIndex, entries: Uint32Array, from: number): void {
  const ranks = new Float64Array(entries.length);
  const positions = new Uint32Array(entries.length);
  for (let i = 0; i < entries.length; i++) {
    ranks[i] = index.unitsOf(entries[i] as number, from);
    positions[i] = i;
  }
  positions.sort((a, b) => (ranks[a] as number) - (ranks[b] as number));
  const unsorted = entries.slice();
  for (let i = 0; i < entries.length; i++) entries[i] = unsorted[positions[i] as number] as number;
  const next = from + UNITS_TOGETHER;
  if (next >= SHORT_TEXT_MAX) return;
  for (let start = 0; start < entries.length; ) {
    const rank = ranks[positions[start] as number];
    let end = start + 1;
    while (end < entries.length && ranks[positions[end] as number] === rank) end++;
    if (end > start + 1) sortTexts(index, entries.subarray(start, end), next);
    start = end;
  }
}
