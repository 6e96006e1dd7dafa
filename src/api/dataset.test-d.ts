/** What users see of types, operator by operator, in the order of dataset.ts. Long because that is: one file answers for it. */
import { describe, expectTypeOf, test } from "vitest";
import type { TaskContext } from "../plan/context.ts";
import type { Dataset, Key } from "./dataset.ts";
import type { End } from "./end.ts";
import { job } from "./job.ts";
import type { WriteResult } from "./operators/write.ts";
import { read } from "./read.ts";
import type { AsyncFunctionRefused } from "./refuse-async.ts";

interface User {
  readonly id: number;
  readonly name: string;
  readonly country: string | undefined;
}
interface Order {
  readonly userId: number;
  readonly total: number;
}
declare const users: Dataset<User>;
declare const orders: Dataset<Order>;
declare const lines: Dataset<string>;
declare const prices: Dataset<[string, number]>;

describe("operators on one record", () => {
  test("map gives what the function gives, and tuples for array literals", () => {
    expectTypeOf(lines.map((line) => line.length)).toEqualTypeOf<Dataset<number>>();
    expectTypeOf(lines.map((line) => [line, 1])).toEqualTypeOf<Dataset<[string, number]>>();
    expectTypeOf(lines.map((line) => line.split(","))).toEqualTypeOf<Dataset<string[]>>();
    expectTypeOf(lines.map((line) => ({ line, kind: "text" }))).toEqualTypeOf<
      Dataset<{ line: string; kind: string }>
    >();
    expectTypeOf(users.map((user) => user.country)).toEqualTypeOf<Dataset<string | undefined>>();
    expectTypeOf(lines.map(() => null)).toEqualTypeOf<Dataset<null>>();
    // @ts-expect-error: no such field
    users.map((user) => user.nme);
  });

  test("the context comes second", () => {
    lines.map((line, ctx) => {
      expectTypeOf(ctx).toEqualTypeOf<TaskContext>();
      return line;
    });
    // @ts-expect-error: no such member
    lines.filter((_, ctx) => ctx.rnadom() < 0.5);
  });

  test("flatMap gives the items", () => {
    expectTypeOf(lines.flatMap((line) => line.match(/\w+/g) ?? [])).toEqualTypeOf<Dataset<string>>();
    expectTypeOf(lines.flatMap((line) => [[line, 1]])).toEqualTypeOf<Dataset<[string, number]>>();
    expectTypeOf(
      lines.flatMap(function* (line) {
        yield line.length;
      }),
    ).toEqualTypeOf<Dataset<number>>();
    // @ts-expect-error: not iterable
    lines.flatMap((line) => line.length);
  });

  test("filter keeps the type, or narrows it", () => {
    expectTypeOf(lines.filter((line) => line.length > 3)).toEqualTypeOf<Dataset<string>>();
    expectTypeOf(lines.filter((line) => line.match(/a/))).toEqualTypeOf<Dataset<string>>();
    const mixed = null as unknown as Dataset<string | number>;
    expectTypeOf(mixed.filter((value): value is number => typeof value === "number")).toEqualTypeOf<
      Dataset<number>
    >();
  });

  test("mapPartitions", () => {
    expectTypeOf(lines.mapPartitions((all) => [...all].map((line) => line.length))).toEqualTypeOf<
      Dataset<number>
    >();
    expectTypeOf(
      lines.mapPartitions(function* (all) {
        for (const line of all) yield { line };
      }),
    ).toEqualTypeOf<Dataset<{ line: string }>>();
  });

  test("words", () => {
    expectTypeOf(lines.words()).toEqualTypeOf<Dataset<string>>();
    // @ts-expect-error: not text
    users.words();
  });

  test("keyBy, sample, union, repartition", () => {
    expectTypeOf(users.keyBy((user) => user.id)).toEqualTypeOf<Dataset<[number, User]>>();
    expectTypeOf(users.keyBy((user) => [user.name, user.id])).toEqualTypeOf<
      Dataset<[[string, number], User]>
    >();
    expectTypeOf(users.sample(0.1, { seed: 7 })).toEqualTypeOf<Dataset<User>>();
    expectTypeOf(lines.union(lines)).toEqualTypeOf<Dataset<string>>();
    expectTypeOf(lines.union(read.range(3))).toEqualTypeOf<Dataset<string | number>>();
    expectTypeOf(lines.union(prices, users)).toEqualTypeOf<Dataset<string | [string, number] | User>>();
    expectTypeOf(lines.repartition(3)).toEqualTypeOf<Dataset<string>>();
  });
});

describe("async functions", () => {
  type Refused = AsyncFunctionRefused;
  type Parsed = ReturnType<typeof JSON.parse>;

  test("are refused where records are made or chosen", () => {
    expectTypeOf(lines.map(async (line) => line.length)).toEqualTypeOf<Refused>();
    expectTypeOf(lines.map((line, ctx) => Promise.resolve([line, ctx.now]))).toEqualTypeOf<Refused>();
    expectTypeOf(lines.filter(async (line) => line === "")).toEqualTypeOf<Refused>();
    // @ts-expect-error: nothing follows an async function
    lines.map(async (line) => line.length).count();
    // @ts-expect-error: nor can a job return it
    job({ name: "async", run: () => lines.map(async (line) => line.length) });
    // @ts-expect-error: a promise is no list
    lines.flatMap(async (line) => [line]);
    // @ts-expect-error: a promise is no list
    lines.mapPartitions(async (all) => [...all]);
    // @ts-expect-error: a promise is no text
    lines.reduce(async (a, b) => a + b);
  });

  test("are refused where keys are made", () => {
    // @ts-expect-error: a promise is no key
    users.keyBy(async (user) => user.id);
    // @ts-expect-error: a promise is no key
    users.groupBy(async (user) => user.id);
    // @ts-expect-error: a promise is no key
    users.countBy(async (user) => user.id);
    // @ts-expect-error: a promise is no key
    users.distinct(async (user) => user.id);
    // @ts-expect-error: a promise is no key
    users.sortBy(async (user) => user.id);
    // @ts-expect-error: a promise is no key
    users.top(3, async (user) => user.id);
    // @ts-expect-error: a promise is no key
    users.join(orders, { left: async (user) => user.id, right: async (order) => order.userId });
  });

  test("are refused in aggregators", () => {
    const sum = {
      zero: () => 0,
      add: (a: number, b: number) => a + b,
      merge: (a: number, b: number) => a + b,
    };
    expectTypeOf(prices.aggregateByKey({ ...sum, finish: (all) => `${all}` })).toEqualTypeOf<
      Dataset<[string, string]>
    >();
    // @ts-expect-error: a promise is no result
    prices.aggregateByKey({ ...sum, finish: async (all) => all });
    // @ts-expect-error: a promise is no accumulator
    prices.aggregateByKey({ ...sum, add: async (a, b) => a + b });
    // @ts-expect-error: a promise is no accumulator
    prices.aggregateByKey({ ...sum, merge: async (a, b) => a + b });
    // @ts-expect-error: a promise is no value
    prices.reduceByKey(async (a, b) => a + b);
  });

  test("do not make other functions worse", () => {
    const untyped = null as unknown as Dataset<{ [field: string]: unknown }>;
    expectTypeOf(untyped.map((row) => row.id)).toEqualTypeOf<Dataset<unknown>>();
    expectTypeOf(untyped.filter((row) => row.id)).toEqualTypeOf(untyped);
    expectTypeOf(lines.map((line) => JSON.parse(line))).toEqualTypeOf<Dataset<Parsed>>();
    expectTypeOf(lines.filter((line) => JSON.parse(line))).toEqualTypeOf<Dataset<string>>();
    const fail = (): never => {
      throw new Error("always");
    };
    expectTypeOf(lines.map(fail)).toEqualTypeOf<Dataset<never>>();
    expectTypeOf(lines.filter(fail)).toEqualTypeOf<Dataset<string>>();
    expectTypeOf(users.keyBy((user) => user)).toEqualTypeOf<Dataset<[User, User]>>();
    expectTypeOf(users.countBy()).toEqualTypeOf<Dataset<[User, number]>>();
    expectTypeOf(lines.map(() => [])).toEqualTypeOf<Dataset<[]>>();
    expectTypeOf(lines.map((line) => [JSON.parse(line), 1])).toEqualTypeOf<Dataset<[Parsed, number]>>();
    expectTypeOf(lines.map(String)).toEqualTypeOf<Dataset<string>>();
    expectTypeOf(lines.filter(Boolean)).toEqualTypeOf<Dataset<string>>();
  });

  test("and functions of any type can be passed on", () => {
    const through = <T, K extends Key, R>(all: Dataset<T>, key: (record: T) => K, fn: (record: T) => R) => {
      expectTypeOf(all.map(fn)).toEqualTypeOf<Dataset<R>>();
      expectTypeOf(all.map((record) => [key(record), fn(record)])).toEqualTypeOf<Dataset<[K, R]>>();
      expectTypeOf(all.filter(fn)).toEqualTypeOf<Dataset<T>>();
      expectTypeOf(all.keyBy(key)).toEqualTypeOf<Dataset<[K, T]>>();
      expectTypeOf(all.countBy(key)).toEqualTypeOf<Dataset<[K, number]>>();
    };
    through(users, (user) => user.id, String);
  });
});

describe("operators by key", () => {
  test("groupBy and groupByKey", () => {
    expectTypeOf(users.groupBy((user) => user.country)).toEqualTypeOf<
      Dataset<[string | undefined, Iterable<User>]>
    >();
    expectTypeOf(prices.groupByKey()).toEqualTypeOf<Dataset<[string, Iterable<number>]>>();
    // @ts-expect-error: not pairs
    lines.groupByKey();
    // @ts-expect-error: a symbol is no key
    users.groupBy(() => Symbol("no"));
  });

  test("countBy", () => {
    expectTypeOf(lines.words().countBy()).toEqualTypeOf<Dataset<[string, number]>>();
    expectTypeOf(prices.countBy({ partitions: 2 })).toEqualTypeOf<Dataset<[[string, number], number]>>();
    // @ts-expect-error: a symbol is no key
    lines.map(() => Symbol("no")).countBy();
    expectTypeOf(lines.countBy((line) => line)).toEqualTypeOf<Dataset<[string, number]>>();
    expectTypeOf(lines.countBy((line) => [line, line.length])).toEqualTypeOf<
      Dataset<[[string, number], number]>
    >();
    // @ts-expect-error: no such field
    users.countBy((user) => user.nme);
    // @ts-expect-error: no such option
    users.countBy((user) => user.id, { partition: 3 });
  });

  test("reduceByKey takes pairs only", () => {
    expectTypeOf(lines.map((line) => [line, 1]).reduceByKey((a, b) => a + b)).toEqualTypeOf<
      Dataset<[string, number]>
    >();
    // @ts-expect-error: not pairs
    lines.reduceByKey((a) => a);
    // @ts-expect-error: a value is no text
    prices.reduceByKey((a, b) => `${a}${b}`);
  });

  test("aggregateByKey", () => {
    const means = prices.aggregateByKey({
      zero: () => ({ sum: 0, count: 0 }),
      add: (all, price) => ({ sum: all.sum + price, count: all.count + 1 }),
      merge: (a, b) => ({ sum: a.sum + b.sum, count: a.count + b.count }),
      finish: ({ sum, count }) => (sum / count).toFixed(2),
      partitions: 2,
    });
    expectTypeOf(means).toEqualTypeOf<Dataset<[string, string]>>();
    const sums = prices.aggregateByKey({ zero: () => 0, add: (a, b) => a + b, merge: (a, b) => a + b });
    expectTypeOf(sums).toEqualTypeOf<Dataset<[string, number]>>();
    // @ts-expect-error: merge is missing
    prices.aggregateByKey({ zero: () => 0, add: (a: number, b: number) => a + b });
  });

  test("distinct", () => {
    expectTypeOf(lines.distinct()).toEqualTypeOf<Dataset<string>>();
    expectTypeOf(users.distinct((user) => user.name, { partitions: 3 })).toEqualTypeOf<Dataset<User>>();
    expectTypeOf(users.distinct({ partitions: 3 })).toEqualTypeOf<Dataset<User>>();
  });

  test("mapReduce", () => {
    const counts = lines.mapReduce<string, number, [string, number]>({
      map: (line, emit) => emit(line, 1),
      combine: (_, values) => [...values].reduce((a, b) => a + b),
      reduce: (word, values, emit) => emit([word, [...values].length]),
    });
    expectTypeOf(counts).toEqualTypeOf<Dataset<[string, number]>>();
    const annotated = lines.mapReduce({
      map: (line, emit: (key: string, value: number) => void) => emit(line, 1),
      reduce: (word, values, emit: (record: string) => void) => {
        expectTypeOf(word).toEqualTypeOf<string>();
        expectTypeOf(values).toEqualTypeOf<Iterable<number>>();
        emit(word);
      },
    });
    expectTypeOf(annotated).toEqualTypeOf<Dataset<string>>();
  });
});

describe("two data sets", () => {
  const left = null as unknown as Dataset<[number, User]>;
  const right = null as unknown as Dataset<[number, Order]>;

  test("join of pairs", () => {
    expectTypeOf(left.join(right)).toEqualTypeOf<Dataset<[number, [User, Order]]>>();
    expectTypeOf(left.join(right, "inner")).toEqualTypeOf<Dataset<[number, [User, Order]]>>();
    expectTypeOf(left.join(right, "left")).toEqualTypeOf<Dataset<[number, [User, Order | undefined]]>>();
    expectTypeOf(left.join(right, "right")).toEqualTypeOf<Dataset<[number, [User | undefined, Order]]>>();
    expectTypeOf(left.join(right, "full")).toEqualTypeOf<
      Dataset<[number, [User | undefined, Order | undefined]]>
    >();
    expectTypeOf(left.join(right, "semi")).toEqualTypeOf<Dataset<[number, User]>>();
    expectTypeOf(left.join(right, { how: "anti", partitions: 2 })).toEqualTypeOf<Dataset<[number, User]>>();
    // @ts-expect-error: no such join
    left.join(right, "outer");
    // @ts-expect-error: keys of another type
    left.join(prices);
    // @ts-expect-error: not pairs
    lines.join(right);
  });

  test("join by functions", () => {
    const joined = users.join(orders, {
      left: (user) => user.id,
      right: (order) => order.userId,
      how: "left",
    });
    expectTypeOf(joined).toEqualTypeOf<Dataset<[number, [User, Order | undefined]]>>();
    expectTypeOf(
      users.join(orders, { left: (user) => user.id, right: (order) => order.userId }),
    ).toEqualTypeOf<Dataset<[number, [User, Order]]>>();
    // @ts-expect-error: no such field
    users.join(orders, { left: (user) => user.nme, right: (order) => order.userId });
    // @ts-expect-error: keys of two types
    users.join(orders, { left: (user) => user.name, right: (order) => order.userId });
  });

  test("cogroup", () => {
    expectTypeOf(left.cogroup(right)).toEqualTypeOf<Dataset<[number, [Iterable<User>, Iterable<Order>]]>>();
  });
});

describe("order and ends", () => {
  test("sortBy and top keep the type", () => {
    expectTypeOf(
      users.sortBy((user) => [user.country, user.id], { descending: [false, true] }),
    ).toEqualTypeOf<Dataset<User>>();
    expectTypeOf(prices.top(3, ([, price]) => price)).toEqualTypeOf<Dataset<[string, number]>>();
    // @ts-expect-error: no such field
    users.sortBy((user) => user.nme);
  });

  test("ends", () => {
    expectTypeOf(users.collect({ limit: 3 })).toEqualTypeOf<End<User[]>>();
    expectTypeOf(users.count()).toEqualTypeOf<End<number>>();
    expectTypeOf(lines.reduce((a, b) => a + b)).toEqualTypeOf<End<string | undefined>>();
    expectTypeOf(
      lines.aggregate({ zero: () => 0, add: (sum, line) => sum + line.length, merge: (a, b) => a + b }),
    ).toEqualTypeOf<End<number>>();
    expectTypeOf(users.write("jsonl", "out")).toEqualTypeOf<End<WriteResult>>();
    expectTypeOf(lines.write("text", "out", { gzip: true })).toEqualTypeOf<End<WriteResult>>();
    users.write("csv", "out", { columns: ["name", "id"] });
    // @ts-expect-error: no such field
    users.write("csv", "out", { columns: ["nme"] });
    // @ts-expect-error: text takes texts and numbers only
    users.write("text", "out");
    // @ts-expect-error: only csv has columns
    users.write("jsonl", "out", { columns: ["name"] });
  });

  test("a data set is one of a wider type, and not of another", () => {
    expectTypeOf<Dataset<string>>().toExtend<Dataset<unknown>>();
    expectTypeOf<Dataset<[string, number]>>().toExtend<Dataset<readonly [unknown, unknown]>>();
    expectTypeOf<Dataset<string>>().not.toExtend<Dataset<number>>();
    expectTypeOf<End<string>>().not.toExtend<End<number>>();
  });
});

describe("named fields", () => {
  interface Sale {
    readonly city: string;
    readonly region: string | null;
    readonly amount: number;
    readonly tax?: number;
    readonly sold: Date;
    readonly tags: readonly string[];
    discount(): number;
  }
  const sales = null as unknown as Dataset<Sale>;
  const byCity = sales.keyBy("city");

  test("in place of key functions", () => {
    expectTypeOf(byCity).toEqualTypeOf<Dataset<[string, Sale]>>();
    expectTypeOf(sales.countBy("region")).toEqualTypeOf<Dataset<[string | null, number]>>();
    expectTypeOf(sales.countBy("tax", { partitions: 2 })).toEqualTypeOf<
      Dataset<[number | undefined, number]>
    >();
    expectTypeOf(sales.countBy("sold")).toEqualTypeOf<Dataset<[Date, number]>>();
    expectTypeOf(sales.groupBy("city")).toEqualTypeOf<Dataset<[string, Iterable<Sale>]>>();
    expectTypeOf(sales.distinct("city")).toEqualTypeOf<Dataset<Sale>>();
    expectTypeOf(sales.sortBy("amount", { descending: true })).toEqualTypeOf<Dataset<Sale>>();
    expectTypeOf(sales.top(3, "amount")).toEqualTypeOf<Dataset<Sale>>();
    expectTypeOf(read.of([{ a: 1 }, { a: 2 }]).countBy("a")).toEqualTypeOf<Dataset<[number, number]>>();
    // @ts-expect-error: no such field
    sales.keyBy("town");
    // @ts-expect-error: no such field
    sales.countBy("town");
    // @ts-expect-error: no such field
    sales.sortBy("town");
    // @ts-expect-error: a function is no key
    sales.keyBy("discount");
    // @ts-expect-error: text has no fields
    lines.countBy("length");
    // @ts-expect-error: pairs have no names
    prices.countBy("0");
  });

  test("sums and means are of numbers", () => {
    expectTypeOf(byCity.sumBy("amount")).toEqualTypeOf<Dataset<[string, number]>>();
    expectTypeOf(byCity.sumBy("tax", { partitions: 2 })).toEqualTypeOf<Dataset<[string, number | null]>>();
    expectTypeOf(byCity.avgBy("amount")).toEqualTypeOf<Dataset<[string, number]>>();
    expectTypeOf(byCity.sumBy((sale) => sale.amount * 2)).toEqualTypeOf<Dataset<[string, number]>>();
    expectTypeOf(byCity.avgBy((sale) => sale.tax)).toEqualTypeOf<Dataset<[string, number | null]>>();
    expectTypeOf(prices.sumBy((price) => price)).toEqualTypeOf<Dataset<[string, number]>>();
    // @ts-expect-error: text cannot be added up
    byCity.sumBy("city");
    // @ts-expect-error: nor has it a mean
    byCity.avgBy("city");
    // @ts-expect-error: no such field
    byCity.sumBy("amuont");
    // @ts-expect-error: not a number
    byCity.sumBy((sale) => sale.city);
    // @ts-expect-error: a promise is no number
    byCity.sumBy(async (sale) => sale.amount);
    // @ts-expect-error: not pairs
    sales.sumBy("amount");
  });

  test("the least and the greatest are of numbers or text", () => {
    expectTypeOf(byCity.minBy("amount")).toEqualTypeOf<Dataset<[string, number]>>();
    expectTypeOf(byCity.maxBy("region")).toEqualTypeOf<Dataset<[string, string | null]>>();
    expectTypeOf(byCity.maxBy((sale) => sale.tax)).toEqualTypeOf<Dataset<[string, number | null]>>();
    // @ts-expect-error: neither
    byCity.minBy("tags");
    // @ts-expect-error: neither
    byCity.maxBy((sale) => sale.tags);
  });

  test("of a schema", () => {
    const csv = read.csv("a.csv", { fields: { city: "string?", amount: "number", note: "string" } });
    expectTypeOf(csv.keyBy("city").sumBy("amount")).toEqualTypeOf<Dataset<[string | null, number]>>();
    // @ts-expect-error: text
    csv.keyBy("city").sumBy("note");
    const jsonl = read.jsonl("a.jsonl", { fields: { city: "string", amount: "number?", any: "json" } });
    expectTypeOf(jsonl.keyBy("city").maxBy("amount")).toEqualTypeOf<Dataset<[string, number | null]>>();
    // @ts-expect-error: of any type
    jsonl.countBy("any");
  });
});
