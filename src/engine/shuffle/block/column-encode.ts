/** Writes a column of values in the smallest layout of column-layout.ts that holds all of them. */
import { isPlainObject } from "../../../base/compare.ts";
import type { ValueCodec } from "../../../ports/codec.ts";
import type { ByteWriter } from "./byte-writer.ts";
import type { ColumnSource } from "./column.ts";
import {
  ABSENT_NULL,
  ABSENT_UNDEFINED,
  COLUMN_DEPTH_MAX,
  LAYOUT,
  PRESENT,
  RECORD_FIELDS_MAX,
  TUPLE_ELEMENTS_MAX,
} from "./column-layout.ts";
import { encodeNumbers } from "./number-column.ts";
import { encodeAscii, encodeStrings, isAscii, isOneText, stringsOf } from "./text-encode.ts";

/** Kinds of values, as bits, so that one pass over a column tells which there are. */
const KIND = { undefined: 1, null: 2, number: 4, string: 8, boolean: 16, array: 32, object: 64, other: 128 };
const ABSENT = KIND.undefined | KIND.null;

/** Throws VALUE_UNENCODABLE. */
export function encodeSource(to: ByteWriter, source: ColumnSource, codec: ValueCodec): void {
  if (!("lengths" in source)) {
    if (ArrayBuffer.isView(source)) encodeNumbers(to, source);
    else encodeColumn(to, source, codec);
  } else if (isAscii(source.bytes) && !(source.lengths.length > 1 && isOneText(source))) {
    encodeAscii(to, source);
  } else {
    encodeColumn(to, stringsOf(source), codec);
  }
}

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
  else if (present === KIND.string) encodeTexts(to, values as readonly string[], codec);
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

function encodeBooleans(to: ByteWriter, values: readonly boolean[]): void {
  to.u8(LAYOUT.boolean);
  const at = to.reserve(values.length);
  const view = to.view;
  for (let i = 0; i < values.length; i++) view.setUint8(at + i, values[i] === true ? 1 : 0);
}

function encodeTexts(to: ByteWriter, values: readonly string[], codec: ValueCodec): void {
  const [first] = values;
  if (values.length > 1 && values.every((value) => value === first)) encodeConstant(to, first, codec);
  else encodeStrings(to, values);
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
  if (names.length > 0) encodeStrings(to, names);
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
