/**
 * Guesses what values cost in memory. The guess depends on the values alone, never on the machine, because sinks
 * cut their frames by it and blocks must not differ between runs.
 */

const OBJECT_BYTES = 48;
const SLOT_BYTES = 16;
const STRING_BYTES = 24;
/** Elements looked at of a long list; the others are taken to be like them. */
const ELEMENTS_MAX = 16;
const DEPTH_MAX = 4;

export function estimateBytes(value: unknown, depth = 0): number {
  switch (typeof value) {
    case "string":
      return STRING_BYTES + value.length;
    case "object":
      return value === null ? 8 : estimateObject(value, depth);
    case "bigint":
      return 32;
    default:
      return 8;
  }
}

function estimateObject(value: object, depth: number): number {
  if (Array.isArray(value)) return OBJECT_BYTES + estimateList(value, value.length, depth);
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return 2 * OBJECT_BYTES + value.byteLength;
  if (value instanceof Map)
    return OBJECT_BYTES + 2 * estimateList(firstOf(value.values()), value.size, depth);
  if (value instanceof Set) return OBJECT_BYTES + estimateList(firstOf(value), value.size, depth);
  if (depth >= DEPTH_MAX) return OBJECT_BYTES;
  let bytes = OBJECT_BYTES;
  for (const name in value) {
    bytes += SLOT_BYTES + estimateBytes((value as Record<string, unknown>)[name], depth + 1);
  }
  return bytes;
}

/** `sample` holds at least the first elements of a list of this length. */
function estimateList(sample: readonly unknown[], length: number, depth: number): number {
  if (depth >= DEPTH_MAX || length === 0) return SLOT_BYTES * length;
  const looked = Math.min(sample.length, ELEMENTS_MAX);
  let bytes = 0;
  for (let i = 0; i < looked; i++) bytes += estimateBytes(sample[i], depth + 1);
  return Math.ceil((bytes / looked) * length) + SLOT_BYTES * length;
}

function firstOf(values: Iterable<unknown>): unknown[] {
  const first: unknown[] = [];
  for (const value of values) if (first.push(value) === ELEMENTS_MAX) break;
  return first;
}
