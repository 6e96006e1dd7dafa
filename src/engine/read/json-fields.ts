/**
 * JSON lines of which only named fields are read. What comes out is what `JSON.parse` and picking the fields would
 * give, for every input: a generated loop takes the records it is certain of, and the strict way all others, one by
 * one. Which keys the loop knows is learned from records it did not take; that decides about speed alone.
 */
import type { FieldTypes } from "../../plan/node.ts";
import { LINE_FEED } from "./boundaries.ts";
import { type LoopPosition, loopEnd } from "./fast-loop.ts";
import { describeKind, type Field, type MakeRow, type Row } from "./fields.ts";
import { type JsonSchema, schemaOf } from "./json-schema.ts";
import { isBlank, parseJsonLine } from "./jsonl.ts";
import { textStart } from "./place.ts";
import { RecordFault } from "./record-fault.ts";
import type { Piece } from "./record-feed.ts";
import type { RecordParser } from "./record-parser.ts";

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
      const row = this.parseRow(piece, position);
      if (row !== undefined) rows[position.count++] = row;
    }
    return position.count;
  }

  /** What is known of the records, by all parsers of the same fields. */
  get schema(): JsonSchema {
    return this.#schema;
  }

  /**
   * The row at a position, which is moved behind it; undefined for a blank line.
   * @param position Its count: rows of the piece before this one. Throws RecordFault.
   */
  parseRow({ bytes, end }: Piece, position: LoopPosition): Row | undefined {
    const { at } = position;
    const found = bytes.indexOf(LINE_FEED, at);
    const stop = found === -1 || found >= end ? end : found;
    const line = bytes.toString("utf8", at, stop);
    position.at = stop + 1;
    if (isBlank(line, 0, line.length)) return undefined;
    const { fields, makeRow } = this.#schema;
    const row = pickFields(parseJsonLine(line, position.count), fields, makeRow, position.count);
    if (stop < end) this.#schema.learn(bytes, at);
    return row;
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

/** The row of a parsed line. Throws RecordFault. */
function pickFields(value: unknown, fields: readonly Field[], makeRow: MakeRow, record: number): Row {
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
