import { estimateBytes } from "../estimate.ts";

/** Rows measured of a frame. Rows that share one are mostly alike, and measuring each would cost as much as joining it. */
const MEASURED_ROWS = 16;

/** What the rows of one frame take in memory, about. */
export const estimateFrameBytes = (keys: readonly unknown[], values: readonly unknown[]): number =>
  estimateColumnBytes(keys) + estimateColumnBytes(values);

/** What values take in memory, about. */
export function estimateColumnBytes(values: readonly unknown[]): number {
  const rows = values.length;
  if (rows === 0) return 0;
  const last = rows - 1;
  const step = Math.max(1, Math.floor(rows / MEASURED_ROWS));
  let bytes = 0;
  let measured = 0;
  for (let row = 0; row < last; row += step) {
    bytes += estimateBytes(values[row]);
    measured++;
  }
  // A frame ends with the row that fills it, which may be much larger than those before.
  const ofLast = estimateBytes(values[last]);
  return measured === 0 ? ofLast : Math.ceil((bytes / measured) * last) + ofLast;
}
