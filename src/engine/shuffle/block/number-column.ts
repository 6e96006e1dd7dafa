/** Columns of numbers: in the narrowest layout that holds all of them, aligned, so that a reader needs no copy. */
import type { ByteReader } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";
import type { NumberArray } from "./column.ts";
import { LAYOUT } from "./column-layout.ts";

const NAN_BYTES = new Uint8Array(8);
new DataView(NAN_BYTES.buffer).setUint32(4, 0x7ff80000, true);
const SCRATCH_ROWS = 8192;
const scratch = new Float64Array(SCRATCH_ROWS);
const wholeScratch = new Int32Array(SCRATCH_ROWS);

const roomFor = (rows: number): Float64Array =>
  rows <= SCRATCH_ROWS ? scratch.subarray(0, rows) : new Float64Array(rows);

/** The values, if all of them are numbers; valid until the next call. */
export function asNumbers(values: readonly unknown[]): Float64Array | undefined {
  const numbers = roomFor(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (typeof value !== "number") return undefined;
    numbers[i] = value;
  }
  return numbers;
}

export function encodeNumberArray(to: ByteWriter, array: NumberArray): void {
  const numbers = roomFor(array.length);
  numbers.set(array);
  encodeNumbers(to, numbers);
}

/** One type of array for all: loops over any of them are several times as slow. */
export function encodeNumbers(to: ByteWriter, numbers: Float64Array): void {
  const layout = layoutOf(numbers);
  to.u8(layout);
  const rows = numbers.length;
  if (layout === LAYOUT.float64) return writeFloats(to, numbers);
  const width = WIDTHS[layout] as number;
  const at = to.reserveAligned(width, rows * width);
  const { buffer } = to.bytes;
  if (layout === LAYOUT.int8) new Int8Array(buffer, at, rows).set(numbers);
  else if (layout === LAYOUT.int16) new Int16Array(buffer, at, rows).set(numbers);
  else if (layout === LAYOUT.int32) new Int32Array(buffer, at, rows).set(numbers);
  else if (layout === LAYOUT.uint8) new Uint8Array(buffer, at, rows).set(numbers);
  else if (layout === LAYOUT.uint16) new Uint16Array(buffer, at, rows).set(numbers);
  else new Uint32Array(buffer, at, rows).set(numbers);
}

const WIDTHS: Readonly<Record<number, number>> = {
  [LAYOUT.int8]: 1,
  [LAYOUT.int16]: 2,
  [LAYOUT.int32]: 4,
  [LAYOUT.uint8]: 1,
  [LAYOUT.uint16]: 2,
  [LAYOUT.uint32]: 4,
};

function layoutOf(numbers: Float64Array): number {
  if (!findRange(numbers)) return LAYOUT.float64;
  if (least === 0) return most < 0x100 ? LAYOUT.uint8 : most < 0x10000 ? LAYOUT.uint16 : LAYOUT.uint32;
  if (least >= -0x80 && most < 0x80) return LAYOUT.int8;
  if (least >= -0x8000 && most < 0x8000) return LAYOUT.int16;
  return most < 0x80000000 ? LAYOUT.int32 : LAYOUT.float64;
}

/** What `findRange` found last. */
let least = 0;
let most = 0;

/**
 * The range of whole numbers of 32 bits, 0 included; false where there are others. Nothing but the loop is in here: V8
 * optimises it while it runs for the first time, and code behind it that had not run by then would undo that each time.
 */
function findRange(numbers: Float64Array): boolean {
  let low = 0;
  let high = 0;
  for (let i = 0; i < numbers.length; i++) {
    const value = numbers[i] as number;
    if (((value | 0) !== value && value >>> 0 !== value) || (value === 0 && 1 / value < 0)) return false;
    if (value < low) low = value;
    else if (value > high) high = value;
  }
  least = low;
  most = high;
  return true;
}

/**
 * There are many NaNs: which one an operation gives hangs on the processor, and on whether V8 has optimised it. Equal
 * values must be equal bytes.
 */
export function writeFloats(to: ByteWriter, numbers: Float64Array): void {
  const at = to.reserveAligned(8, numbers.length * 8);
  new Float64Array(to.bytes.buffer, at, numbers.length).set(numbers);
  for (let i = 0; i < numbers.length; i++) {
    if (Number.isNaN(numbers[i])) to.bytes.set(NAN_BYTES, at + i * 8);
  }
}

export const isNumberLayout = (layout: number): boolean => layout >= LAYOUT.int8 && layout <= LAYOUT.float64;

export function decodeNumbers(from: ByteReader, rows: number, layout: number): NumberArray {
  switch (layout) {
    case LAYOUT.int8:
      return from.numbers(Int8Array, rows);
    case LAYOUT.int16:
      return from.numbers(Int16Array, rows);
    case LAYOUT.int32:
      return from.numbers(Int32Array, rows);
    case LAYOUT.uint8:
      return from.numbers(Uint8Array, rows);
    case LAYOUT.uint16:
      return from.numbers(Uint16Array, rows);
    case LAYOUT.uint32:
      return from.numbers(Uint32Array, rows);
    default:
      return from.numbers(Float64Array, rows);
  }
}

/**
 * Through one type of array, again: conversion takes less time than a loop that has seen them all. Whole numbers stay
 * whole for V8 too, which keeps any other number of a record in a place of its own, a miss of the cache away.
 */
export function numbersToArray(numbers: NumberArray): number[] {
  // Of 32 bits with a sign all are whole for V8.
  if (numbers instanceof Float64Array || numbers instanceof Uint32Array) {
    const floats = roomFor(numbers.length);
    floats.set(numbers);
    return floatsToArray(floats);
  }
  const { length } = numbers;
  const whole = length <= SCRATCH_ROWS ? wholeScratch.subarray(0, length) : new Int32Array(length);
  whole.set(numbers);
  return wholeToArray(whole);
}

function floatsToArray(floats: Float64Array): number[] {
  const values: number[] = new Array(floats.length);
  for (let i = 0; i < floats.length; i++) values[i] = floats[i] as number;
  return values;
}

function wholeToArray(whole: Int32Array): number[] {
  const values: number[] = new Array(whole.length);
  for (let i = 0; i < whole.length; i++) values[i] = whole[i] as number;
  return values;
}
