/** Writes a column of values in the smallest layout of column-layout.ts that holds all of them. */
import { isPlainObject } from "../../../base/compare.ts";
import type { ValueCodec } from "../../../ports/codec.ts";
import type { ByteWriter } from "./byte-writer.ts";
import {
  ABSENT_NULL,
  ABSENT_UNDEFINED,
  COLUMN_DEPTH_MAX,
  JOINED_UNITS_MAX,
  LAYOUT,
  PRESENT,
  RECORD_FIELDS_MAX,
  TUPLE_ELEMENTS_MAX,
} from "./column-layout.ts";

/** Kinds of values, as bits, so that one pass over a column tells which there are. */
const KIND = { undefined: 1, null: 2, number: 4, string: 8, boolean: 16, array: 32, object: 64, other: 128 };
const ABSENT = KIND.undefined | KIND.null;

/** Throws VALUE_UNENCODABLE. */
export function encodeColumn(to: ByteWriter, values: readonly unknown[], codec: ValueCodec, depth = 0): void {
  const kinds = kindsOf(values);
  const present = kinds & ~ABSENT;
  if (present === 0) {
    if (kinds === KIND.undefined || kinds === KIND.null) {
      to.u8(kinds === KIND.null ? LAYOUT.null : LAYOUT.undefined);
      return;
    }
    encodeOptional(to, values, codec, depth);
  } else if (kinds !== present) {
    // A mixture of kinds gains nothing from being split from its nulls.
    if ((present & (present - 1)) === 0 && present !== KIND.other) encodeOptional(to, values, codec, depth);
    else encodeGeneral(to, values, codec);
  } else if (present === KIND.number) encodeNumbers(to, values as readonly number[]);
  else if (present === KIND.string) encodeStrings(to, values as readonly string[], codec);
  else if (present === KIND.boolean) encodeBooleans(to, values as readonly boolean[]);
  else if (present === KIND.array && depth < COLUMN_DEPTH_MAX)
    encodeArrays(to, values as readonly (readonly unknown[])[], codec, depth);
  else if (present === KIND.object && depth < COLUMN_DEPTH_MAX)
    encodeRecords(to, values as readonly object[], codec, depth);
  else encodeGeneral(to, values, codec);
}

function kindsOf(values: readonly unknown[]): number {
  let kinds = 0;
  for (let i = 0; i < values.length; i++) kinds |= kindOf(values[i]);
  return kinds;
}

function kindOf(value: unknown): number {
  switch (typeof value) {
    case "string":
      return KIND.string;
    case "number":
      return KIND.number;
    case "undefined":
      return KIND.undefined;
    case "boolean":
      return KIND.boolean;
    case "object":
      return value === null ? KIND.null : Array.isArray(value) ? KIND.array : KIND.object;
    default:
      return KIND.other;
  }
}

export function encodeNumbers(to: ByteWriter, values: ArrayLike<number>): void {
  let whole = true;
  let least = 0;
  let most = 0;
  for (let i = 0; i < values.length && whole; i++) {
    const value = values[i] as number;
    whole = (value | 0) === value && (value !== 0 || 1 / value > 0);
    if (value < least) least = value;
    else if (value > most) most = value;
  }
  if (!whole) {
    to.u8(LAYOUT.float64);
    const at = to.reserve(values.length * 8);
    const view = to.view;
    for (let i = 0; i < values.length; i++) {
      const value = values[i] as number;
      if (!Number.isNaN(value)) view.setFloat64(at + i * 8, value, true);
      else writeNaN(view, at + i * 8);
    }
  } else if (least >= -0x80 && most < 0x80) {
    to.u8(LAYOUT.int8);
    const at = to.reserve(values.length);
    const view = to.view;
    for (let i = 0; i < values.length; i++) view.setInt8(at + i, values[i] as number);
  } else if (least >= -0x8000 && most < 0x8000) {
    to.u8(LAYOUT.int16);
    const at = to.reserve(values.length * 2);
    const view = to.view;
    for (let i = 0; i < values.length; i++) view.setInt16(at + i * 2, values[i] as number, true);
  } else {
    to.u8(LAYOUT.int32);
    const at = to.reserve(values.length * 4);
    const view = to.view;
    for (let i = 0; i < values.length; i++) view.setInt32(at + i * 4, values[i] as number, true);
  }
}

/**
 * There are many NaNs: which one an operation gives hangs on the processor, and on whether V8 has optimised it. Equal
 * values must be equal bytes.
 */
function writeNaN(view: DataView, at: number): void {
  view.setUint32(at, 0, true);
  view.setUint32(at + 4, 0x7ff80000, true);
}

function encodeBooleans(to: ByteWriter, values: readonly boolean[]): void {
  to.u8(LAYOUT.boolean);
  const at = to.reserve(values.length);
  const view = to.view;
  for (let i = 0; i < values.length; i++) view.setUint8(at + i, values[i] === true ? 1 : 0);
}

const beyondLatin1 = /[^\0-\xff]/;

function encodeStrings(to: ByteWriter, values: readonly string[], codec: ValueCodec): void {
  const first = values[0] as string;
  const lengths = new Uint32Array(values.length);
  let constant = true;
  let units = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as string;
    units += value.length;
    lengths[i] = value.length;
    constant = constant && value === first;
  }
  if (constant && values.length > 1 && !beyondLatin1.test(first)) return encodeConstant(to, first, codec);
  const parts = units <= JOINED_UNITS_MAX ? [values.join("")] : values;
  const narrow = !parts.some((part) => beyondLatin1.test(part));
  to.u8(narrow ? LAYOUT.latin1 : LAYOUT.utf16);
  encodeLengths(to, lengths);
  for (const part of parts) {
    to.text(part, narrow ? "latin1" : "utf16le", narrow ? part.length : part.length * 2);
  }
}

/** A column of strings that differ, given as the bytes of their joined text, which is ASCII. */
export function encodeAscii(to: ByteWriter, text: Uint8Array, lengths: Uint32Array): void {
  to.u8(LAYOUT.latin1);
  encodeLengths(to, lengths);
  to.append(text);
}

function encodeLengths(to: ByteWriter, lengths: Uint32Array): void {
  let longest = 0;
  for (let i = 0; i < lengths.length; i++) longest = Math.max(longest, lengths[i] as number);
  const width = longest < 0x100 ? 1 : longest < 0x10000 ? 2 : 4;
  to.u8(width);
  const at = to.reserve(lengths.length * width);
  const view = to.view;
  for (let i = 0; i < lengths.length; i++) {
    const length = lengths[i] as number;
    if (width === 1) view.setUint8(at + i, length);
    else if (width === 2) view.setUint16(at + i * 2, length, true);
    else view.setUint32(at + i * 4, length, true);
  }
}

function encodeArrays(
  to: ByteWriter,
  values: readonly (readonly unknown[])[],
  codec: ValueCodec,
  depth: number,
): void {
  const elements = values[0]?.length ?? 0;
  if (elements > TUPLE_ELEMENTS_MAX || values.some((value) => value.length !== elements)) {
    return encodeGeneral(to, values, codec);
  }
  to.u8(LAYOUT.tuple);
  to.u32(elements);
  const column: unknown[] = new Array(values.length);
  for (let element = 0; element < elements; element++) {
    for (let i = 0; i < values.length; i++) column[i] = values[i]?.[element];
    encodeColumn(to, column, codec, depth + 1);
  }
}

function encodeRecords(to: ByteWriter, values: readonly object[], codec: ValueCodec, depth: number): void {
  const names = commonFields(values);
  if (names === undefined) return encodeGeneral(to, values, codec);
  to.u8(LAYOUT.record);
  to.u32(names.length);
  if (names.length > 0) encodeStrings(to, names, codec);
  const column: unknown[] = new Array(values.length);
  for (const name of names) {
    for (let i = 0; i < values.length; i++) column[i] = (values[i] as Record<string, unknown>)[name];
    encodeColumn(to, column, codec, depth + 1);
  }
}

/** The field names of all of them, in their order; undefined where they differ or are not plain data. */
function commonFields(values: readonly object[]): readonly string[] | undefined {
  const first = values[0];
  if (first === undefined || !isPlainObject(first)) return undefined;
  const names = Object.keys(first);
  // Setting `__proto__` on a new object would not make a field.
  if (names.length > RECORD_FIELDS_MAX || names.includes("__proto__")) return undefined;
  for (let i = 1; i < values.length; i++) {
    const value = values[i];
    if (!isPlainObject(value)) return undefined;
    const own = Object.keys(value);
    if (own.length !== names.length) return undefined;
    for (let j = 0; j < own.length; j++) if (own[j] !== names[j]) return undefined;
  }
  return names;
}

function encodeOptional(to: ByteWriter, values: readonly unknown[], codec: ValueCodec, depth: number): void {
  to.u8(LAYOUT.optional);
  const at = to.reserve(values.length);
  const view = to.view;
  const present: unknown[] = [];
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    view.setUint8(at + i, value === undefined ? ABSENT_UNDEFINED : value === null ? ABSENT_NULL : PRESENT);
    if (value !== undefined && value !== null) present.push(value);
  }
  to.u32(present.length);
  if (present.length > 0) encodeColumn(to, present, codec, depth);
}

function encodeConstant(to: ByteWriter, value: unknown, codec: ValueCodec): void {
  const bytes = codec.encode([value]);
  to.u8(LAYOUT.constant);
  to.u32(bytes.length);
  to.append(bytes);
}

function encodeGeneral(to: ByteWriter, values: readonly unknown[], codec: ValueCodec): void {
  const bytes = codec.encode(values);
  to.u8(LAYOUT.general);
  to.u32(bytes.length);
  to.append(bytes);
}
