import { compareKeys } from "../../../base/compare.ts";
import type { KeyIndex } from "./key-index.ts";

/** All entries, in the order of their keys. */
export function sortedEntries(index: KeyIndex): Uint32Array {
  const { size } = index;
  const order = new Uint32Array(size);
  const keys: unknown[] = new Array(size);
  for (let entry = 0; entry < size; entry++) {
    order[entry] = entry;
    keys[entry] = index.keyOf(entry);
  }
  if (keys.every((key) => typeof key === "string")) {
    // Keys are distinct, so equality need not be asked for.
    return order.sort((a, b) => ((keys[a] as string) < (keys[b] as string) ? -1 : 1));
  }
  return order.sort((a, b) => compareKeys(keys[a], keys[b]));
}
