/** What LMDB and the file system report, in the words of the store. */
import { BicoastalError } from "../../base/errors.ts";
import { RecordDamage } from "./records.ts";

export type Outcome = "failed" | "unknown";

/** LMDB's own codes; positive ones are the operating system's. */
export const READERS_FULL = -30790;
const MAP_FULL = -30792;
const damage = new Set([-30797, -30796, -30793]); // page not found, corrupted, invalid
const versionMismatch = -30794;
/** No space, over quota, or over the length a file may have. */
const noSpace = new Set<unknown>([27, 28, 122, "ENOSPC", "EDQUOT", MAP_FULL]);

export const codeOf = (thrown: unknown): unknown =>
  thrown instanceof Error && "code" in thrown ? thrown.code : undefined;

/** @param outcome What is known of the write that failed; "failed" for reads. */
export function storeError(thrown: unknown, directory: string, outcome: Outcome): unknown {
  if (thrown instanceof BicoastalError) return thrown;
  if (thrown instanceof RecordDamage) return storeCorrupt(directory, thrown.message, thrown);
  const code = codeOf(thrown);
  if (noSpace.has(code)) return diskFull(directory, thrown);
  if (code === versionMismatch) return notOfThisVersion(directory);
  if (typeof code === "number" && damage.has(code)) return storeCorrupt(directory, messageOf(thrown), thrown);
  // Without a code it is none of LMDB's reports: a bug of ours, which must not look like one.
  if (code === undefined) return thrown;
  return storeUnavailable(directory, messageOf(thrown), { outcome, cause: thrown });
}

export const storeCorrupt = (directory: string, what: string, cause?: unknown): BicoastalError =>
  new BicoastalError(
    "STORE_CORRUPT",
    `The store in ${directory} is damaged: ${what}. Restore the directory from a backup, or move it away and run ` +
      `the jobs again: inputs and written outputs are not in it.`,
    { details: { directory, outcome: "failed" }, cause },
  );

export const storeUnavailable = (
  directory: string,
  what: string,
  { outcome = "failed", cause }: { readonly outcome?: Outcome; readonly cause?: unknown } = {},
): BicoastalError =>
  new BicoastalError(
    "STORE_UNAVAILABLE",
    `The store in ${directory} cannot be used: ${what}. Mend that, or name another directory with --data-dir.`,
    { details: { directory, outcome }, cause },
  );

export const storeClosed = (directory: string): BicoastalError =>
  new BicoastalError("STORE_UNAVAILABLE", `The store in ${directory} has been closed. Open it again.`, {
    details: { directory, outcome: "failed" },
  });

/** After a commit that failed half way LMDB refuses all work until the file is opened anew. */
export const storeBroken = (directory: string): BicoastalError =>
  storeUnavailable(directory, "an earlier write to its disk failed; start the process again");

export const notOfThisVersion = (directory: string): BicoastalError =>
  storeUnavailable(directory, "it was written by another version of Bicoastal, which can read it");

export const diskFull = (directory: string, cause: unknown): BicoastalError =>
  new BicoastalError(
    "DISK_FULL",
    `The disk of the store in ${directory} is full; nothing was written. Make room there, or name another ` +
      `directory with --data-dir, and resume the job.`,
    { retryable: true, details: { directory, outcome: "failed" }, cause },
  );

const messageOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown));
