/**
 * The jobs that chaos keeps running, one of them for each shape of work. A copy of this file lies beside the inputs.
 *
 * Every task waits a little, so that faults meet jobs in the middle of what they do, and costs next to nothing. What
 * comes out is told once more, by other means, in expected-rows.ts.
 */
import { job, read } from "bicoastal";

const WORK_TASKS = 6;
const REDUCE_TASKS = 4;
const WORDS_A_LINE = 5;
const clock = new Int32Array(new SharedArrayBuffer(4));

/**
 * @template T
 * @param {number} pauseMs
 * @returns {(records: Iterable<T>) => Iterable<T>}
 */
const after = (pauseMs) => (records) => {
  Atomics.wait(clock, 0, 0, pauseMs);
  return records;
};

/** @param {{ rows: number, salt: number, pauseMs: number }} params */
const sales = ({ rows, salt, pauseMs }) =>
  read
    .range(0, rows, { partitions: WORK_TASKS })
    .mapPartitions(/** @type {(n: Iterable<number>) => Iterable<number>} */ (after(pauseMs)))
    .map((n) => ({ n, shop: (n * 7_919 + salt) % 97, amount: ((n * 31 + salt) % 1_009) - 500 }));

/** @param {number} n @param {number} salt */
const scrambled = (n, salt) => (n * 48_271 + salt * 13) % 65_521;

const shared = { rows: 0, salt: 0, pauseMs: 0 };

export const words = job({
  name: "words",
  params: { ...shared, input: "" },
  run: ({ input, salt, pauseMs }) =>
    read
      .lines(input)
      .flatMap((line) => line.split(" ").slice(0, 1 + (salt % WORDS_A_LINE)))
      .countBy((word) => word, { partitions: REDUCE_TASKS })
      .mapPartitions(
        /** @type {(r: Iterable<[string, number]>) => Iterable<[string, number]>} */ (after(pauseMs)),
      )
      .sortBy(([word]) => word),
});

export const groups = job({
  name: "groups",
  params: { ...shared, out: "" },
  run: ({ out, ...params }) =>
    sales(params)
      .groupBy(({ shop }) => shop, { partitions: REDUCE_TASKS })
      .map(([shop, list]) => {
        const amounts = [...list].map(({ amount }) => amount);
        return { shop, count: amounts.length, sum: amounts.reduce((a, b) => a + b), first: amounts[0] };
      })
      .mapPartitions(after(params.pauseMs))
      .write("jsonl", out),
});

export const joined = job({
  name: "joined",
  params: shared,
  run: (params) => {
    const left = sales(params).map(({ shop, amount }) => /** @type {[number, number]} */ ([shop, amount]));
    const right = read
      .range(0, 60, { partitions: 2 })
      .map((shop) => /** @type {[number, string]} */ ([shop, `city ${(shop * 7 + params.salt) % 11}`]));
    return left
      .join(right, { how: "inner", strategy: "shuffle", partitions: REDUCE_TASKS })
      .map(([, [amount, city]]) => /** @type {[string, number]} */ ([city, amount]))
      .reduceByKey((a, b) => a + b, { partitions: 2 })
      .mapPartitions(
        /** @type {(r: Iterable<[string, number]>) => Iterable<[string, number]>} */ (after(params.pauseMs)),
      );
  },
});

export const sorted = job({
  name: "sorted",
  params: { ...shared, out: "" },
  run: ({ out, rows, salt, pauseMs }) =>
    read
      .range(0, rows, { partitions: WORK_TASKS })
      .mapPartitions(/** @type {(n: Iterable<number>) => Iterable<number>} */ (after(pauseMs)))
      .map((n) => `${String(scrambled(n, salt)).padStart(6, "0")} ${n} ${"x".repeat(40)}`)
      .sortBy((line) => line, { partitions: REDUCE_TASKS })
      .mapPartitions(/** @type {(r: Iterable<string>) => Iterable<string>} */ (after(pauseMs)))
      .write("text", out),
});

export const ends = job({
  name: "ends",
  params: { ...shared, out: "" },
  run: ({ out, ...params }) => {
    const all = sales(params);
    const sums = all
      .map(({ shop, amount }) => /** @type {[number, number]} */ ([shop, amount]))
      .reduceByKey((a, b) => a + b, { partitions: REDUCE_TASKS })
      .mapPartitions(
        /** @type {(r: Iterable<[number, number]>) => Iterable<[number, number]>} */ (after(params.pauseMs)),
      );
    return {
      written: sums.map(([shop, sum]) => ({ shop, sum })).write("jsonl", out),
      best: sums.top(5, ([shop, sum]) => sum * 100 + shop),
      total: all.count(),
    };
  },
});
