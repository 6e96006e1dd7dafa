import { describe, expect, it } from "vitest";
import { createMsgpackCodec } from "../../adapters/codec/msgpack-codec.ts";
import { crc32, gzip } from "../../adapters/codec/zlib.ts";
import type { EndNode, NarrowNode, Plan, PlanNode, SourceNode, UserFunction } from "../../plan/node.ts";
import type { SourceSplit } from "../../plan/task.ts";
import { type PlanRunOptions, runPlan } from "../../sim/jobs/plan-run.ts";
import { MemoryInputs } from "../../sim/ports/memory-inputs.ts";
import { isStopped } from "./run-task.ts";

const ports = { codec: createMsgpackCodec(), crc32, gzip };
type Fn = (...args: never[]) => unknown;

const of = (...values: unknown[]): SourceNode => ({
  kind: "source",
  source: { format: "of", values, partitions: undefined },
});
const via = (kind: Exclude<NarrowNode["kind"], "sample">, input: PlanNode, fn: Fn): NarrowNode => {
  return { kind, input, fn: fn as UserFunction };
};
const sample = (input: PlanNode, fraction: number, seed = ""): PlanNode => ({
  kind: "sample",
  input,
  fraction,
  seed,
});
const collect = (input: PlanNode): EndNode => ({ kind: "collect", input, rowsMax: 1e9, single: false });
const planOf = (...nodes: PlanNode[]): Plan => ({
  ends: nodes.map((node, index) => ({ name: `end${index}`, end: collect(node) })),
  shape: "record",
});
function wideOf(kind: "group" | "aggregate" | "join" | "sort" | "top", input: PlanNode): PlanNode {
  const first = (([key]: readonly [unknown]) => key) as UserFunction;
  switch (kind) {
    case "group":
      return { kind, input, key: "pair", combine: undefined, partitions: 1 };
    case "aggregate":
      return { kind, input, key: "pair", aggregator: "count", emit: "pair", empty: undefined, partitions: 1 };
    case "join":
      return { kind, how: "inner", strategy: "shuffle", left: input, right: input, partitions: 1 };
    case "sort":
      return { kind, input, by: first, descending: false, partitions: 1 };
    case "top":
      return { kind, input, by: first, count: 5000 };
  }
}
const items = (...ends: number[]): SourceSplit[] =>
  ends.map((end, index) => ({ kind: "items", start: ends[index - 1] ?? 0, end }));

const run = (plan: Plan, splits: SourceSplit[], options: Partial<PlanRunOptions> = {}) =>
  runPlan({ plan, splits: [splits], ...ports, ...options });
const failure = async (promise: Promise<unknown>) =>
  promise.then(
    () => {
      throw new Error("it did not fail");
    },
    (error) => error,
  );

describe("a task", () => {
  it("runs the operators of a stage, partition by partition", async () => {
    const words = via("flatMap", of("a b", "", "c"), (line: string) => line.split(" "));
    const { collected, tasks } = await run(
      planOf(via("filter", words, (word: string) => word !== "")),
      items(2, 3),
    );
    expect(collected.end0).toEqual(["a", "b", "c"]);
    expect(tasks[0]!.map(({ rowsIn, sinkRows }) => ({ rowsIn, sinkRows }))).toEqual([
      { rowsIn: 2, sinkRows: [2] },
      { rowsIn: 1, sinkRows: [1] },
    ]);
  });

  it("gives several ends what they share", async () => {
    let calls = 0;
    const shared = via("map", of(1, 2, 3), (n: number) => {
      calls++;
      return n * 10;
    });
    const plan = planOf(
      shared,
      via("filter", shared, (n: number) => n > 10),
    );
    const { collected } = await run(plan, items(3));
    expect(collected).toEqual({ end0: [10, 20, 30], end1: [20, 30] });
    expect(calls).toBe(3);
  });

  it("reports counters, log lines and progress", async () => {
    const lines: unknown[] = [];
    const progress: number[] = [];
    const node = via(
      "map",
      of(1, 2),
      (n: number, ctx: { counter(name: string, by?: number): void; log(m: string): void }) => {
        ctx.counter("sum", n);
        ctx.log(`row ${n}`);
        return n;
      },
    );
    const control = {
      log: (message: string) => lines.push(message),
      progress: (rows: number) => progress.push(rows),
    };
    const { tasks } = await run(planOf(node), items(2), { control });
    expect(tasks[0]![0]!.counters).toEqual({ sum: 3 });
    expect(lines).toEqual(["row 1", "row 2"]);
    expect(progress).toEqual([2]);
  });

  it("draws samples and random numbers that do not depend on the attempt", async () => {
    const numbers = of(...Array.from({ length: 2000 }, (_, i) => i));
    const half = sample(numbers, 0.5, "s");
    const drawn = via("map", half, (n: number, ctx: { random(): number }) => [n, ctx.random()]);
    const first = await run(planOf(drawn), items(2000));
    const again = await run(planOf(drawn), items(2000), { attempt: 3 });
    expect(again.collected).toEqual(first.collected);
    expect(first.collected.end0!.length).toBeGreaterThan(850);
    expect(first.collected.end0!.length).toBeLessThan(1150);
    expect((await run(planOf(drawn), items(2000), { seed: "other" })).collected).not.toEqual(first.collected);
    expect((await run(planOf(sample(numbers, 0), sample(numbers, 1)), items(2000))).collected).toMatchObject({
      end0: [],
      end1: { length: 2000 },
    });
  });
});

describe("mapPartitions", () => {
  it("sees the whole partition once, and its results go on through the operators below", async () => {
    const sums = via("mapPartitions", of(1, 2, 3, 4), function* (rows: Iterable<number>) {
      let sum = 0;
      for (const row of rows) {
        sum += row;
        yield [row, sum];
      }
    });
    const plan = planOf(
      sums,
      via("map", sums, ([, sum]: [number, number]) => sum),
    );
    const { collected, tasks } = await run(plan, items(3, 4));
    expect(collected.end1).toEqual([1, 3, 6, 4]);
    expect(collected.end0).toEqual([
      [1, 1],
      [2, 3],
      [3, 6],
      [4, 4],
    ]);
    expect(tasks[0]![0]!.sinkRows).toEqual([3, 3]);
  });

  it("nests, beside branches without it, and with any memory", async () => {
    const numbers = of(...Array.from({ length: 5000 }, (_, i) => ({ i, text: `row ${i}` })));
    const even = via("mapPartitions", numbers, (rows: Iterable<{ i: number }>) =>
      [...rows].filter(({ i }) => i % 2 === 0),
    );
    const named = via("map", even, ({ text }: { text: string }) => text);
    const last = via("mapPartitions", named, (rows: Iterable<string>) => [...rows].slice(-2));
    for (const memoryBytes of [0, 40_000, 1 << 26]) {
      const { collected, scratches } = await run(planOf(last, numbers, named), items(5000), { memoryBytes });
      expect(collected.end0).toEqual(["row 4996", "row 4998"]);
      expect(collected.end1!.length).toBe(5000);
      expect(collected.end2!.length).toBe(2500);
      expect(scratches[0]!.bytesWritten > 0).toBe(memoryBytes < 100_000);
      expect(scratches[0]!.filesOpen).toBe(0);
    }
  });

  it("may stop early, yield nothing, read twice, and yield one object again and again", async () => {
    const numbers = of(1, 2, 3);
    const first = via("mapPartitions", numbers, (rows: Iterable<number>) => {
      for (const row of rows) return [row];
      return [];
    });
    const twice = via("mapPartitions", numbers, (rows: Iterable<number>) => [...rows, ...rows]);
    const reuse = via("mapPartitions", numbers, function* (rows: Iterable<number>) {
      const box = { n: 0 };
      for (box.n of rows) yield box;
    });
    const unboxed = via("map", reuse, ({ n }: { n: number }) => n);
    const none = via("mapPartitions", numbers, () => []);
    const { collected } = await run(planOf(first, twice, unboxed, none), items(3));
    expect(collected).toEqual({ end0: [1], end1: [1, 2, 3, 1, 2, 3], end2: [1, 2, 3], end3: [] });
  });

  it("is called for a partition without records", async () => {
    const count = via("mapPartitions", of(), (rows: Iterable<unknown>) => [[...rows].length]);
    expect((await run(planOf(count), items(0))).collected.end0).toEqual([0]);
  });

  it("names the record read last, or the one that failed below it", async () => {
    const reading = via("mapPartitions", of("a", "b", "c"), function* bad(rows: Iterable<string>) {
      for (const row of rows) {
        if (row === "b") throw new Error("no b");
        yield row;
      }
    });
    expect(await failure(run(planOf(reading), items(3)))).toMatchObject({
      code: "USER_FUNCTION",
      details: { operator: "mapPartitions(bad)", record: '"b"' },
    });
    let closed = false;
    const results = via("mapPartitions", of(1), function* () {
      try {
        yield 1;
        yield 2;
      } finally {
        closed = true;
      }
    });
    const below = via("map", results, function half(n: number) {
      if (n === 2) throw new Error("no 2");
      return n;
    });
    expect(await failure(run(planOf(below), items(1)))).toMatchObject({
      details: { operator: "map(half)", record: "2" },
    });
    expect(closed).toBe(true);
  });

  it.each([[null], ["text"], [5], [Promise.resolve([])]])("refuses the result %o", async (result) => {
    const node = via("mapPartitions", of(1), () => result);
    expect(await failure(run(planOf(node), items(1)))).toMatchObject({
      code: "USER_FUNCTION",
      retryable: false,
    });
  });
});

describe("a task that fails", () => {
  it("names the user's line and the record's place in its file", async () => {
    const inputs = new MemoryInputs();
    inputs.write("/data/a.txt", "one\ntwo\nthree\n");
    const [file] = await inputs.list(["/data/a.txt"]);
    const source: SourceNode = {
      kind: "source",
      source: { format: "lines", paths: ["/data/a.txt"], splitBytes: undefined, recordBytesMax: 1000 },
    };
    const node = via("map", source, function parse(line: string) {
      if (line === "three") throw new RangeError("too many");
      return line;
    });
    const split: SourceSplit = { kind: "bytes", file: file!, start: 0, end: 14 };
    const error = await failure(run(planOf(node), [split], { inputs }));
    expect(error).toMatchObject({
      code: "USER_FUNCTION",
      retryable: true,
      details: {
        operator: "map(parse)",
        source: expect.stringMatching(/run-task\.test\.ts:\d+:\d+$/),
        file: "/data/a.txt",
        line: 3,
        byteOffset: 8,
      },
    });
    expect(error.message).toContain("RangeError: too many");
    expect(error.message).toContain("line 3 of /data/a.txt (byte 8)");
  });

  it("leaves nothing behind", async () => {
    const spooled = via(
      "mapPartitions",
      via("map", of(1, 2), (n: number) => n),
      (rows: Iterable<number>) => rows,
    );
    const bad = via("map", spooled, () => {
      throw new Error("bad");
    });
    const { outputs, scratches } = await run(planOf(spooled), items(2), { memoryBytes: 0 });
    expect([outputs.staging, scratches[0]!.filesOpen]).toEqual([[], 0]);
    const error = await failure(run(planOf(bad), items(2), { memoryBytes: 0 }));
    expect(error.message).toContain("map failed at");
  });

  it("closes generators that were under way, innermost first", async () => {
    const closed: string[] = [];
    const closing = (name: string) =>
      function* () {
        try {
          yield 1;
        } finally {
          closed.push(name);
        }
      };
    const nested = via("flatMap", via("flatMap", of(0), closing("outer")), closing("inner"));
    const bad = via("map", nested, () => {
      throw new Error("bad");
    });
    await failure(run(planOf(bad), items(1)));
    expect(closed).toEqual(["inner", "outer"]);
  });

  it("names the function of an aggregation, before the shuffle and behind it", async () => {
    const sum = (fail: "add" | "merge" | "finish"): PlanNode => ({
      kind: "aggregate",
      input: of(["a", 1], ["a", 2]),
      key: "pair",
      aggregator: {
        init: ((n: number) => n) as UserFunction,
        add: ((a: number, b: number) => explode(fail === "add", a + b)) as UserFunction,
        merge: ((a: number, b: number) => explode(fail === "merge", a + b)) as UserFunction,
        finish: ((a: number) => explode(fail === "finish", a)) as UserFunction,
      },
      emit: "pair",
      empty: undefined,
      partitions: 1,
    });
    for (const fail of ["add", "finish"] as const) {
      expect(await failure(run(planOf(sum(fail)), items(2)))).toMatchObject({
        code: "USER_FUNCTION",
        message: expect.stringContaining("aggregateByKey failed at"),
        details: { source: expect.stringMatching(/run-task\.test\.ts:\d+/) },
      });
    }
    expect(await failure(run(planOf(sum("merge")), items(1, 2)))).toMatchObject({ code: "USER_FUNCTION" });
  });

  it("names the record that is no pair", async () => {
    const node: PlanNode = {
      kind: "group",
      input: of(["a", 1], "b"),
      key: "pair",
      combine: undefined,
      partitions: 1,
    };
    expect(await failure(run(planOf(node), items(2)))).toMatchObject({
      code: "KEY_INVALID",
      message: expect.stringMatching(/^groupBy needs \[key, value\] pairs, and was given "b"\./),
    });
  });
});

const explode = (fail: boolean, value: number): number => {
  if (fail) throw new Error("explode");
  return value;
};

describe("a task that is asked to stop", () => {
  it("stops between batches", async () => {
    let asked = 0;
    const control = { stopRequested: () => ++asked > 2 };
    const numbers = of(...Array.from({ length: 100_000 }, (_, i) => i));
    expect(isStopped(await failure(run(planOf(numbers), items(100_000), { control })))).toBe(true);
  });

  it("stops although its function fails because of it, and inside mapPartitions", async () => {
    let stop = false;
    const control = { stopRequested: () => stop };
    const aborting = via("map", of(1), () => {
      stop = true;
      throw new Error("aborted");
    });
    expect(isStopped(await failure(run(planOf(aborting), items(1), { control })))).toBe(true);
    stop = false;
    const endless = via("mapPartitions", of(1), function* () {
      for (let i = 0; ; i++) {
        stop = i > 3000;
        yield i;
      }
    });
    expect(isStopped(await failure(run(planOf(endless), items(1), { control })))).toBe(true);
  });

  it.each(["group", "aggregate", "join", "sort", "top"] as const)(
    "stops while a %s takes in what it needs for its first batch, and reports progress and breathes there",
    async (kind) => {
      let stop = false;
      let breaths = 0;
      let rows = 0;
      const control = {
        stopRequested: () => stop,
        progress: (rowsIn: number, bytesIn: number) => {
          if (rowsIn === 0 && bytesIn > 0) stop = true;
        },
        breathe: async () => void breaths++,
      };
      const numbers = of(...Array.from({ length: 30_000 }, (_, i) => i));
      const pairs = via("map", numbers, (n: number) => [n, n]);
      const counted = via("map", wideOf(kind, pairs), () => rows++);
      const mapBreaths = 3 * Math.ceil(10_000 / 1024);
      const stopped = await failure(
        run(planOf(counted), items(10_000, 20_000, 30_000), { control, memoryBytes: 1 << 16 }),
      );
      expect(isStopped(stopped)).toBe(true);
      expect(rows).toBe(0);
      expect(breaths).toBeGreaterThan(mapBreaths);
    },
  );

  it("stops while runs on scratch are merged and groups are skipped", async () => {
    const numbers = of(...Array.from({ length: 30_000 }, (_, i) => i));
    const hot = via("keyBy", numbers, () => 1);
    let groups = 0;
    let stop = false;
    const control = { stopRequested: () => stop };
    const unread = via("map", wideOf("group", hot), () => {
      groups++;
      stop = true;
    });
    const stopped = await failure(run(planOf(unread), items(30_000), { control, memoryBytes: 1 << 12 }));
    expect([isStopped(stopped), groups]).toEqual([true, 1]);
  });

  it("gives other tasks of its thread a turn after each batch", async () => {
    let turns = 0;
    const breathe = async () => void turns++;
    await run(planOf(of(1, 2, 3)), items(3), { control: { breathe } });
    expect(turns).toBe(1);
  });
});

describe("writing", () => {
  const write = (input: PlanNode, directory: string): EndNode => ({
    kind: "write",
    input,
    format: "jsonl",
    directory,
    overwrite: false,
    columns: undefined,
    gzip: false,
  });

  it("writes a file a partition, without a block, and says which record cannot be written", async () => {
    const input = via("map", of(1, 2, 3), (n: number) => (n === 3 ? { big: 3n } : { n }));
    const plan: Plan = { ends: [{ name: "out", end: write(input, "/out") }], shape: "single" };
    const { outputs, tasks } = await run(plan, items(1, 2));
    const files = outputs.directories.get("/out")!.files;
    expect([...files].map(([name, bytes]) => [name, Buffer.from(bytes).toString()])).toEqual([
      ["part-00000", '{"n":1}\n'],
      ["part-00001", '{"n":2}\n'],
    ]);
    expect(tasks[0]!.map((task) => task.block)).toEqual([undefined, undefined]);
    expect(await failure(run(plan, items(3)))).toMatchObject({
      code: "VALUE_UNENCODABLE",
      message: expect.stringMatching(/a bigint at big\. Convert.*\nThe record: item 2 of read\.of/),
      details: { operator: "write jsonl" },
    });
  });

  it("writes what a union brings through several sinks of one stage, in order", async () => {
    const source = of("a");
    const union: PlanNode = { kind: "union", inputs: [via("map", source, (s: string) => `${s}2`), source] };
    const plan: Plan = { ends: [{ name: "out", end: write(union, "/out") }], shape: "single" };
    const { outputs } = await run(plan, items(1));
    const texts = [...outputs.directories.get("/out")!.files.values()].map((bytes) =>
      Buffer.from(bytes).toString(),
    );
    expect(texts).toEqual(['"a2"\n', '"a"\n']);
  });
});
