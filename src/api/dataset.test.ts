import { describe, expect, test } from "vitest";
import type { AggregateNode, PlanNode } from "../plan/node.ts";
import { endOf, nodeOf } from "./brand.ts";
import { Dataset } from "./dataset.ts";
import { read } from "./read.ts";

const numbers = read.range(10);
const pairs = numbers.map((n) => [n % 2, n]);
const source = nodeOf(numbers) as PlanNode;
const pairNode = nodeOf(pairs) as PlanNode;

describe("plan nodes", () => {
  const fn = (n: number) => n;

  test("one function each", () => {
    expect(nodeOf(numbers.map(fn))).toEqual({ kind: "map", input: source, fn });
    expect(nodeOf(numbers.filter(fn))).toEqual({ kind: "filter", input: source, fn });
    expect(nodeOf(numbers.keyBy(fn))).toEqual({ kind: "keyBy", input: source, fn });
    const spread = (n: number) => [n, n];
    expect(nodeOf(numbers.flatMap(spread))).toEqual({ kind: "flatMap", input: source, fn: spread });
    const all = (records: Iterable<number>) => records;
    expect(nodeOf(numbers.mapPartitions(all))).toEqual({ kind: "mapPartitions", input: source, fn: all });
  });

  test("words", () => {
    const lines = numbers.map(String);
    expect(nodeOf(lines.words())).toEqual({ kind: "words", input: nodeOf(lines) });
  });

  test("sample, union, repartition", () => {
    expect(nodeOf(numbers.sample(0.5))).toEqual({
      kind: "sample",
      input: source,
      fraction: 0.5,
      seed: "sample",
    });
    expect(nodeOf(numbers.sample(1, { seed: 7 }))).toMatchObject({ fraction: 1, seed: "7" });
    expect(nodeOf(numbers.union(pairs, numbers))).toEqual({
      kind: "union",
      inputs: [source, pairNode, source],
    });
    expect(nodeOf(numbers.repartition(3))).toEqual({ kind: "repartition", input: source, partitions: 3 });
  });

  test("groups", () => {
    const group = { kind: "group", input: source, key: fn, combine: undefined, partitions: undefined };
    expect(nodeOf(numbers.groupBy(fn))).toEqual(group);
    expect(nodeOf(numbers.groupBy(fn, { partitions: 4 }))).toEqual({ ...group, partitions: 4 });
    expect(nodeOf(pairs.groupByKey())).toEqual({ ...group, input: pairNode, key: "pair" });
    const cogroup = { kind: "cogroup", left: pairNode, right: pairNode, partitions: 2 };
    expect(nodeOf(pairs.cogroup(pairs, { partitions: 2 }))).toEqual(cogroup);
  });

  test("countBy counts, distinct keeps the first", () => {
    expect(nodeOf(numbers.countBy(fn))).toEqual({
      kind: "aggregate",
      input: source,
      key: fn,
      aggregator: "count",
      emit: "pair",
      empty: undefined,
      partitions: undefined,
    });
    expect(nodeOf(numbers.countBy())).toMatchObject({ key: "record", emit: "pair", partitions: undefined });
    expect(nodeOf(numbers.countBy({ partitions: 2 }))).toMatchObject({ key: "record", partitions: 2 });
    expect(nodeOf(numbers.distinct())).toMatchObject({ key: "record", emit: "key", partitions: undefined });
    expect(nodeOf(numbers.distinct({ partitions: 2 }))).toMatchObject({ key: "record", partitions: 2 });
    const distinct = nodeOf(numbers.distinct(fn, { partitions: 2 })) as AggregateNode;
    expect(distinct).toMatchObject({ key: fn, emit: "result", partitions: 2 });
    expect(fold(distinct, [["a"], ["b", "c"]])).toBe("a");
  });

  test("a field's name reads that field, whatever it is called", () => {
    const names = [
      "a",
      "",
      "two words",
      'quo"te',
      "line\n",
      "constructor",
      "__proto__",
      "toString",
      "\u2028",
      "0",
    ];
    for (const name of names) {
      const records = read.of([{ [name]: 7 }]) as unknown as Dataset<Record<string, number>>;
      const node = nodeOf(records.keyBy(name)) as unknown as { fn: (record: unknown) => unknown };
      expect(node).toMatchObject({ kind: "keyBy", field: name });
      expect(node.fn(Object.fromEntries([[name, 7]]))).toBe(7);
      expect(node.fn({})).toBeUndefined();
      expect(() => node.fn(null)).toThrow("the record has no fields: it is null");
      expect(() => node.fn("text")).toThrow('the record has no fields: it is "text"');
      expect(nodeOf(records.countBy(name))).toMatchObject({ keyField: name, aggregator: "count" });
    }
  });

  test("declared aggregations leave out nothings, and give null for nothing", () => {
    const records = read.of([{ x: 1 }]);
    const byX = records.keyBy("x");
    const data = {
      sumBy: byX.sumBy("x"),
      minBy: byX.minBy("x"),
      maxBy: byX.maxBy("x"),
      avgBy: byX.avgBy("x"),
    };
    const node = (name: keyof typeof data) => nodeOf(data[name]) as AggregateNode;
    expect(node("sumBy")).toMatchObject({ key: "pair", emit: "pair", value: { name: "sumBy", field: "x" } });
    expect(node("sumBy").value?.fn({ x: 5 } as never)).toBe(5);
    const parts = [[null, 3], [null], [-1, null, 4], [null, null]];
    expect(fold(node("sumBy"), parts)).toBe(6);
    expect(fold(node("minBy"), parts)).toBe(-1);
    expect(fold(node("maxBy"), parts)).toBe(4);
    expect(fold(node("avgBy"), parts)).toBe(2);
    for (const name of ["sumBy", "minBy", "maxBy", "avgBy"] as const) {
      expect(fold(node(name), [[null], [null, null]])).toBeNull();
    }
    for (const name of ["sumBy", "avgBy"] as const) expect(fold(node(name), [[null], [-0, null]])).toBe(-0);
    const text = [
      ["b", "a"],
      [null, "c"],
    ];
    expect([fold(node("minBy"), text), fold(node("maxBy"), text)]).toEqual(["a", "c"]);
    const mixed = [
      [2, "1", Number.NaN],
      ["-1", 5],
    ];
    expect([fold(node("minBy"), mixed), fold(node("maxBy"), mixed)]).toEqual([2, "1"]);
    const numbersOnly = [[2, Number.NaN], [-0], [0]];
    expect([fold(node("minBy"), numbersOnly), fold(node("maxBy"), numbersOnly)]).toEqual([-0, Number.NaN]);
  });

  test("reduceByKey folds with the user's function", () => {
    const add = (a: number, b: number) => a + b;
    const node = nodeOf(pairs.reduceByKey(add, { partitions: 3 })) as AggregateNode;
    expect(node).toMatchObject({
      kind: "aggregate",
      input: pairNode,
      key: "pair",
      emit: "pair",
      partitions: 3,
    });
    expect(node.aggregator).toMatchObject({ add, merge: add });
    expect(fold(node, [[1, 2], [3], [4, 5, 6]])).toBe(21);
  });

  test("aggregateByKey begins each accumulator with zero", () => {
    const node = nodeOf(
      pairs.aggregateByKey({
        zero: () => [] as number[],
        add: (list, n) => {
          list.push(n);
          return list;
        },
        merge: (a, b) => [...a, ...b],
        finish: (list) => list.join(","),
      }),
    ) as AggregateNode;
    expect(node).toMatchObject({ key: "pair", emit: "pair", empty: undefined });
    expect(fold(node, [[1, 2], [3]])).toBe("1,2,3");
    expect(fold(node, [[4]])).toBe("4");
  });

  test("joins by pair, by how, by options, by functions", () => {
    const join = {
      kind: "join",
      how: "inner",
      strategy: "auto",
      left: pairNode,
      right: pairNode,
      partitions: undefined,
    };
    expect(nodeOf(pairs.join(pairs))).toEqual(join);
    for (const how of ["inner", "left", "right", "full", "semi", "anti"] as const) {
      expect(nodeOf(pairs.join(pairs, how))).toEqual({ ...join, how });
      expect(nodeOf(pairs.join(pairs, { how, partitions: 5 }))).toEqual({ ...join, how, partitions: 5 });
    }
    const left = (n: number) => n;
    const right = (pair: readonly number[]) => pair[0] as number;
    expect(nodeOf(numbers.join(pairs, { left, right, how: "full" }))).toEqual({
      ...join,
      how: "full",
      left: { kind: "keyBy", input: source, fn: left },
      right: { kind: "keyBy", input: pairNode, fn: right },
    });
  });

  test("sortBy and top", () => {
    const sort = { kind: "sort", input: source, by: fn, descending: false, partitions: undefined };
    expect(nodeOf(numbers.sortBy(fn))).toEqual(sort);
    expect(nodeOf(numbers.sortBy(fn, { descending: true, partitions: 2 }))).toEqual({
      ...sort,
      descending: true,
      partitions: 2,
    });
    expect(nodeOf(numbers.sortBy(fn, { descending: [true, false] }))).toMatchObject({
      descending: [true, false],
    });
    expect(nodeOf(numbers.sort())).toEqual({ ...sort, by: "record" });
    const german = { locale: "de", numeric: false, sensitivity: "variant" };
    expect(nodeOf(numbers.sortBy(fn, { collation: "DE" }))).toEqual({ ...sort, collation: german });
    const options = { locale: "de-u-co-phonebk", numeric: true, sensitivity: "base" } as const;
    expect(nodeOf(numbers.sort({ collation: options }))).toMatchObject({ collation: options });
    expect(nodeOf(numbers.top(3, fn))).toEqual({ kind: "top", input: source, count: 3, by: fn });
    const top = nodeOf(numbers.top(3)) as unknown as { by: (record: unknown) => unknown };
    expect(top.by("itself")).toBe("itself");
  });

  test("mapReduce is a flatMap, a group and a flatMap", () => {
    const combine = (_: number, values: Iterable<number>) => [...values].length;
    const node = nodeOf(
      numbers.mapReduce<number, number, string>({
        map: (n, emit, ctx) => {
          emit(n, ctx.partition);
          emit(n + 1, 1);
        },
        combine,
        reduce: (key, values, emit) => {
          for (const value of values) emit(`${key}:${value}`);
        },
        partitions: 4,
      }),
    ) as unknown as {
      input: { input: { fn: (...args: unknown[]) => unknown } };
      fn: (...args: unknown[]) => unknown;
    };
    expect(node).toMatchObject({
      kind: "flatMap",
      input: {
        kind: "group",
        key: "pair",
        combine,
        partitions: 4,
        input: { kind: "flatMap", input: source },
      },
    });
    expect(node.input.input.fn(5, { partition: 9 })).toEqual([
      [5, 9],
      [6, 1],
    ]);
    expect(node.fn(["k", new Set([1, 2])], {})).toEqual(["k:1", "k:2"]);
  });
});

describe("ends", () => {
  test("collect, with a limit", () => {
    const collect = { kind: "collect", input: source, rowsMax: 1_000_000, single: false };
    expect(endOf(numbers.collect())).toEqual(collect);
    expect(endOf(numbers.collect({ limit: 3 }))).toEqual({ ...collect, rowsMax: 3 });
  });

  test("count, reduce and aggregate are one record, also for no input", () => {
    expect(single(numbers.count())).toMatchObject({ key: "all", aggregator: "count", emit: "result" });
    expect(single(numbers.count()).empty?.()).toBe(0);
    const add = (a: number, b: number) => a + b;
    const reduce = single(numbers.reduce(add));
    expect(fold(reduce, [[1, 2], [3]])).toBe(6);
    expect(reduce.empty?.()).toBeUndefined();
    const sum = { zero: () => 0, add, merge: add };
    const aggregate = single(numbers.aggregate({ ...sum, finish: String }));
    expect(fold(aggregate, [[1, 2], [3]])).toBe("6");
    expect(aggregate.empty?.()).toBe("0");
    expect(single(numbers.aggregate(sum)).empty?.()).toBe(0);
  });

  test("write", () => {
    const write = {
      kind: "write",
      input: source,
      format: "jsonl",
      directory: "out/./x",
      overwrite: false,
      columns: undefined,
      gzip: false,
    };
    expect(endOf(numbers.write("jsonl", "out/./x"))).toEqual(write);
    expect(endOf(numbers.write("text", "a", { overwrite: true, gzip: true }))).toMatchObject({
      format: "text",
      overwrite: true,
      gzip: true,
    });
    expect(endOf(pairs.write("csv", "a", { columns: ["b", "a"] }))).toMatchObject({ columns: ["b", "a"] });
  });

  function single(end: unknown): AggregateNode {
    const node = endOf(end);
    expect(node).toMatchObject({ kind: "collect", rowsMax: 1, single: true, input: { kind: "aggregate" } });
    return (node as { input: AggregateNode }).input;
  }
});

test("everything is frozen", () => {
  const ends = {
    a: pairs.reduceByKey((a) => a).count(),
    b: numbers.sortBy((n) => n, { descending: [true] }),
  };
  const seen: unknown[] = [];
  const visit = (value: unknown): void => {
    if (typeof value !== "object" || value === null || seen.includes(value)) return;
    seen.push(value);
    expect(Object.isFrozen(value), JSON.stringify(value)).toBe(true);
    for (const inner of Object.values(value)) visit(inner);
  };
  for (const end of Object.values(ends)) {
    expect(Object.isFrozen(end)).toBe(true);
    visit(endOf(end) ?? nodeOf(end));
  }
  visit(nodeOf(numbers.join(pairs, { left: (n) => n, right: ([n]) => n ?? 0 })));
  visit(nodeOf(numbers.mapReduce({ map: () => {}, reduce: () => {} })));
  visit(nodeOf(numbers.union(numbers)));
  visit(nodeOf(read.csv("a", { header: ["x"], types: { x: "number" } })));
  expect(seen.length).toBeGreaterThan(15);
});

describe("wrong arguments are refused at once, with operator, argument and value", () => {
  // Users without a type checker, and values from params, get here.
  const loose = numbers as unknown as Record<string, (...args: unknown[]) => unknown>;
  const id = (n: unknown) => n;
  const towns = read.csv("a.csv", { fields: { town: "string", people: "number?", any: "json" } });
  const schema = towns.filter(() => true).sample(0.5) as unknown as typeof loose;
  const byTown = towns.keyBy("town") as unknown as typeof loose;
  const cases: [call: () => unknown, message: RegExp][] = [
    ...["map", "flatMap", "filter", "mapPartitions"].map((operator): [() => unknown, RegExp] => [
      () => loose[operator]?.("no"),
      new RegExp(`^${operator}: fn is "no"; it must be a function`),
    ]),
    [() => loose.map?.(), /^map: fn is undefined/],
    [() => loose.map?.(async () => 1), /^map: fn is a function; it must be a synchronous function/],
    [() => loose.flatMap?.(async function* () {}), /^flatMap: fn .* a synchronous function/],
    [() => loose.groupBy?.({}), /^groupBy: key is an empty object/],
    [() => loose.groupBy?.(id, { partitions: 0 }), /^groupBy: partitions is 0; .* from 1 to 100000/],
    [
      () => loose.groupBy?.(id, { partitons: 3 }),
      /^groupBy: no option "partitons"\. Did you mean partitions\?/,
    ],
    [() => loose.groupBy?.(id, 3), /^groupBy: the options argument is 3; it must be an object/],
    [() => loose.groupByKey?.({ partitions: 1.5 }), /^groupByKey: partitions is 1\.5/],
    [() => loose.countBy?.(id, { partitions: "3" }), /^countBy: partitions is "3"/],
    [() => loose.countBy?.(null), /^countBy: key is null/],
    [() => loose.countBy?.({ partitions: 0 }), /^countBy: partitions is 0/],
    [() => loose.keyBy?.(3), /^keyBy: fn is 3; it must be a function/],
    [() => loose.distinct?.(3), /^distinct: key is 3/],
    [() => loose.sumBy?.(), /^sumBy: value is undefined; it must be a function/],
    [() => loose.avgBy?.(async () => 1), /^avgBy: value is a function; it must be a synchronous function/],
    [() => loose.minBy?.(id, { partitions: 0 }), /^minBy: partitions is 0/],
    ...["keyBy", "countBy", "groupBy", "distinct", "sortBy"].map((operator): [() => unknown, RegExp] => [
      () => schema[operator]?.("twon"),
      new RegExp(
        `^${operator}: no field "twon"\\. Did you mean town\\? The fields are town, people, any\\.$`,
      ),
    ]),
    [() => schema.top?.(3, "twon"), /^top: no field "twon"/],
    [() => byTown.maxBy?.("peolpe"), /^maxBy: no field "peolpe"\. Did you mean people\?/],
    [() => byTown.sumBy?.("town"), /^sumBy: the type of "town" is "string"; it must be "number"\./],
    [() => byTown.avgBy?.("town"), /^avgBy: the type of "town" is "string"; it must be "number"\./],
    [() => loose.distinct?.({ partitions: -1 }), /^distinct: partitions is -1/],
    [() => loose.reduceByKey?.([]), /^reduceByKey: fn is an array of 0/],
    [() => loose.aggregateByKey?.(), /^aggregateByKey: the options argument is null/],
    [() => loose.aggregateByKey?.({ zero: 0 }), /^aggregateByKey: zero is 0; it must be a function/],
    [() => loose.aggregateByKey?.({ zero: id, add: id }), /^aggregateByKey: merge is undefined/],
    [() => loose.aggregateByKey?.({ zero: id, add: id, merge: id, finish: 1 }), /finish is 1/],
    [() => loose.aggregate?.({ zero: id, add: id, merge: id, partitions: 1 }), /no option "partitions"/],
    [() => loose.join?.([]), /^join: other is an array of 0; it must be a data set/],
    [() => loose.join?.(pairs, "outer"), /^join: how is "outer"; it must be one of inner, left/],
    [() => loose.join?.(pairs, { left: id }), /^join: right is undefined/],
    [() => loose.join?.(pairs, { left: id, right: 3 }), /^join: right is 3/],
    [() => loose.cogroup?.(numbers.count()), /^cogroup: other is an object of class End/],
    [() => loose.union?.(), /^union: .* at least one data set/],
    [() => loose.union?.(pairs, 3), /^union: argument 2 is 3/],
    [() => loose.sortBy?.(), /^sortBy: key is undefined/],
    [() => loose.sort?.({ collation: "klingon language" }), /^sort: collation is "klingon language"/],
    [() => loose.sort?.({ collation: "tlh" }), /^sort: collation is "tlh"; it must be the BCP 47 tag/],
    [() => loose.sort?.({ collation: 5 }), /^sort collation: /],
    [() => loose.sort?.({ collation: { locale: "de", numeric: 1 } }), /^sort: collation\.numeric is 1/],
    [
      () => loose.sort?.({ collation: { locale: "de", sensitivity: "all" } }),
      /^sort: collation\.sensitivity is "all"/,
    ],
    [() => loose.sort?.({ collation: { locale: "de", caseFirst: "upper" } }), /caseFirst/],
    [() => loose.sortBy?.(id, { descending: "yes" }), /^sortBy: descending is "yes"/],
    [() => loose.sortBy?.(id, { descending: [] }), /^sortBy: descending is an array of 0/],
    [() => loose.sortBy?.(id, { descending: [true, 1] }), /^sortBy: descending\[1\] is 1/],
    ...[0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53 + 1, "20", undefined, 10_000_001].map(
      (count): [() => unknown, RegExp] => [
        () => loose.top?.(count),
        /^top: count is .*; it must be a whole number from 1 to 10000000\./,
      ],
    ),
    [() => loose.top?.(3, 3), /^top: by is 3/],
    ...[-0.1, 1.1, Number.NaN, "0.5", undefined].map((fraction): [() => unknown, RegExp] => [
      () => loose.sample?.(fraction),
      /^sample: fraction is .*; it must be a number from 0 to 1/,
    ]),
    [() => loose.sample?.(0.5, { seed: Number.NaN }), /^sample: seed is NaN/],
    [() => loose.repartition?.(0), /^repartition: partitions is 0/],
    [() => loose.mapReduce?.(), /^mapReduce: the options argument is null/],
    [() => loose.mapReduce?.({ map: id }), /^mapReduce: reduce is undefined/],
    [() => loose.mapReduce?.({ map: id, reduce: id, combine: 3 }), /^mapReduce: combine is 3/],
    [() => loose.collect?.({ limit: 0 }), /^collect: limit is 0/],
    [() => loose.collect?.({ limit: Number.POSITIVE_INFINITY }), /^collect: limit is Infinity/],
    [() => loose.collect?.(10), /^collect: the options argument is 10/],
    [() => loose.reduce?.(), /^reduce: fn is undefined/],
    [() => loose.write?.("json", "out"), /^write: format is "json"; it must be one of jsonl, csv, text/],
    [() => loose.write?.("jsonl", ""), /^write: directory is ""/],
    [() => loose.write?.("jsonl", "a\0b"), /^write: directory is "a\\u0000b"/],
    [() => loose.write?.("jsonl"), /^write: directory is undefined/],
    [() => loose.write?.("jsonl", "out", { overwrite: 1 }), /^write: overwrite is 1/],
    [() => loose.write?.("jsonl", "out", { columns: ["a"] }), /^write: columns .* jsonl has no columns/],
    [() => loose.write?.("csv", "out", { columns: [] }), /^write: columns is an array of 0/],
    [() => loose.write?.("csv", "out", { columns: ["a", "a"] }), /^write: columns\[1\] is "a".* twice/],
  ];

  test.each(cases.map(([call, message]) => ({ call, message })))("$message", ({ call, message }) => {
    expect(call).toThrowError(expect.objectContaining({ name: "BicoastalError", code: "JOB_INVALID" }));
    expect(call).toThrowError(message);
  });
});

test("a data set of another copy of the package is taken", () => {
  const other = { [Symbol.for("bicoastal.node")]: source } as unknown as Dataset<number>;
  expect(nodeOf(numbers.union(other))).toEqual({ kind: "union", inputs: [source, source] });
  expect(new Dataset(source)).toBeInstanceOf(Dataset);
});

/** What the engine does: init and add in each part, then merge and finish. */
function fold(node: AggregateNode, parts: readonly (readonly unknown[])[]): unknown {
  if (node.aggregator === "count") throw new Error("The engine counts by itself.");
  const { init, add, merge, finish } = node.aggregator as unknown as Record<
    "init" | "add" | "merge" | "finish",
    (...args: unknown[]) => unknown
  >;
  const accumulators = parts.map(([first, ...rest]) =>
    rest.reduce((acc, value) => add(acc, value), init(first)),
  );
  const merged = accumulators.reduce((acc, later) => merge(acc, later));
  return finish === undefined ? merged : finish(merged);
}
