/**
 * L17: what nobody needs once every job has committed, and what is there all the same: keys, and blocks.
 *
 * Not looked at are files that an attempt stages after its job has committed without it: no sweep is promised for these.
 */
import { prefixEnd } from "../../ports/control-store.ts";
import type { MemoryStoreBackend } from "../ports/memory-control-store-backend.ts";

/** Keys that say something of a job that is under way. */
const PREFIXES = ["open/", "progress/", "cancel/"];
const DRIVER = /^jobs\/[^/]+\/driver$/;

export interface LeftoverParts {
  readonly backend: MemoryStoreBackend;
  /** Keys of the blocks on all disks. */
  readonly blocks: readonly string[];
}

/** What is left over, by name. Empty where all is tidy. */
export function leftovers({ backend, blocks }: LeftoverParts): readonly string[] {
  const keysIn = (prefix: string): readonly string[] =>
    backend.range(prefix, prefixEnd(prefix)).entries.map(({ key }) => key);
  return [
    ...PREFIXES.flatMap(keysIn),
    ...keysIn("jobs/").filter((key) => DRIVER.test(key)),
    ...blocks.map((key) => `block ${key}`),
  ];
}
