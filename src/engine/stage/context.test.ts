import { describe, expect, it } from "vitest";
import { contentHash, epoch, stageId } from "../../base/ids.ts";
import type { TaskAssignment } from "../../plan/task.ts";
import { createContext } from "./context.ts";

function contextOf(seed = "seed", stage = 2, partition = 5, attempt = 0) {
  const lines: [string, string | undefined][] = [];
  const assignment: TaskAssignment = {
    attempt: { stage: stageId(stage), partition, epoch: epoch(1), attempt },
    partitions: 9,
    broadcasts: [],
    sinkPartitions: [],
    input: { kind: "split", split: { kind: "items", start: 0, end: 0 } },
  };
  const task = createContext({ seed, submittedAtMs: 123, bundle: contentHash("ab") }, assignment, {
    stopRequested: () => false,
    signal: new AbortController().signal,
    progress: () => {},
    log: (message, fields) => lines.push([message, fields]),
    breathe: undefined,
  });
  return { ...task, lines };
}
const draws = (task: { ctx: { random: () => number } }) => [task.ctx.random(), task.ctx.random()];

describe("the context of a task", () => {
  it("draws the same numbers on every attempt, and others in another job, stage or partition", () => {
    const first = draws(contextOf());
    expect(draws(contextOf("seed", 2, 5, 1))).toEqual(first);
    for (const other of [contextOf("other"), contextOf("seed", 3), contextOf("seed", 2, 6)]) {
      expect(draws(other)).not.toEqual(first);
    }
    expect(first.every((number) => number >= 0 && number < 1)).toBe(true);
  });

  it("says what the job fixed, and cannot be changed", () => {
    const { ctx } = contextOf();
    expect([ctx.now, ctx.partition, ctx.signal.aborted]).toEqual([123, 5, false]);
    expect(Object.isFrozen(ctx)).toBe(true);
    expect(() => Object.assign(ctx, { signal: undefined })).toThrow(TypeError);
  });

  it("can be taken apart", () => {
    const { signal, random, now } = contextOf().ctx;
    expect([signal.aborted, now]).toEqual([false, 123]);
    expect(random()).toBe(contextOf().ctx.random());
  });

  it("adds up counters, whatever their names, and gives them sorted", () => {
    const task = contextOf();
    const { counter } = task.ctx;
    counter("b");
    counter("__proto__", 2);
    counter("a", 1.5);
    counter("b", 4);
    expect(Object.entries(task.counters())).toEqual([
      ["__proto__", 2],
      ["a", 1.5],
      ["b", 5],
    ]);
  });

  it("refuses counters that cannot be added up, and too many of them", () => {
    const { ctx } = contextOf();
    expect(() => ctx.counter("n", Number.NaN)).toThrow('ctx.counter("n", …) adds a finite number, not NaN');
    expect(() => ctx.counter(5 as unknown as string)).toThrow("must be text");
    ctx.counter("large", Number.MAX_VALUE);
    expect(() => ctx.counter("large", Number.MAX_VALUE)).toThrow("beyond the largest number");
    expect(() => ctx.counter("x".repeat(101))).toThrow("at most 100 characters, not 101");
    for (let i = 0; i < 999; i++) ctx.counter(`c${i}`);
    expect(() => ctx.counter("one more")).toThrow("at most 1000 counters");
    expect(() => ctx.counter("c7")).not.toThrow();
  });

  it("logs up to its bound and says how many lines it left out", () => {
    const task = contextOf();
    for (let i = 0; i < 1003; i++) task.ctx.log(`line ${i}`);
    task.finish();
    expect(task.lines.length).toBe(1001);
    expect(task.lines.at(-1)).toEqual(["3 more lines of this task were left out.", undefined]);
  });

  it("never fails a task for a log line", () => {
    const task = contextOf();
    const loop: Record<string, unknown> = { n: 1n };
    task.ctx.log("big", loop);
    loop.self = loop;
    task.ctx.log("cyclic", loop);
    task.ctx.log("long", { text: "x".repeat(5000) });
    task.ctx.log("y".repeat(3000));
    task.finish();
    expect(task.lines[0]).toEqual(["big", '{"n":"1n"}']);
    expect(task.lines[1]![1]).toContain("left_out");
    expect(task.lines[2]![1]).toMatch(/left_out.*50\d\d characters/);
    expect(task.lines[3]![0].length).toBe(2001);
    expect(task.lines.length).toBe(4);
  });
});
