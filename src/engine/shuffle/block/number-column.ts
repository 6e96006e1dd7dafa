/** Columns of numbers: in the narrowest layout that holds all of them, aligned, so that a reader needs no copy. */
import type { ByteReader } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";
import type { NumberArray } from "./column.ts";
import { LAYOUT } from "./column-layout.ts";

const NAN_BYTES = new Uint8Array(8);
new DataView(NAN_BYTES.buffer).setUint32(4, 0x7ff80000, true);
const SCRATCH_ROWS = 8192;
const scratch = new Float64Array(SCRATCH_ROWS);

export function encodeNumbers(to: ByteWriter, values: ArrayLike<number>): void {
  const rows = values.length;
  // One type of array from here on: loops over any of them are several times as slow.
  const numbers = rows <= SCRATCH_ROWS ? scratch.subarray(0, rows) : new Float64Array(rows);
  if (Array.isArray(values)) for (let i = 0; i < rows; i++) numbers[i] = values[i] as number;
  else numbers.set(values);
  const layout = layoutOf(numbers);
  to.u8(layout);
  if (layout === LAYOUT.float64) return writeFloats(to, numbers);
  const width = layout === LAYOUT.int8 ? 1 : layout === LAYOUT.int16 ? 2 : 4;
  const at = to.reserveAligned(width, rows * width);
  const { buffer } = to.bytes;
  if (layout === LAYOUT.int8) new Int8Array(buffer, at, rows).set(numbers);
  else if (layout === LAYOUT.int16) new Int16Array(buffer, at, rows).set(numbers);
  else new Int32Array(buffer, at, rows).set(numbers);
}

function layoutOf(numbers: Float64Array): number {
  let least = 0;
  let most = 0;
  for (let i = 0; i < numbers.length; i++) {
    const value = numbers[i] as number;
    if ((value | 0) !== value || (value === 0 && 1 / value < 0)) return LAYOUT.float64;
    if (value < least) least = value;
    else if (value > most) most = value;
  }
  if (least >= -0x80 && most < 0x80) return LAYOUT.int8;
  return least >= -0x8000 && most < 0x8000 ? LAYOUT.int16 : LAYOUT.int32;
}

/**
 * There are many NaNs: which one an operation gives hangs on the processor, and on whether V8 has optimised it. Equal
 * values must be equal bytes.
 */
function writeFloats(to: ByteWriter, numbers: Float64Array): void {
  const at = to.reserveAligned(8, numbers.length * 8);
  const target = new Float64Array(to.bytes.buffer, at, numbers.length);
  target.set(numbers);
  for (let i = 0; i < numbers.length; i++) {
    const value = numbers[i] as number;
    if (Number.isNaN(value)) to.bytes.set(NAN_BYTES, at + i * 8);
  }
}

export function decodeNumbers(from: ByteReader, rows: number, layout: number): NumberArray {
  switch (layout) {
    case LAYOUT.int8:
      return from.numbers(Int8Array, rows);
    case LAYOUT.int16:
      return from.numbers(Int16Array, rows);
    case LAYOUT.int32:
      return from.numbers(Int32Array, rows);
    default:
      return from.numbers(Float64Array, rows);
  }
}

/** One loop a type: a loop that has seen them all is several times as slow. */
export function numbersToArray(numbers: NumberArray): number[] {
  const rows = numbers.length;
  const values: number[] = new Array(rows);
  if (numbers instanceof Int8Array) for (let i = 0; i < rows; i++) values[i] = numbers[i] as number;
  else if (numbers instanceof Int16Array) for (let i = 0; i < rows; i++) values[i] = numbers[i] as number;
  else if (numbers instanceof Int32Array) for (let i = 0; i < rows; i++) values[i] = numbers[i] as number;
  else if (numbers instanceof Float64Array) for (let i = 0; i < rows; i++) values[i] = numbers[i] as number;
  else for (let i = 0; i < rows; i++) values[i] = numbers[i] as number;
  return values;
}
