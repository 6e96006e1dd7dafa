/**
 * JSON lines of which only named fields are read. What comes out is what `JSON.parse` and picking the fields would
 * give, for every input: a generated loop takes the records it is certain of, and the strict way all others, one by
 * one. Which keys the loop knows is learned from records it did not take; that decides about speed alone.
 */
import type { FieldTypes } from "../../plan/node.ts";
import { LINE_FEED } from "./boundaries.ts";
import { type LoopPosition, loopEnd } from "./fast-loop.ts";
import {
  describeKind,
  type Field,
  fieldsOf,
  GENERATED_FIELDS_MAX,
  type MakeRow,
  rowMaker,
} from "./fields.ts";
import { type FieldsLoop, jsonLoop } from "./json-loop.ts";
import { keysOf, mergeKeys } from "./json-shape.ts";
import { isBlank, parseJsonLine } from "./jsonl.ts";
import { textStart } from "./place.ts";
import { RecordFault } from "./record-fault.ts";
import type { Piece } from "./record-feed.ts";
import type { RecordParser } from "./record-input.ts";

/** Schemas whose loops are kept: the tasks of a thread mostly read files alike, and stay optimised. */
const SCHEMAS_KEPT_MAX = 64;
const VALUE_SHOWN_CHARS_MAX = 100;

export class JsonFieldsParser implements RecordParser {
  readonly rule = { quote: undefined, skips: "blank" } as const;
  readonly headRecords = 0;
  readonly #schema: JsonSchema;
  readonly #position: LoopPosition = { at: 0, count: 0 };
  #view: DataView = new DataView(new ArrayBuffer(0));

  constructor(types: FieldTypes) {
    this.#schema = schemaOf(types);
  }

  parse(piece: Piece, rows: unknown[]): number {
    const { bytes, end } = piece;
    const schema = this.#schema;
    const position = this.#position;
    position.at = textStart(piece);
    position.count = 0;
    const fastEnd = loopEnd(bytes, end);
    const text = schema.hasStrings ? bytes.toString("latin1", 0, end) : "";
    while (position.at < end) {
      const { loop } = schema;
      if (loop !== undefined && position.at < fastEnd) {
        const before = position.count;
        loop(bytes, this.#viewOf(bytes), text, fastEnd, rows, position);
        schema.taken += position.count - before;
        if (position.at >= end) break;
      }
      this.#parseStrict(bytes, end, rows);
    }
    return position.count;
  }

  #parseStrict(bytes: Buffer, end: number, rows: unknown[]): void {
    const position = this.#position;
    const found = bytes.indexOf(LINE_FEED, position.at);
    const stop = found === -1 || found >= end ? end : found;
    const line = bytes.toString("utf8", position.at, stop);
    if (!isBlank(line, 0, line.length)) {
      const { fields, makeRow } = this.#schema;
      rows[position.count] = pickFields(parseJsonLine(line, position.count), fields, makeRow, position.count);
      position.count += 1;
      if (stop < end) this.#schema.learn(bytes, position.at);
    }
    position.at = stop + 1;
  }

  #viewOf(bytes: Buffer): DataView {
    const view = this.#view;
    if (
      view.buffer !== bytes.buffer ||
      view.byteOffset !== bytes.byteOffset ||
      view.byteLength !== bytes.length
    ) {
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    }
    return this.#view;
  }
}

/** What the tasks of a thread share that read the same fields: what was learned, and the loop that came of it. */
class JsonSchema {
  readonly fields: readonly Field[];
  readonly makeRow: MakeRow;
  readonly hasStrings: boolean;
  loop: FieldsLoop | undefined;
  /** Records that the loop has taken. */
  taken = 0;
  #keys: readonly string[] = [];
  #missed = 0;
  #lessons = 0;
  #nextLesson = 1;
  /** As they were when the keys last changed. */
  #takenBefore = 0;
  #missedBefore = 0;

  constructor(types: FieldTypes) {
    this.fields = fieldsOf(types);
    this.makeRow = rowMaker(this.fields.map(({ name }) => name));
    this.hasStrings = this.fields.some(({ kind }) => kind === "string");
    if (this.fields.length > GENERATED_FIELDS_MAX) this.#nextLesson = Number.POSITIVE_INFINITY;
  }

  /**
   * Looks at a valid record that the loop did not take. Lessons get rarer by and by, as a loop made anew has to be
   * optimised again; keys that contradict the known order replace it only where it does not pay.
   */
  learn(bytes: Buffer, at: number): void {
    this.#missed += 1;
    if (this.#missed < this.#nextLesson) return;
    this.#lessons += 1;
    this.#nextLesson = this.#missed + this.#lessons ** 2;
    const keys = keysOf(bytes, at);
    if (keys === undefined) return;
    const isPoor = this.taken - this.#takenBefore < this.#missed - this.#missedBefore;
    const merged = mergeKeys(this.#keys, keys) ?? (isPoor ? keys : this.#keys);
    if (merged.length === this.#keys.length && merged.every((key, index) => key === this.#keys[index]))
      return;
    this.#keys = merged;
    this.loop = jsonLoop(merged, this.fields, this.makeRow);
    this.#takenBefore = this.taken;
    this.#missedBefore = this.#missed;
  }
}

const kept = new Map<string, JsonSchema>();

function schemaOf(types: FieldTypes): JsonSchema {
  const key = JSON.stringify(Object.entries(types));
  let schema = kept.get(key);
  if (schema === undefined) {
    schema = new JsonSchema(types);
    if (kept.size >= SCHEMAS_KEPT_MAX) kept.delete(kept.keys().next().value as string);
    kept.set(key, schema);
  }
  return schema;
}

/** The row of a parsed line. Throws RecordFault. */
function pickFields(value: unknown, fields: readonly Field[], makeRow: MakeRow, record: number): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new RecordFault({
      code: "RECORD_INVALID",
      record,
      what: `the line is ${show(value)}, and not an object that has fields`,
      advice: "Mend the line, or leave out the option fields: records are any JSON values then.",
    });
  }
  const object = value as Row;
  return makeRow(...fields.map((field) => pickField(object, field, record)));
}

type Row = Readonly<Record<string, unknown>>;

function pickField(object: Row, { name, kind, optional }: Field, record: number): unknown {
  // Not what an object inherits, such as `constructor`.
  const value = Object.hasOwn(object, name) ? object[name] : undefined;
  if (optional && (value === undefined || value === null)) return null;
  if (kind === "json" ? value !== undefined : typeof value === kind) return value;
  const field = JSON.stringify(name);
  const isAbsent = value === undefined || value === null;
  throw new RecordFault({
    code: "RECORD_INVALID",
    record,
    field: name,
    what:
      value === undefined
        ? `the field ${field} is missing`
        : `the field ${field} should be ${describeKind(kind)}, and is ${show(value)}`,
    advice: isAbsent
      ? `Mend the record, or declare the field as "${kind}?" if it may be missing or null.`
      : `Mend the record, or declare the field as "json", which is any value.`,
  });
}

function show(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > VALUE_SHOWN_CHARS_MAX ? `${text.slice(0, VALUE_SHOWN_CHARS_MAX)}…` : text;
}
