/**
 * Grouping the records of CSV and JSON lines by a named field and counting them, or folding another field, over bytes:
 * `countBy(name)`, and `keyBy(name)` with `sumBy(name)` and its like, directly on a source with `fields`.
 *
 * A kernel takes the records it is certain of. Each other record goes through the source's strict parser, and what it
 * gives is entered into the same table, so that the values of a key are folded in the order of the records whoever
 * read them, and the table is full where the sink's own would be: the blocks are equal to the last byte.
 */
import { assert } from "../../base/assert.ts";
import type { AggregateNode, DeclaredName, SourceFormat } from "../../plan/node.ts";
import type { Stage } from "../../plan/stage.ts";
import {
  borrowGroupTable,
  COLUMNS_MAX,
  type GatheredEntries,
  type GroupTable,
  INPUT_BYTES,
  type Operation,
  REQUIRED_MAX,
  type Role,
  returnGroupTable,
} from "../kernel/group-table.ts";
import { handOut } from "../kernel/hand-out.ts";
import { LINE_FEED } from "../read/boundaries.ts";
import { CsvParser } from "../read/csv.ts";
import type { Columns } from "../read/csv-columns.ts";
import type { LoopPosition } from "../read/fast-loop.ts";
import { type Field, fieldsOf, GENERATED_FIELDS_MAX, type Row } from "../read/fields.ts";
import { JsonFieldsParser } from "../read/json-fields.ts";
import { textStart } from "../read/place.ts";
import type { Piece } from "../read/record-feed.ts";
import type { RecordParser } from "../read/record-parser.ts";
import { AggregateSink } from "../shuffle/aggregate/aggregate-sink.ts";
import { ENTRY_BYTES } from "../shuffle/aggregate/aggregate-table.ts";
import type { ColumnSource } from "../shuffle/block/column.ts";
import { FRAME_BYTES, FRAME_ROWS } from "../shuffle/block/frame-buffer.ts";
import { estimateBytes } from "../shuffle/estimate.ts";
import type { KeyedSink, RowSink } from "../shuffle/sink.ts";
import { SINK_BYTES, SINK_ROWS } from "../shuffle/sink-options.ts";
import type { BytePath } from "./byte-path-type.ts";

/** A count fits 32 bits; more records than this go into two tables. */
const RECORDS_MAX = 2 ** 31;

const OPERATIONS: Readonly<Record<DeclaredName, Operation>> = {
  sumBy: "sum",
  minBy: "min",
  maxBy: "max",
  avgBy: "average",
};

/** What a stage does with the fields of its records. */
interface FoldPlan {
  readonly fields: readonly Field[];
  readonly key: Field;
  /** Undefined: records are counted. */
  readonly value: Field | undefined;
  readonly operation: Operation;
}

/** Undefined where the stage does anything else, or there is no kernel for it. */
export function openFieldFold(stage: Stage, sink: KeyedSink | RowSink): BytePath | undefined {
  const plan = foldPlanOf(stage);
  if (plan === undefined) return undefined;
  const table = borrowGroupTable();
  if (table === undefined) return undefined;
  assert(sink instanceof AggregateSink, "fields are folded into an aggregation");
  return new FieldFold(plan, table, sink);
}

/** Undefined where the stage is no such one. */
export function foldPlanOf({ input, branches, sinks }: Stage): FoldPlan | undefined {
  if (input.kind !== "source") return undefined;
  const fields = readableFields(input.source.source);
  const [branch, ...others] = branches;
  if (fields === undefined || branch === undefined || others.length > 0) return undefined;
  let byField: string | undefined;
  let last = branch;
  if (branch.kind === "step") {
    if (branch.op.kind !== "keyBy" || branch.next.length !== 1) return undefined;
    byField = branch.op.field;
    last = branch.next[0]!;
  }
  const sink = last.kind === "sink" ? sinks[last.sink] : undefined;
  if (sink?.kind !== "shuffle" || sink.shuffle.kind !== "aggregate") return undefined;
  const what = operationOf(sink.shuffle, byField);
  const key = fields.find(({ name }) => name === what?.key);
  if (what === undefined || (key?.kind !== "string" && key?.kind !== "number")) return undefined;
  if (what.value === undefined) return { fields, key, value: undefined, operation: what.operation };
  const value = fields.find(({ name }) => name === what.value);
  if (value?.kind !== "number" || value === key) return undefined;
  return { fields, key, value, operation: what.operation };
}

function operationOf(
  { key, keyField, value, aggregator }: AggregateNode,
  byField: string | undefined,
): { key: string; value: string | undefined; operation: Operation } | undefined {
  if (byField === undefined) {
    if (keyField === undefined || aggregator !== "count") return undefined;
    return { key: keyField, value: undefined, operation: "count" };
  }
  if (key !== "pair" || value?.field === undefined) return undefined;
  return { key: byField, value: value.field, operation: OPERATIONS[value.name] };
}

/** Those of a source whose records the kernel can read. */
function readableFields(source: SourceFormat): readonly Field[] | undefined {
  if (source.format !== "jsonl" && source.format !== "csv") return undefined;
  const types = source.format === "csv" ? source.csv.fields : source.fields;
  if (types === undefined) return undefined;
  const fields = fieldsOf(types);
  if (fields.length > GENERATED_FIELDS_MAX) return undefined;
  if (source.format === "jsonl") return fields.filter(isRequired).length > REQUIRED_MAX ? undefined : fields;
  const { delimiter, quote } = source.csv;
  // Digits that are delimiters, and values that need a parser of their own, are left to the generated loop.
  if (delimiter.charCodeAt(0) >= 0x80 || /[-+.\deE]/.test(delimiter + quote)) return undefined;
  return fields.some(({ kind }) => kind === "json") ? undefined : fields;
}

const isRequired = ({ optional }: Field): boolean => !optional;

class FieldFold implements BytePath {
  readonly #plan: FoldPlan;
  readonly #table: GroupTable;
  readonly #sink: AggregateSink;
  readonly #position: LoopPosition = { at: 0, count: 0 };
  /** What the table is set up for. */
  #columns: Columns | undefined;
  #names: readonly string[] | undefined;
  /** Since the table was last empty. */
  #held = 0;
  #isOpen = true;
  sinkRows = 0;

  constructor(plan: FoldPlan, table: GroupTable, sink: AggregateSink) {
    this.#plan = plan;
    this.#table = table;
    this.#sink = sink;
    table.configure({
      operation: plan.operation,
      keyIsNumber: plan.key.kind === "number",
      entriesMax: SINK_ROWS,
      bytesMax: SINK_BYTES,
      entryBytes: ENTRY_BYTES,
      textBytes: estimateBytes(""),
      numberBytes: estimateBytes(0),
      valueBytes: estimateBytes(plan.operation === "average" ? [0, 0] : 0),
    });
  }

  take(piece: Piece, parser: RecordParser): number {
    let records: number;
    if (piece.end - piece.start > INPUT_BYTES) records = this.#takeRows(piece, parser);
    else if (parser instanceof CsvParser) records = this.#takeCsv(piece, parser);
    else {
      assert(parser instanceof JsonFieldsParser, "fields are read of CSV and JSON lines");
      records = this.#takeJson(piece, parser);
    }
    this.sinkRows += records;
    return records;
  }

  finish(): void {
    this.#flush();
  }

  close(): void {
    if (this.#isOpen) returnGroupTable(this.#table);
    this.#isOpen = false;
  }

  /** Of records too long for the kernel. */
  #takeRows(piece: Piece, parser: RecordParser): number {
    const rows: unknown[] = [];
    const count = parser.parse(piece, rows);
    for (let index = 0; index < count; index++) this.#enter(rows[index] as Row);
    return count;
  }

  #takeCsv(piece: Piece, parser: CsvParser): number {
    const start = parser.begin(piece);
    const { columns } = parser;
    if (columns === undefined) return 0;
    if (this.#columns !== columns) this.#useColumns(columns, parser);
    if (columns.names.length > COLUMNS_MAX) return this.#takeRows(piece, parser);
    return this.#takeRecords(piece, start, "csv", (position) => parser.parseRow(piece, columns, position));
  }

  #takeJson(piece: Piece, parser: JsonFieldsParser): number {
    const { schema } = parser;
    const parseRow = (position: LoopPosition): Row | undefined => {
      const row = parser.parseRow(piece, position);
      if (this.#names !== schema.keys) this.#useNames(schema.keys);
      return row;
    };
    if (this.#names !== schema.keys) this.#useNames(schema.keys);
    return this.#takeRecords(piece, textStart(piece), "jsonl", parseRow, (records) => {
      schema.taken += records;
    });
  }

  #takeRecords(
    piece: Piece,
    start: number,
    format: "csv" | "jsonl",
    parseRow: (position: LoopPosition) => Row | undefined,
    onTaken?: (records: number) => void,
  ): number {
    const { bytes, end } = piece;
    const table = this.#table;
    const position = this.#position;
    position.at = start;
    position.count = 0;
    const certainEnd = bytes.lastIndexOf(LINE_FEED, end - 1) + 1;
    table.load(bytes, start, end);
    while (position.at < end) {
      if (position.at < certainEnd) {
        position.at = start + table.scan(format, position.at - start, certainEnd - start);
        position.count += table.records;
        this.#held += table.records;
        onTaken?.(table.records);
        if (this.#flushFull() || position.at >= end) continue;
      }
      const row = parseRow(position);
      if (row === undefined) continue;
      position.count += 1;
      this.#enter(row);
    }
    return position.count;
  }

  #enter(row: Row): void {
    const { key, value } = this.#plan;
    const folded = value === undefined ? null : (row[value.name] as number | null);
    this.#table.enter(row[key.name] as string | number | null, folded);
    this.#held += 1;
    this.#flushFull();
  }

  #useColumns(columns: Columns, parser: CsvParser): void {
    this.#columns = columns;
    const { names, fields, sources } = columns;
    if (names.length > COLUMNS_MAX) return;
    const roles: Role[] = names.map(() => ({ role: "unused", isOptional: true }));
    for (const [index, field] of fields.entries()) {
      const source = sources[index] as number;
      if (source !== -1) roles[source] = this.#roleOf(field);
    }
    this.#table.setColumns({ delimiter: parser.delimiter, quote: parser.rule.quote, roles });
  }

  #useNames(names: readonly string[]): void {
    this.#names = names;
    const { fields } = this.#plan;
    const isKnown = fields.every((field) => field.optional || names.includes(field.name));
    const known = names.map((name) => {
      const field = fields.find((each) => each.name === name);
      if (field === undefined) return { name, role: "unused", isOptional: true, isRequired: false } as const;
      return { name, ...this.#roleOf(field), isRequired: isRequired(field) };
    });
    this.#table.setNames(isKnown ? known : []);
  }

  #roleOf(field: Field): Role {
    const isOptional = field.optional;
    if (field.name === this.#plan.key.name) return { role: "key", isOptional };
    if (field.name === this.#plan.value?.name) return { role: "value", isOptional };
    return { role: field.kind === "json" ? "unused" : field.kind, isOptional };
  }

  /** Says whether the table was full. */
  #flushFull(): boolean {
    if (!this.#table.isFull && this.#held < RECORDS_MAX) return false;
    this.#flush();
    return true;
  }

  #flush(): void {
    const table = this.#table;
    const { hashes, sizes } = table.describe();
    const limits = { rowsMax: FRAME_ROWS, bytesMax: FRAME_BYTES };
    handOut(hashes, sizes, this.#sink.partitions, limits, (partition, entries) => {
      const gathered = table.gather(entries);
      this.#sink.addPartials(partition, gathered.keys, this.#partialsOf(gathered));
    });
    table.clear();
    this.#held = 0;
  }

  /** As the aggregator keeps them. */
  #partialsOf({ values, counts, hasMissingValue }: GatheredEntries): ColumnSource {
    const { operation } = this.#plan;
    if (operation === "average") {
      return Array.from(values, (value, row) => (counts[row] === 0 ? [0, 0] : [value, counts[row]]));
    }
    if (operation === "count" || !hasMissingValue) return values;
    return Array.from(values, (value, row) => (counts[row] === 0 ? null : value));
  }
}
