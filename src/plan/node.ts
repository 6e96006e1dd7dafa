/**
 * The operator graph a job's `run` builds: frozen nodes that point at their inputs. Nodes carry the user's
 * functions themselves; a plan never travels, it is built again from the job's bundle wherever a task runs.
 *
 * Operators of the API that are combinations (`countBy`, `reduce`, `keyBy`, …) are written with these few nodes,
 * so that the engine has few cases and each is fast.
 */

/** A function of the user's. Its types were checked where it was written; here only its identity counts. */
export type UserFunction = (...args: never[]) => unknown;

export type PlanNode = SourceNode | NarrowNode | UnionNode | WideNode;

// ---- Sources ----------------------------------------------------------------------------------------------

/** Options shared by sources that read files. `paths`: files, directories (all files in them) or globs. */
export interface FileSourceOptions {
  readonly paths: readonly string[];
  /** Plain files are cut into byte ranges of about this size; undefined: chosen from the total. */
  readonly splitBytes: number | undefined;
  /** A longer record is an error that names its place. */
  readonly recordBytesMax: number;
}

export type CsvFieldType = "string" | "number" | "boolean";

/** What a field holds; "json": any JSON value. */
export type FieldKind = "string" | "number" | "boolean" | "json";
/** With "?", a field may be missing, null or (CSV) empty, and is null then. */
export type FieldType = FieldKind | `${FieldKind}?`;
/** The fields that a source reads, in the order that its records have them. Other fields are left out. */
export type FieldTypes = Readonly<Record<string, FieldType>>;

export interface CsvOptions {
  /** true: the first record of each file names the fields; a list: these names, all records are data; false: rows are string arrays. */
  readonly header: boolean | readonly string[];
  readonly delimiter: string;
  readonly quote: string;
  /** Fields to convert; the others stay strings. An empty number or boolean field is null. */
  readonly types: Readonly<Record<string, CsvFieldType>>;
  /** Only these fields, by name; undefined: all. Never with `types`, nor without a header. */
  readonly fields?: FieldTypes | undefined;
}

export type SourceFormat =
  | ({ readonly format: "lines" } & FileSourceOptions)
  | ({ readonly format: "jsonl"; readonly fields?: FieldTypes | undefined } & FileSourceOptions)
  | ({ readonly format: "csv"; readonly csv: CsvOptions } & FileSourceOptions)
  | ({ readonly format: "files"; readonly as: "text" | "bytes" } & FileSourceOptions)
  | {
      readonly format: "range";
      readonly start: number;
      readonly end: number;
      readonly step: number;
      readonly partitions: number | undefined;
    }
  | { readonly format: "of"; readonly values: readonly unknown[]; readonly partitions: number | undefined };

/** A record of a `files` source: text or bytes as the source says, decompressed. */
export interface FileRow<Content extends string | Uint8Array = string | Uint8Array> {
  /** Absolute. */
  readonly path: string;
  readonly content: Content;
}

export interface SourceNode {
  readonly kind: "source";
  readonly source: SourceFormat;
}

// ---- Narrow operators: a record needs no other record ------------------------------------------------------

/** `fn(record, ctx)` gives the new record. */
export interface MapNode {
  readonly kind: "map";
  readonly input: PlanNode;
  readonly fn: UserFunction;
}
/** `fn(record, ctx)` gives an array or any iterable of new records. */
export interface FlatMapNode {
  readonly kind: "flatMap";
  readonly input: PlanNode;
  readonly fn: UserFunction;
  /** Where `fn` gives all matches of a pattern in text and does nothing else: which pattern, by its source. */
  readonly tokens?: TokenPattern | undefined;
}

/** A regular expression that is global. */
export interface TokenPattern {
  readonly source: string;
  readonly flags: string;
}
/** `fn(record, ctx)` says whether the record stays. */
export interface FilterNode {
  readonly kind: "filter";
  readonly input: PlanNode;
  readonly fn: UserFunction;
}
/** Each record becomes `[fn(record, ctx), record]`. */
export interface KeyByNode {
  readonly kind: "keyBy";
  readonly input: PlanNode;
  readonly fn: UserFunction;
  /** The field that `fn` reads and nothing else, where it was declared by its name. */
  readonly field?: string | undefined;
}
/** `fn(records: Iterable, ctx)` gives an iterable of new records; called once a partition. */
export interface MapPartitionsNode {
  readonly kind: "mapPartitions";
  readonly input: PlanNode;
  readonly fn: UserFunction;
}
/** Keeps each record with this probability, drawn from the task's own seeded generator. */
export interface SampleNode {
  readonly kind: "sample";
  readonly input: PlanNode;
  readonly fraction: number;
  readonly seed: string;
}
/** Each record, which is text, becomes its words, lower-cased: longest runs of letters, marks and digits. */
export interface WordsNode {
  readonly kind: "words";
  readonly input: PlanNode;
}
export type NarrowNode =
  | MapNode
  | FlatMapNode
  | FilterNode
  | KeyByNode
  | MapPartitionsNode
  | SampleNode
  | WordsNode;

/** The records of all inputs: first all of the first, then all of the second, … */
export interface UnionNode {
  readonly kind: "union";
  readonly inputs: readonly PlanNode[];
}

// ---- Wide operators: a shuffle stands before them ----------------------------------------------------------

/**
 * How values of one key become one. The result never depends on where the data was cut only if `merge` is
 * associative; floating-point sums are still reproducible, because the order of merging is fixed.
 */
export interface Aggregator {
  /** First value of a key -> accumulator. */
  readonly init: UserFunction;
  /** (accumulator, value) -> accumulator; may change and return the same object. */
  readonly add: UserFunction;
  /** (accumulator, later accumulator) -> accumulator. */
  readonly merge: UserFunction;
  /** accumulator -> result; undefined: the accumulator itself. */
  readonly finish: UserFunction | undefined;
  /** Whether accumulators never grow, so that nobody need measure them again. */
  readonly isFixed?: boolean | undefined;
}

/** What is aggregated of a record (of `[key, value]`: of the value), and what the plan says it does. */
export interface DeclaredValue {
  readonly name: DeclaredName;
  /** `(record, ctx) -> value`; of a value that is null or undefined, the aggregator is given null. */
  readonly fn: UserFunction;
  /** The field that `fn` reads and nothing else, where it was declared by its name. */
  readonly field: string | undefined;
}

/** Aggregations that the engine knows by name. Sums and averages take numbers, the others text too. */
export type DeclaredName = "sumBy" | "minBy" | "maxBy" | "avgBy";

/**
 * Combines before and after the shuffle.
 * `key`: a function `(record, ctx) -> key` with the record itself as the value; "pair": records are `[key, value]`;
 * "record": the record itself is the key and the value null; "all": one group of everything, which gives one record even for no input (`empty`).
 * `keyField`: the field that a key function reads and nothing else, where it was declared by its name.
 * `value`: what of the records is aggregated, in place of the records themselves.
 * `emit`: what a group becomes: `[key, result]`, only the key, or only the result.
 * `count`: the aggregator counts; the engine need not call it.
 */
export interface AggregateNode {
  readonly kind: "aggregate";
  readonly input: PlanNode;
  readonly key: UserFunction | "pair" | "record" | "all";
  readonly keyField?: string | undefined;
  readonly value?: DeclaredValue | undefined;
  readonly aggregator: Aggregator | "count";
  readonly emit: "pair" | "key" | "result";
  /** For "all": makes the result of no records. */
  readonly empty: (() => unknown) | undefined;
  readonly partitions: number | undefined;
}

/**
 * `[key, values]` in key order, values an iterable that streams from disk where it must, in input order.
 * `combine(key, values) -> value` may run any number of times before the shuffle.
 */
export interface GroupNode {
  readonly kind: "group";
  readonly input: PlanNode;
  readonly key: UserFunction | "pair";
  readonly combine: UserFunction | undefined;
  readonly partitions: number | undefined;
}

/** Both inputs are `[key, value]`; gives `[key, [leftValues, rightValues]]`, both streaming, in key order. */
export interface CogroupNode {
  readonly kind: "cogroup";
  readonly left: PlanNode;
  readonly right: PlanNode;
  readonly partitions: number | undefined;
}

export type JoinType = "inner" | "left" | "right" | "full" | "semi" | "anti";

/** How a join brings its sides together; "auto" is settled when the job is submitted. */
export type JoinStrategy = "auto" | "broadcast" | "shuffle";

/**
 * Both inputs are `[key, value]`; gives `[key, [left, right]]` (semi, anti: `[key, left]`). Behind a shuffle: in key
 * order, then left order, then right order. With one side broadcast it is no wide operator, but a step in the other
 * side's stage (join-ways.ts): in that side's order, then the broadcast one's.
 */
export interface JoinNode {
  readonly kind: "join";
  readonly how: JoinType;
  readonly strategy: JoinStrategy;
  readonly left: PlanNode;
  readonly right: PlanNode;
  readonly partitions: number | undefined;
}

/** An order of strings by the rules of a language, as `Intl.Collator` has them. */
export interface Collation {
  /** A BCP 47 tag, in its canonical form. */
  readonly locale: string;
  readonly numeric: boolean;
  readonly sensitivity: "base" | "accent" | "case" | "variant";
}

/**
 * A stable, total sort over all partitions. `by(record)` gives the key, "record": it is the record itself; an array
 * sorts by its elements in turn.
 */
export interface SortNode {
  readonly kind: "sort";
  readonly input: PlanNode;
  readonly by: UserFunction | "record";
  /** For the whole key, or for each element of an array key. */
  readonly descending: boolean | readonly boolean[];
  /** Of strings; undefined: by UTF-16 code units. */
  readonly collation?: Collation | undefined;
  readonly partitions: number | undefined;
}

/** The `count` records with the greatest `by(record)`, greatest first; of equal ones the earlier. */
export interface TopNode {
  readonly kind: "top";
  readonly input: PlanNode;
  readonly count: number;
  readonly by: UserFunction;
}

/** Spreads records evenly, round robin from each partition. */
export interface RepartitionNode {
  readonly kind: "repartition";
  readonly input: PlanNode;
  readonly partitions: number;
}

export type WideNode =
  | AggregateNode
  | GroupNode
  | CogroupNode
  | JoinNode
  | SortNode
  | TopNode
  | RepartitionNode;

// ---- Ends ----------------------------------------------------------------------------------------------------

/**
 * Brings records back to the caller, in the order of the partitions.
 * `single`: the data set has exactly one record and the caller gets that.
 */
export interface CollectEnd {
  readonly kind: "collect";
  readonly input: PlanNode;
  readonly rowsMax: number;
  readonly single: boolean;
}

export type WriteFormat = "jsonl" | "csv" | "text";

/** One file a partition, made visible all at once. */
export interface WriteEnd {
  readonly kind: "write";
  readonly input: PlanNode;
  readonly format: WriteFormat;
  readonly directory: string;
  readonly overwrite: boolean;
  /** CSV: the columns, in order; undefined: the fields of the first record of each file. */
  readonly columns: readonly string[] | undefined;
  readonly gzip: boolean;
}

export type EndNode = CollectEnd | WriteEnd;

/** What `run` returned: one end, or several with names. */
export interface Plan {
  /** In the order of the record `run` returned; the only one of a single end is named "result". */
  readonly ends: readonly { readonly name: string; readonly end: EndNode }[];
  /** Whether the caller gets a record of results, or the one result. */
  readonly shape: "single" | "record";
}

export const isWide = (node: PlanNode): node is WideNode =>
  node.kind !== "source" && node.kind !== "union" && !isNarrow(node);

export function isNarrow(node: PlanNode): node is NarrowNode {
  switch (node.kind) {
    case "map":
    case "flatMap":
    case "filter":
    case "keyBy":
    case "mapPartitions":
    case "sample":
    case "words":
      return true;
    default:
      return false;
  }
}

/** The direct inputs of a node, in order. */
export function inputsOf(node: PlanNode | EndNode): readonly PlanNode[] {
  switch (node.kind) {
    case "source":
      return [];
    case "union":
      return node.inputs;
    case "cogroup":
    case "join":
      return [node.left, node.right];
    default:
      return [node.input];
  }
}
