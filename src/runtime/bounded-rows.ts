import { BicoastalError } from "../base/errors.ts";
import { estimateBytes } from "../engine/shuffle/estimate.ts";
import type { ReadRows } from "./commit.ts";

/** One row in so many is measured: the rows of a result are mostly alike. */
const MEASURED_EVERY = 8;
/** What a row costs besides itself, in the array of all. */
const ROW_BYTES = 8;

/**
 * As `readRows`, up to so much memory over all calls: rows that are brought back to a caller must fit, and an error
 * that says so is better than the end of the process. Throws COLLECT_TOO_LARGE.
 */
export function boundedRows(readRows: ReadRows, bytesMax: number): ReadRows {
  let bytes = 0;
  return async function* (blocks, sink) {
    for await (const rows of readRows(blocks, sink)) {
      let measured = 0;
      let sampleBytes = 0;
      for (let row = 0; row < rows.length; row += MEASURED_EVERY) {
        sampleBytes += estimateBytes(rows[row]);
        measured++;
      }
      if (measured > 0) bytes += (sampleBytes / measured + ROW_BYTES) * rows.length;
      if (bytes > bytesMax) throw tooLarge(bytesMax);
      yield rows;
    }
  };
}

function tooLarge(bytesMax: number): BicoastalError {
  const mebibytes = Math.floor(bytesMax / 2 ** 20);
  return new BicoastalError(
    "COLLECT_TOO_LARGE",
    `The rows to bring back take more than ${mebibytes} MiB, their part of the run's memory. Write them to files, ` +
      '`write("jsonl", directory)`, or give the run more: a larger --memory, or option `memory`. A process of Node ' +
      "holds some 4 GB of rows at most.",
    { details: { bytesMax: Math.floor(bytesMax) } },
  );
}
