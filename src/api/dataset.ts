/**
 * The immutable data set that jobs are written with: a typed face of a plan node. Each operator's code is in
 * `operators/`; here are its types and its contract. Long because of its comments: the operators in one
 * place are what users read.
 */
import type { TaskContext } from "../plan/context.ts";
import type { JoinType, PlanNode, WriteFormat } from "../plan/node.ts";
import { NODE } from "./brand.ts";
import { End } from "./end.ts";
import type {
  FieldOf,
  KeyField,
  NumberField,
  NumberResult,
  OrderedField,
  OrderedResult,
} from "./field-types.ts";
import type { Key } from "./key.ts";
import {
  type AggregateFunctions,
  type AggregateOptions,
  aggregateByKeyNode,
  aggregateNode,
  countByNode,
  countNode,
  distinctNode,
  keyAndOptions,
  reduceByKeyNode,
  reduceNode,
  type WideOptions,
} from "./operators/aggregate.ts";
import { type CollectOptions, collectEnd, singleEnd } from "./operators/collect.ts";
import { declaredNode } from "./operators/declared.ts";
import { cogroupNode, groupByKeyNode, groupByNode } from "./operators/group.ts";
import { type JoinByOptions, type Joined, type JoinOptions, joinNode } from "./operators/join.ts";
import { type MapReduceFunctions, mapReduceNode } from "./operators/map-reduce.ts";
import {
  keyByNode,
  narrowNode,
  type SampleOptions,
  sampleNode,
  tokensNode,
  wordsNode,
} from "./operators/narrow.ts";
import { repartitionNode, type SortOptions, sortByNode, sortNode, topNode } from "./operators/order.ts";
import { unionNode } from "./operators/other.ts";
import {
  type TextRecord,
  type WriteCsvOptions,
  type WriteOptions,
  type WriteResult,
  writeEnd,
} from "./operators/write.ts";
import type { OnlyPromise, PromiseOrTuple, Refused } from "./refuse-async.ts";

export type { Key } from "./key.ts";

/** The type of a data set's records. */
export type RecordOf<D> = D extends Dataset<infer T> ? T : never;

/**
 * Records of one type, in partitions: of any number, on disk or elsewhere, read only when a job runs.
 * Immutable: every operator returns a new data set, and nothing happens until a job's `run` returns one.
 *
 * Functions given to operators run in the tasks, with the record first and the task's `TaskContext` second.
 * They must be synchronous, must not change records, neither those they are given nor those they gave (so
 * give a new object each time), and should give the same for the same record: a task may run more than once.
 * What they throw fails the task, which is tried again, and then the job (USER_FUNCTION), with file and line
 * of the function and of the record.
 *
 * Every operator throws `BicoastalError` with `code` "JOB_INVALID" at once for an argument that cannot be
 * right.
 *
 * Order. Sources give records in the order of their files (by path) and within them. Operators without a
 * shuffle keep the order. `groupBy`, `reduceByKey`, `countBy`, `distinct`, and joins that do not
 * broadcast a side, give keys in ascending order within each partition; which partition a key is in depends only on the key and the number
 * of partitions. The same input and params give the same records in the same order, whatever the number of
 * threads.
 */
export class Dataset<out T> {
  readonly [NODE]: PlanNode;

  /** Made by `read` and by operators. */
  constructor(node: PlanNode) {
    this[NODE] = Object.freeze(node);
    Object.freeze(this);
  }

  // ---- A record at a time -------------------------------------------------------------------------------

  /**
   * Makes one record of each. An array literal is a tuple: `.map((word) => [word, 1])` gives `[string,
   * number]`.
   *
   * @example read.lines("*.txt").map((line) => line.length)
   */
  map<U extends PromiseOrTuple>(
    fn: (record: T, ctx: TaskContext) => OnlyPromise<U>,
  ): Refused<U, Dataset<never>>;
  map<U extends object | []>(fn: (record: T, ctx: TaskContext) => U): Dataset<U>;
  map<U>(fn: (record: T, ctx: TaskContext) => U): Dataset<U>;
  map(fn: (record: T, ctx: TaskContext) => unknown): unknown {
    return new Dataset(narrowNode("map", this[NODE], fn));
  }

  /**
   * Makes any number of records of each: those of the array or other iterable that `fn` gives. A generator
   * function streams. Mind that text is an iterable of its characters.
   *
   * @example read.lines("*.txt").flatMap((line) => line.split(" "))
   */
  flatMap<U extends object | []>(fn: (record: T, ctx: TaskContext) => Iterable<U>): Dataset<U>;
  flatMap<U>(fn: (record: T, ctx: TaskContext) => Iterable<U>): Dataset<U>;
  flatMap(fn: (record: T, ctx: TaskContext) => Iterable<unknown>): Dataset<unknown> {
    return new Dataset(narrowNode("flatMap", this[NODE], fn));
  }

  /**
   * Keeps the records for which `fn` gives something truthy. A type guard narrows the type.
   *
   * @example read.lines("*.log").filter((line) => line.includes("ERROR"))
   */
  filter<U extends PromiseLike<unknown>>(
    fn: (record: T, ctx: TaskContext) => OnlyPromise<U>,
  ): Refused<U, Dataset<T>>;
  filter<U extends T>(fn: (record: T, ctx: TaskContext) => record is U): Dataset<U>;
  filter(fn: (record: T, ctx: TaskContext) => unknown): Dataset<T>;
  filter(fn: (record: T, ctx: TaskContext) => unknown): unknown {
    return new Dataset(narrowNode("filter", this[NODE], fn));
  }

  /**
   * Calls `fn` once a partition with all its records, to be read once and in order; gives the records of the
   * iterable it returns. For work with a costly beginning. A generator function streams; an array must fit in
   * memory.
   *
   * @example
   * lines.mapPartitions(function* (lines) {
   *   const collator = new Intl.Collator("de");
   *   for (const line of lines) yield collator.compare(line, "m") < 0;
   * })
   */
  mapPartitions<U extends object | []>(
    fn: (records: Iterable<T>, ctx: TaskContext) => Iterable<U>,
  ): Dataset<U>;
  mapPartitions<U>(fn: (records: Iterable<T>, ctx: TaskContext) => Iterable<U>): Dataset<U>;
  mapPartitions(fn: (records: Iterable<T>, ctx: TaskContext) => Iterable<unknown>): Dataset<unknown> {
    return new Dataset(narrowNode("mapPartitions", this[NODE], fn));
  }

  /**
   * The words of each text, in order, lower-cased: longest runs of letters, marks and digits of every script.
   * Everything else stands between words: "Don't_stop!" is don, t, stop. Records that are not text fail the
   * task with USER_FUNCTION.
   *
   * `read.lines(…).words()` followed by `countBy()`, `distinct()` or `count()` works on the bytes of the files, without
   * making text of what is ASCII: many times as fast as a function of your own.
   *
   * @example read.lines("*.txt").words().countBy()
   */
  words(this: Dataset<string>): Dataset<string> {
    return new Dataset(wordsNode(this[NODE]));
  }

  /**
   * All matches of a regular expression in each text, in order, as `text.match(pattern)` gives them; a pattern that
   * is not global counts as if it were. Records that are not text fail the task with USER_FUNCTION.
   *
   * Where the pattern is a run of one class of ASCII characters, such as `/[a-z0-9_]+/gi` or `/\w+/g`, what can be
   * done with `words()` over the bytes of files can be done with it, too.
   *
   * @example read.lines("*.c").tokens(/[a-z_]\w*\b/gi).countBy()
   */
  tokens(this: Dataset<string>, pattern: RegExp): Dataset<string> {
    return new Dataset(tokensNode(this[NODE], pattern));
  }

  /**
   * Makes each record `[key, record]`, for operators that want pairs. The key is what the function gives, or the
   * field of this name.
   *
   * @example users.keyBy("id").join(orders.keyBy((order) => order.userId))
   */
  keyBy<R, const Name extends KeyField<R>>(this: Dataset<R>, field: Name): Dataset<[FieldOf<R, Name>, R]>;
  keyBy<K extends Key>(fn: (record: T, ctx: TaskContext) => K): Dataset<[K, T]>;
  keyBy(key: unknown): Dataset<[never, T]> {
    return new Dataset(keyByNode(this[NODE], key));
  }

  /**
   * Keeps each record with a probability, each on its own: the number kept is about `fraction` of all. The same
   * input, params and seed keep the same records.
   *
   * @param fraction From 0 (none) to 1 (all).
   */
  sample(fraction: number, options?: SampleOptions): Dataset<T> {
    return new Dataset(sampleNode(this[NODE], fraction, options));
  }

  /** The records of this data set, then those of the others in turn, doubles included. */
  union<Others extends readonly Dataset<unknown>[]>(
    ...others: Others
  ): Dataset<T | RecordOf<Others[number]>> {
    return new Dataset(unionNode(this[NODE], others));
  }

  // ---- By key -------------------------------------------------------------------------------------------

  /**
   * All records of each key, in input order. Values that are too many for memory stream from disk: read them
   * once, and before the function that was given the group returns, or GROUP_CONSUMED; to keep them, copy them.
   * A group that is collected, written or shuffled again becomes an array. Where the values become one,
   * `reduceByKey`, `aggregateByKey` and `countBy` move far less data.
   *
   * @example
   * orders.groupBy((order) => order.userId).map(([user, orders]) => {
   *   let largest = 0;
   *   for (const { total } of orders) largest = Math.max(largest, total);
   *   return { user, largest };
   * })
   */
  groupBy<R, const Name extends KeyField<R>>(
    this: Dataset<R>,
    field: Name,
    options?: WideOptions,
  ): Dataset<[FieldOf<R, Name>, Iterable<R>]>;
  groupBy<K extends Key>(
    key: (record: T, ctx: TaskContext) => K,
    options?: WideOptions,
  ): Dataset<[K, Iterable<T>]>;
  groupBy(key: unknown, options?: WideOptions): Dataset<[never, Iterable<T>]> {
    return new Dataset(groupByNode(this[NODE], key, options));
  }

  /** `groupBy` for records that are `[key, value]` already: all values of each key. */
  groupByKey<K extends Key, V>(
    this: Dataset<readonly [K, V]>,
    options?: WideOptions,
  ): Dataset<[K, Iterable<V>]> {
    return new Dataset(groupByKeyNode(this[NODE], options));
  }

  /**
   * Makes one value of all values of each key, two at a time, before and after the shuffle. `fn` must be
   * associative: values are combined in input order, but not always from the first on. It must not change its
   * arguments (`aggregateByKey` may).
   *
   * @example words.map((word) => [word, 1]).reduceByKey((a, b) => a + b)
   */
  reduceByKey<K extends Key, V>(
    this: Dataset<readonly [K, V]>,
    fn: (earlier: V, later: V) => V,
    options?: WideOptions,
  ): Dataset<[K, V]> {
    return new Dataset(reduceByKeyNode(this[NODE], fn, options));
  }

  /**
   * Makes one result of all values of each key by way of an accumulator, before and after the shuffle.
   *
   * @example prices.aggregateByKey({
   *   zero: () => ({ sum: 0, count: 0 }),
   *   add: (a, price) => ({ sum: a.sum + price, count: a.count + 1 }),
   *   merge: (a, b) => ({ sum: a.sum + b.sum, count: a.count + b.count }),
   *   finish: ({ sum, count }) => sum / count,
   * })
   */
  aggregateByKey<K extends Key, V, A, R = A>(
    this: Dataset<readonly [K, V]>,
    options: AggregateOptions<V, A, R>,
  ): Dataset<[K, R]> {
    return new Dataset(aggregateByKeyNode(this[NODE], options));
  }

  /**
   * How many records there are of each key, which is a field's name or what a function gives; without either, how
   * many there are of each record, which must be a possible key.
   *
   * Named fields of a source with `fields` are counted over the bytes of its files, as for `sumBy`.
   *
   * @example words.countBy(); users.countBy("country"); users.countBy((user) => user.name.length)
   */
  countBy<R, const Name extends KeyField<R>>(
    this: Dataset<R>,
    field: Name,
    options?: WideOptions,
  ): Dataset<[FieldOf<R, Name>, number]>;
  countBy<K extends Key>(this: Dataset<K>, options?: WideOptions): Dataset<[K, number]>;
  countBy<K extends Key>(
    key: (record: T, ctx: TaskContext) => K,
    options?: WideOptions,
  ): Dataset<[K, number]>;
  countBy(key?: unknown, options?: WideOptions): Dataset<[never, number]> {
    return new Dataset(countByNode(this[NODE], ...keyAndOptions(key, options)));
  }

  /**
   * The sum of a number for each key of `[key, value]`: of the value's field of this name, or of what a function
   * gives for the value.
   *
   * As in SQL, null and what is missing is left out, and the sum of nothing is null; null is a key like others.
   * Anything else that is no number fails the task with USER_FUNCTION, the field, file and line. Numbers are added
   * in the order of the input and partial sums in the order of the tasks, so that a sum of fractions is the same
   * to the last bit for every number of threads and every memory; it hangs on where files are cut (`splitBytes`).
   *
   * `read.csv` or `read.jsonl` with `fields`, then `keyBy` and this, both by the names of fields, work on the bytes
   * of the files and make no records: several times as fast as functions. The results are the same.
   *
   * @example read.csv("sales.csv", { fields: { city: "string", amount: "number" } }).keyBy("city").sumBy("amount")
   */
  sumBy<K extends Key, V, const Name extends NumberField<V>>(
    this: Dataset<readonly [K, V]>,
    field: Name,
    options?: WideOptions,
  ): Dataset<[K, NumberResult<FieldOf<V, Name>>]>;
  sumBy<K extends Key, V, R extends number | null | undefined>(
    this: Dataset<readonly [K, V]>,
    value: (value: V, ctx: TaskContext) => R,
    options?: WideOptions,
  ): Dataset<[K, NumberResult<R>]>;
  sumBy(value: unknown, options?: WideOptions): Dataset<[never, never]> {
    return new Dataset(declaredNode("sumBy", this[NODE], value, options));
  }

  /**
   * The least number or text for each key of `[key, value]`: as `sumBy`, of a named field or of what a function
   * gives. Text is compared by UTF-16 code units; NaN is greater than every other number, and text than numbers.
   *
   * @example sales.keyBy("city").minBy("amount")
   */
  minBy<K extends Key, V, const Name extends OrderedField<V>>(
    this: Dataset<readonly [K, V]>,
    field: Name,
    options?: WideOptions,
  ): Dataset<[K, OrderedResult<FieldOf<V, Name>>]>;
  minBy<K extends Key, V, R extends number | string | null | undefined>(
    this: Dataset<readonly [K, V]>,
    value: (value: V, ctx: TaskContext) => R,
    options?: WideOptions,
  ): Dataset<[K, OrderedResult<R>]>;
  minBy(value: unknown, options?: WideOptions): Dataset<[never, never]> {
    return new Dataset(declaredNode("minBy", this[NODE], value, options));
  }

  /**
   * The greatest number or text for each key of `[key, value]`, as `minBy` has the least.
   *
   * @example sales.keyBy("city").maxBy("amount")
   */
  maxBy<K extends Key, V, const Name extends OrderedField<V>>(
    this: Dataset<readonly [K, V]>,
    field: Name,
    options?: WideOptions,
  ): Dataset<[K, OrderedResult<FieldOf<V, Name>>]>;
  maxBy<K extends Key, V, R extends number | string | null | undefined>(
    this: Dataset<readonly [K, V]>,
    value: (value: V, ctx: TaskContext) => R,
    options?: WideOptions,
  ): Dataset<[K, OrderedResult<R>]>;
  maxBy(value: unknown, options?: WideOptions): Dataset<[never, never]> {
    return new Dataset(declaredNode("maxBy", this[NODE], value, options));
  }

  /**
   * The mean of a number for each key of `[key, value]`, as `sumBy` has the sum: of what is not null, and null where
   * there is nothing.
   *
   * @example sales.keyBy("city").avgBy("amount")
   */
  avgBy<K extends Key, V, const Name extends NumberField<V>>(
    this: Dataset<readonly [K, V]>,
    field: Name,
    options?: WideOptions,
  ): Dataset<[K, NumberResult<FieldOf<V, Name>>]>;
  avgBy<K extends Key, V, R extends number | null | undefined>(
    this: Dataset<readonly [K, V]>,
    value: (value: V, ctx: TaskContext) => R,
    options?: WideOptions,
  ): Dataset<[K, NumberResult<R>]>;
  avgBy(value: unknown, options?: WideOptions): Dataset<[never, never]> {
    return new Dataset(declaredNode("avgBy", this[NODE], value, options));
  }

  /**
   * Each record once; with a key, a field's name or a function, the first record of each key in input order.
   * Records without a key must be possible keys.
   *
   * @example words.distinct(); users.distinct("email")
   */
  distinct(options?: WideOptions): Dataset<T>;
  distinct<R>(this: Dataset<R>, field: KeyField<R>, options?: WideOptions): Dataset<R>;
  distinct(key: (record: T, ctx: TaskContext) => Key, options?: WideOptions): Dataset<T>;
  distinct(key?: unknown, options?: WideOptions): Dataset<T> {
    return new Dataset(distinctNode(this[NODE], ...keyAndOptions(key, options)));
  }

  // ---- With another data set ----------------------------------------------------------------------------

  /**
   * Joins two data sets of `[key, value]` records by equal keys. Gives:
   *
   * - "inner" (the default): `[key, [left, right]]` for each pair of values
   * - "left", "right", "full": also values of that side (both) without a partner, whose place is undefined
   * - "semi": `[key, left]` where the right side has the key; "anti": where it has not
   *
   * In key order within each partition, then in the order of the left and of the right side; behind these come rows of
   * a key that so many left records have that several partitions share them. But where one side is
   * broadcast, in the order and the partitions of the other. `strategy` decides which of the two; left to itself, a
   * join broadcasts a side of at most 16 MB beside one of at least 8 MB that is eight times as large or larger.
   *
   * With `{ left, right }`, functions make the keys, and the records may be anything.
   *
   * @example users.join(orders, { left: (user) => user.id, right: (order) => order.userId, how: "left" })
   */
  join<K extends Key, L, R, const How extends JoinType = "inner">(
    this: Dataset<readonly [K, L]>,
    other: Dataset<readonly [K, R]>,
    how?: How | JoinOptions<How>,
  ): Dataset<Joined<K, L, R, How>>;
  join<R, K extends Key, const How extends JoinType = "inner">(
    other: Dataset<R>,
    options: JoinByOptions<T, R, K, How>,
  ): Dataset<Joined<K, T, R, How>>;
  join(other: Dataset<unknown>, options?: unknown): Dataset<never> {
    return new Dataset(joinNode(this[NODE], other, options));
  }

  /**
   * For each key of either side, all its values of both: `[key, [left, right]]`, each side streaming as in
   * `groupBy`.
   */
  cogroup<K extends Key, L, R>(
    this: Dataset<readonly [K, L]>,
    other: Dataset<readonly [K, R]>,
    options?: WideOptions,
  ): Dataset<[K, [Iterable<L>, Iterable<R>]]> {
    return new Dataset(cogroupNode(this[NODE], other, options));
  }

  // ---- Order and partitions -----------------------------------------------------------------------------

  /**
   * Sorts all records by a field's name or a function: every record of a partition comes before those of the
   * next. Stable: records with equal keys keep their order, descending too. Keys are compared as `Key` says; a key
   * that is an array sorts by its elements in turn. With `collation`, strings go by the rules of a language.
   *
   * @example users.sortBy((user) => [user.country, user.age], { descending: [false, true] })
   */
  sortBy<R>(this: Dataset<R>, field: KeyField<R>, options?: SortOptions): Dataset<R>;
  sortBy(key: (record: T) => Key, options?: SortOptions): Dataset<T>;
  sortBy(key: unknown, options?: SortOptions): Dataset<T> {
    return new Dataset(sortByNode(this[NODE], key, options));
  }

  /**
   * Sorts records that are possible keys by themselves, as `sortBy` does by a key of them.
   *
   * `read.lines(…).sort().write("text", …)` sorts the bytes of files, without making text of what is ASCII.
   *
   * @example read.lines("names/*.txt").sort({ collation: "de" })
   */
  sort(this: Dataset<Key>, options?: SortOptions): Dataset<T> {
    return new Dataset(sortNode(this[NODE], options));
  }

  /**
   * The records with the greatest `by` (a field's name or a function; default: the record itself), greatest first, of equal ones the
   * earlier; in one partition.
   *
   * @param count From 1 to 10,000,000; that many records are held in memory.
   * @example words.countBy((word) => word).top(20, ([, count]) => count)
   */
  top<R>(this: Dataset<R>, count: number, field: KeyField<R>): Dataset<R>;
  top(count: number, by?: (record: T) => Key): Dataset<T>;
  top(count: number, by?: unknown): Dataset<T> {
    return new Dataset(topNode(this[NODE], count, by));
  }

  /**
   * Spreads the records evenly over so many partitions: before costly work on few large partitions, or to
   * `write` so many files.
   *
   * @param partitions From 1 to 100,000.
   */
  repartition(partitions: number): Dataset<T> {
    return new Dataset(repartitionNode(this[NODE], partitions));
  }

  /**
   * MapReduce in its classic form: `map` emits keys with values, `combine` may make fewer of them early,
   * `reduce` is given each key with all its values, in key order, and emits records.
   *
   * @example
   * const sum = (counts: Iterable<number>) => [...counts].reduce((a, b) => a + b, 0);
   * lines.mapReduce<string, number, [string, number]>({
   *   map: (line, emit) => { for (const word of line.split(" ")) emit(word, 1); },
   *   combine: (_, counts) => sum(counts),
   *   reduce: (word, counts, emit) => emit([word, sum(counts)]),
   * })
   */
  mapReduce<K extends Key, V, R>(functions: MapReduceFunctions<T, K, V, R>): Dataset<R> {
    return new Dataset(mapReduceNode(this[NODE], functions));
  }

  // ---- Ends ---------------------------------------------------------------------------------------------

  /**
   * Brings the records back to the caller, in the order of the partitions. What a job returns as a data set
   * is collected with the default limit. More rows than `limit` (default 1,000,000) fail the job with
   * COLLECT_TOO_LARGE: raise it, or `write` them.
   */
  collect(options?: CollectOptions): End<T[]> {
    return new End(collectEnd(this[NODE], options));
  }

  /** The number of records. */
  count(): End<number> {
    return new End(singleEnd(Object.freeze(countNode(this[NODE]))));
  }

  /**
   * Makes one value of all records, two at a time; undefined where there are none. As for `reduceByKey`, `fn`
   * must be associative and must not change its arguments.
   *
   * @example lines.map((line) => line.length).reduce((a, b) => Math.max(a, b))
   */
  reduce(fn: (earlier: T, later: T) => T): End<T | undefined> {
    return new End(singleEnd(Object.freeze(reduceNode(this[NODE], fn))));
  }

  /** Makes one result of all records by way of an accumulator; `zero` (finished) where there are none. */
  aggregate<A, R = A>(functions: AggregateFunctions<T, A, R>): End<R> {
    return new End(singleEnd(Object.freeze(aggregateNode(this[NODE], functions))));
  }

  /**
   * Writes one file a partition into a directory, which appears all at once when the job succeeds, and not at
   * all when it does not. Gives the caller what was written.
   *
   * On S3 (`s3://bucket/prefix`, with the package `@aws-sdk/client-s3` installed) the output is what its
   * `_bicoastal.json` names, an object that is written last.
   *
   * - "jsonl": one JSON value a line
   * - "csv": a header line, then one line a record, which is an object or an array
   * - "text": one record a line; records must be text, numbers, bigints or booleans
   *
   * The job fails before it starts with OUTPUT_EXISTS where the directory exists, unless `overwrite` is set.
   *
   * @param directory Relative to the working directory of whoever submits the job; or `s3://bucket/prefix`.
   * @example users.write("csv", "out/users", { columns: ["name", "email"], gzip: true })
   */
  write(format: "jsonl", directory: string, options?: WriteOptions): End<WriteResult>;
  write(format: "csv", directory: string, options?: WriteCsvOptions<T>): End<WriteResult>;
  write(
    this: Dataset<TextRecord>,
    format: "text",
    directory: string,
    options?: WriteOptions,
  ): End<WriteResult>;
  write(format: WriteFormat, directory: string, options?: WriteOptions): End<WriteResult> {
    return new End(writeEnd(this[NODE], format, directory, options));
  }
}
