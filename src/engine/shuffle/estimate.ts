/**
 * Guesses what values cost in memory. The guess depends on the values alone, never on the machine, because sinks
 * cut their frames by it and blocks must not differ between runs.
 */

const OBJECT_BYTES = 40;
const SLOT_BYTES = 8;
const STRING_BYTES = 24;
/** A Map or Set without entries, and what an entry takes beside its values. */
const TABLE_BYTES = 160;
const TABLE_ENTRY_BYTES = 8;
/** A buffer is two objects and a piece of memory of its own. */
const BUFFER_BYTES = 200;
/** A Date and the like; an object without fields has room for some. */
const FIELDLESS_BYTES = 128;
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

/** The same for an object of so many fields, one at least, without what is in them. */
export const estimateFields = (fields: number): number => OBJECT_BYTES + fields * SLOT_BYTES;

function estimateObject(value: object, depth: number): number {
  if (Array.isArray(value)) return OBJECT_BYTES + estimateList(value, value.length, depth);
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return BUFFER_BYTES + value.byteLength;
  if (value instanceof Map) return estimateTable(2, value.values(), value.size, depth);
  if (value instanceof Set) return estimateTable(1, value, value.size, depth);
  if (depth >= DEPTH_MAX) return OBJECT_BYTES;
  let bytes = OBJECT_BYTES;
  for (const name in value) {
    bytes += SLOT_BYTES + estimateBytes((value as Record<string, unknown>)[name], depth + 1);
  }
  return bytes === OBJECT_BYTES ? FIELDLESS_BYTES : bytes;
}

/** The keys of a map are taken to be like its values. */
function estimateTable(columns: number, values: Iterable<unknown>, size: number, depth: number): number {
  return TABLE_BYTES + size * TABLE_ENTRY_BYTES + columns * estimateList(firstOf(values), size, depth);
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
