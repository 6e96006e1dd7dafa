import { describe, expect, it } from "vitest";
import { stageId } from "../../base/ids.ts";
import type { UserFunction } from "../../plan/node.ts";
import type { Branch, Sink, Stage } from "../../plan/stage.ts";
import { KeyIndex } from "../shuffle/aggregate/key-index.ts";
import { compileStage, type LoopState } from "./compile.ts";
import { UserMistake } from "./failure.ts";
import { generateStage } from "./generate.ts";

const source = { kind: "source", source: { format: "of", values: [], partitions: undefined } } as const;
const collect: Sink = {
  kind: "end",
  end: { kind: "collect", input: source, rowsMax: 1e9, single: false },
  endIndex: 0,
};
const sink = (index = 0): Branch => ({ kind: "sink", sink: index });
type Fn = (record: never, ctx: LoopState["ctx"]) => unknown;
const step = (kind: "map" | "flatMap" | "filter" | "keyBy", fn: Fn, ...next: Branch[]): Branch => ({
  kind: "step",
  op: { kind, input: source, fn: fn as UserFunction },
  next,
});

function stageOf(branches: readonly Branch[], sinks: readonly Sink[] = [collect]): Stage {
  return {
    id: stageId(3),
    input: { kind: "source", source, sourceIndex: 0 },
    broadcasts: [],
    branches,
    sinks,
    dependsOn: [],
  };
}

function runStage(stage: Stage, rows: readonly unknown[], parts: object = {}) {
  const given: unknown[][] = stage.sinks.map(() => []);
  const sinks = given.map((list) => ({
    push: (row: unknown) => void list.push(row),
    add: (key: unknown, value: unknown) => void list.push({ key, value }),
    finish: () => {},
    ...parts,
  }));
  const state = {
    ctx: { partition: 7 },
    sinks,
    sinkRows: stage.sinks.map(() => 0),
    samples: [],
    spools: [],
    tables: [],
    openIterators: [],
    failedSite: -1,
    failedRow: -1,
    failedRecord: undefined,
  } as unknown as LoopState;
  const compiled = compileStage(stage);
  let failure: unknown;
  try {
    compiled.loop(rows, rows.length, state);
  } catch (error) {
    failure = error;
  }
  return { given, state, failure, site: compiled.sites[state.failedSite] };
}

describe("the loop of a stage", () => {
  it("calls functions with the record and the context", () => {
    const calls: unknown[][] = [];
    const { given, state } = runStage(
      stageOf([
        step(
          "map",
          (...args: unknown[]) => {
            calls.push(args);
            return `${args[0]}!`;
          },
          sink(),
        ),
      ]),
      ["a", "b"],
    );
    expect(given).toEqual([["a!", "b!"]]);
    expect(calls).toEqual([
      ["a", state.ctx],
      ["b", state.ctx],
    ]);
    expect(state.sinkRows).toEqual([2]);
  });

  it("works once for sinks that share the work above them, and keeps filters of one branch out of the other", () => {
    let calls = 0;
    const double = (n: number) => {
      calls++;
      return n * 2;
    };
    const { given, state } = runStage(
      stageOf(
        [
          step(
            "map",
            double,
            step("filter", (n: number) => n > 2, sink(0)),
            step("keyBy", (n: number) => -n, sink(1)),
          ),
          sink(2),
        ],
        [collect, collect, collect],
      ),
      [1, 2],
    );
    expect(given).toEqual([
      [4],
      [
        [-2, 2],
        [-4, 4],
      ],
      [1, 2],
    ]);
    expect(calls).toBe(2);
    expect(state.sinkRows).toEqual([1, 2, 2]);
  });

  it("flattens arrays, generators, sets and typed arrays, in nests too", () => {
    const inner = (n: number) => (n % 2 === 0 ? new Set([n, n + 100]) : [n]);
    const outer = function* (n: number) {
      for (let i = 0; i < n; i++) yield i;
    };
    const { given, state } = runStage(
      stageOf([
        step(
          "flatMap",
          outer,
          step("filter", (n: number) => n !== 1, step("flatMap", inner, sink())),
        ),
      ]),
      [3, 0, 4],
    );
    expect(given).toEqual([[0, 100, 2, 102, 0, 100, 2, 102, 3]]);
    expect(state.openIterators).toEqual([]);
    expect(runStage(stageOf([step("flatMap", () => Uint8Array.of(4, 5), sink())]), [0]).given).toEqual([
      [4, 5],
    ]);
  });

  it("takes each record of a generator through before it asks for the next", () => {
    const reuse = function* () {
      const box = { n: 0 };
      for (box.n = 1; box.n <= 3; box.n++) yield box;
    };
    const { given } = runStage(
      stageOf([
        step(
          "flatMap",
          reuse,
          step("map", (b: { n: number }) => b.n, sink()),
        ),
      ]),
      [0],
    );
    expect(given).toEqual([[1, 2, 3]]);
  });

  it("takes the words of text, in nests too, and refuses what is no text", () => {
    const words = (...next: Branch[]): Branch => ({
      kind: "step",
      op: { kind: "words", input: source },
      next,
    });
    const long = step("filter", (word: string) => word.length > 1, words(sink(0)));
    const stage = stageOf([words(long, sink(1))], [collect, collect]);
    const { given, state } = runStage(stage, ["A bc", "", "-", "Dé-f"]);
    expect(given).toEqual([
      ["bc", "dé"],
      ["a", "bc", "dé", "f"],
    ]);
    expect(state.sinkRows).toEqual([2, 4]);

    const { failure, site } = runStage(stage, ["fine", 12]);
    expect(failure).toBeInstanceOf(UserMistake);
    expect(`${site?.label} ${(failure as Error).message}`).toMatch(/^words needs text, and was given 12\./);
  });

  it("has source text that grows with the number of nested flatMaps, not faster", () => {
    const nest = (depth: number): Branch =>
      depth === 0 ? sink() : step("flatMap", (n: number) => [n], nest(depth - 1));
    const lengthAt = (depth: number) => generateStage(stageOf([nest(depth)])).segments[0]!.source.length;
    expect(lengthAt(200) / lengthAt(100)).toBeLessThan(2.2);
    expect(runStage(stageOf([nest(300)]), [1]).given).toEqual([[1]]);
  });

  it("survives thousands of operators in a row", () => {
    let branch = sink();
    for (let i = 0; i < 3000; i++) {
      branch = i % 2 === 0 ? step("map", (n: number) => n + 1, branch) : step("filter", () => true, branch);
    }
    expect(runStage(stageOf([branch]), [0]).given).toEqual([[1500]]);
  });

  it("says which function failed, on which row", () => {
    const bad = new Error("bad");
    const { failure, state, site } = runStage(
      stageOf([
        step(
          "map",
          (n: number) => n,
          step(
            "filter",
            function positive(n: number) {
              if (n === 2) throw bad;
              return true;
            },
            sink(),
          ),
        ),
      ]),
      [0, 1, 2, 3],
    );
    expect(failure).toBe(bad);
    expect(site).toEqual({ label: "filter(positive)", calls: "user", late: false });
    expect(state.failedRow).toBe(2);
    expect(state.failedRecord).toBe(2);
  });

  it("blames the generator when it fails after the operators below it have run", () => {
    const late = function* late() {
      yield 1;
      throw new Error("late");
    };
    const { site, given } = runStage(
      stageOf([
        step(
          "flatMap",
          late,
          step("map", (n: number) => n, sink()),
        ),
      ]),
      [0],
    );
    expect(given).toEqual([[1]]);
    expect(site?.label).toBe("flatMap(late)");
  });

  it.each([
    ["null", null],
    ["a number", 5],
    ["a string", "abc"],
    ["an object", { a: 1 }],
    ["a promise", Promise.resolve([])],
    ["an async generator", (async function* () {})()],
  ])("refuses %s from flatMap", (_, result) => {
    const { failure } = runStage(stageOf([step("flatMap", () => result, sink())]), [0]);
    expect(failure).toBeInstanceOf(UserMistake);
  });

  it.each(["map", "filter", "keyBy"] as const)("refuses a promise from %s", (kind) => {
    const { failure } = runStage(stageOf([step(kind, async () => 1, sink())]), [0]);
    expect(String(failure)).toContain("must not be async");
  });

  it("refuses a promise from an operator that the first record never reached", () => {
    const branch = step(
      "filter",
      (n: number) => n > 0,
      step("map", async () => 1, sink()),
    );
    expect(String(runStage(stageOf([branch]), [0, 1]).failure)).toContain("must not be async");
  });

  it("refuses a promise from a filter that gave true and false before: it would keep every record", () => {
    const kept = (n: number) => (n < 2 ? n === 0 : Promise.resolve(false));
    const { failure } = runStage(stageOf([step("filter", kept, sink())]), [0, 1, 2]);
    expect(String(failure)).toContain("must not be async");
  });

  it("gives keyed sinks what they ask for", () => {
    const least = (a: number, b: number) => Math.min(a, b);
    const aggregate = (key: UserFunction | "pair" | "record" | "all"): Sink => ({
      kind: "shuffle",
      side: 0,
      shuffle: {
        kind: "aggregate",
        input: source,
        key,
        aggregator: { init: (value: unknown) => value, add: least, merge: least, finish: undefined },
        emit: "pair",
        empty: undefined,
        partitions: undefined,
      },
    });
    const sinks = [
      aggregate(([key]: [string]) => key.length),
      aggregate("pair"),
      aggregate("record"),
      aggregate("all"),
    ];
    const stage = stageOf(
      sinks.map((_, index) => sink(index)),
      sinks,
    );
    // Where accumulators are not numbers, the sink sees to every record.
    const { given } = runStage(stage, [["abc", 1]], { index: new KeyIndex(), numbers: undefined });
    expect(given).toEqual([
      [{ key: 3, value: ["abc", 1] }],
      [{ key: "abc", value: 1 }],
      [{ key: ["abc", 1], value: null }],
      [{ key: null, value: ["abc", 1] }],
    ]);
    for (const row of [["a"], ["a", 1, 2], "ab", null, { 0: "a", 1: 1, length: 2 }]) {
      const { failure, site } = runStage(stageOf([sink()], [aggregate("pair")]), [row], {
        index: new KeyIndex(),
      });
      expect(failure).toMatchObject({ code: "KEY_INVALID" });
      expect(site?.label).toBe("aggregateByKey");
    }
  });
});
