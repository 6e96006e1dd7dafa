/** Values as JSON for machines: all that a row can hold has one documented form. */
import { BicoastalError } from "../../base/errors.ts";

/**
 * One line of JSON. Beyond what JSON knows: a Map is an array of pairs, a Set an array, bytes are base64 text, a
 * bigint is a number where that is exact and text where not, an Error is its name and message, and NaN, the
 * infinities and undefined are null.
 * Throws VALUE_UNENCODABLE for values that contain themselves or nest too deep.
 */
export function toJsonLine(value: unknown, what: string): string {
  try {
    return JSON.stringify(value, replacer) ?? "null";
  } catch (error) {
    const reason = error instanceof RangeError ? "it is nested too deep or too long" : "it contains itself";
    throw new BicoastalError("VALUE_UNENCODABLE", `${what} cannot be written as JSON: ${reason}.`, {
      cause: error,
    });
  }
}

function replacer(this: unknown, key: string, value: unknown): unknown {
  if (typeof value === "bigint") {
    return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  }
  // `toJSON` of Buffer has run before; the holder still has the bytes.
  const held = (this as Record<string, unknown>)[key];
  if (ArrayBuffer.isView(held))
    return base64(new Uint8Array(held.buffer, held.byteOffset, held.byteLength), held);
  if (value instanceof ArrayBuffer) return Buffer.from(value).toString("base64");
  if (value instanceof Map) return [...value];
  if (value instanceof Set) return [...value];
  if (value instanceof RegExp) return String(value);
  if (value instanceof Error) return { name: value.name, message: value.message };
  return value;
}

/** Arrays of numbers stay numbers; only plain bytes become text. */
function base64(bytes: Uint8Array, held: ArrayBufferView): unknown {
  if (held instanceof Uint8Array || held instanceof DataView) return Buffer.from(bytes).toString("base64");
  return Array.from(held as unknown as Iterable<unknown>);
}
