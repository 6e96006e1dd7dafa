/** L17: what nobody needs once every job has committed, and what is there all the same: keys, blocks, and staged files. */
import { prefixEnd } from "../../ports/control-store.ts";
import type { MemoryStoreBackend } from "../ports/memory-control-store-backend.ts";

/** Keys that say something of a job that is under way. */
const PREFIXES = ["open/", "progress/", "cancel/"];
const DRIVER = /^jobs\/[^/]+\/driver$/;

export interface LeftoverParts {
  readonly backend: MemoryStoreBackend;
  /** Keys of the blocks on all disks. */
  readonly blocks: readonly string[];
  /** Targets for which files are staged. */
  readonly staged: readonly string[];
}

/** What is left over, by name. Empty where all is tidy. */
export function leftovers({ backend, blocks, staged }: LeftoverParts): readonly string[] {
  const keysIn = (prefix: string): readonly string[] =>
    backend.range(prefix, prefixEnd(prefix)).entries.map(({ key }) => key);
  return [
    ...PREFIXES.flatMap(keysIn),
    ...keysIn("jobs/").filter((key) => DRIVER.test(key)),
    ...blocks.map((key) => `block ${key}`),
    ...staged.map((target) => `staged files of ${target}`),
  ];
}
