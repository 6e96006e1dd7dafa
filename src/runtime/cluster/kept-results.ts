/** What a job that committed gave, as nodes keep it: one blob, named by its content. */
import { BicoastalError } from "../../base/errors.ts";
import type { JobId } from "../../base/ids.ts";
import type { ValueCodec } from "../../ports/codec.ts";
import { fieldsOf, isCount, isText, kindsOf, listOf } from "../../protocol/shape.ts";
import type { EndResult } from "../commit.ts";

const isResults = listOf(
  kindsOf({
    rows: fieldsOf({ name: isText, rows: Array.isArray }),
    value: fieldsOf({ name: isText }),
    written: fieldsOf({ name: isText, directory: isText, files: isCount, bytes: isCount, rows: isCount }),
  }),
);

export const encodeResults = (results: readonly EndResult[], codec: ValueCodec): Uint8Array =>
  codec.encode([results]);

/**
 * Throws BLOB_CORRUPT for what is no job's results: its name says only that these are the bytes that somebody has put there.
 * @param job Named in the error.
 */
export function decodeResults(bytes: Uint8Array, codec: ValueCodec, job: JobId): readonly EndResult[] {
  let found: readonly unknown[];
  try {
    found = codec.decode(bytes);
  } catch (cause) {
    throw corruptResults(job, cause);
  }
  const [results] = found;
  if (found.length !== 1 || !isResults(results)) throw corruptResults(job);
  return results as readonly EndResult[];
}

const corruptResults = (job: JobId, cause?: unknown): BicoastalError =>
  new BicoastalError(
    "BLOB_CORRUPT",
    `What is kept as the results of the job ${job} is not what this version keeps. Run the job again, or ask with the version that ran it.`,
    { details: { job }, cause },
  );
