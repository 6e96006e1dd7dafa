/** From this length on, V8 makes slices that keep the whole text they were cut from alive. */
const SLICE_UNITS = 13;

/**
 * The same value, safe to keep for long: a string that may be a slice of a chunk of input is copied out of it.
 * Joining makes a new text when it is next read, and the slice is taken from that.
 */
export function owned(value: unknown): unknown {
  return typeof value === "string" && value.length >= SLICE_UNITS ? ` ${value}`.slice(1) : value;
}
