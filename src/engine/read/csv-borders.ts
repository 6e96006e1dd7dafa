/**
 * Where a CSV file with quotes can be cut. Whether a line feed ends a record depends on all quotes before it, so no
 * task could find its first record by itself; the file is read through once when the job is submitted, which costs
 * about a third of a second a gigabyte, and the splits are made to begin exactly where records do. Files that are
 * one split, and sources without quotes, are not looked at.
 */
import type { InputReader } from "../../ports/inputs.ts";
import { firstBoundary, type Parity, quoteParity } from "./boundaries.ts";

const SCAN_CHUNK_BYTES = 256 * 1024;
/** Bytes between two turns given to whatever else the thread has to do. */
const BREATH_BYTES = 64 * 1024 * 1024;

/**
 * For each target the first position at or after it where a record begins, ascending, without doubles and without
 * the file's end.
 * @param targets Positions greater than 0, ascending.
 */
export async function recordBorders(
  reader: InputReader,
  targets: readonly number[],
  quote: number,
  breathe: () => Promise<void>,
): Promise<readonly number[]> {
  const borders: number[] = [];
  // A Buffer's indexOf is twenty times as fast as a Uint8Array's.
  const chunk = Buffer.allocUnsafeSlow(SCAN_CHUNK_BYTES);
  let parity: Parity = 0;
  let target = 0;
  let sinceBreath = 0;
  for (let position = 0; position < reader.bytes && target < targets.length; ) {
    const got = await reader.readAt(position, chunk);
    if (got === 0) break;
    for (let at = 0; at < got && target < targets.length; ) {
      // A record begins at the target if the byte before it ends one.
      const seek = Math.min(Math.max((targets[target] as number) - 1 - position, at), got);
      parity = (parity ^ quoteParity(chunk, at, seek, quote)) as Parity;
      const cut = firstBoundary(chunk, seek, got, quote, parity);
      const next = cut === -1 ? got : cut + 1;
      parity = (parity ^ quoteParity(chunk, seek, next, quote)) as Parity;
      at = next;
      if (cut === -1) continue;
      if (position + next < reader.bytes) borders.push(position + next);
      while (target < targets.length && (targets[target] as number) <= position + next) target += 1;
    }
    position += got;
    sinceBreath += got;
    if (sinceBreath >= BREATH_BYTES) {
      sinceBreath = 0;
      await breathe();
    }
  }
  return borders;
}
