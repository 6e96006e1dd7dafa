import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { parkRuns } from "../../api/parked-runs.ts";
import type { JobContext, TaskOutcome } from "../../plan/task.ts";
import { assignmentOf, Bench, GOOD, IMPORTS, mapping, Watcher } from "../../ports/job-bench.contract.ts";
import { taskRunnerContract } from "../../ports/task-runner.contract.ts";
import { buildThread } from "./build-thread.ts";
import { createThreadRunner, type ThreadRunner } from "./thread-runner.ts";

const room = mkdtempSync(join(tmpdir(), "thread-"));
afterAll(() => rmSync(room, { recursive: true, force: true }));
const entry = buildThread(room);

taskRunnerContract("threads", {
  isolated: true,
  mapsStacks: true,
  create: (threadData, onOutput, loadTimeoutMs = 300_000) =>
    createThreadRunner({
      threads: 2,
      entry,
      threadData,
      onOutput,
      memory: { threadsBytes: 192 * 2 ** 20, youngBytes: 12 * 2 ** 20 },
      stopGraceMs: 100,
      loadTimeoutMs,
    }),
});

test("a thread that waits is not ended for memory that others hold", async () => {
  const bench = new Bench(realpathSync(mkdtempSync(join(tmpdir(), "waiting-"))));
  const mebibyte = 2 ** 20;
  const runner = createThreadRunner({
    threads: 1,
    entry,
    threadData: bench.data,
    memory: { threadsBytes: 128 * mebibyte, youngBytes: 12 * mebibyte },
  });
  const source = `const held = Buffer.alloc(400 * ${mebibyte}, 1); require("node:worker_threads").parentPort.postMessage(held.length);
    setInterval(() => held.length, 2 ** 30);`;
  const other = new Worker(source, { eval: true });
  try {
    await new Promise((resolve) => other.once("message", resolve));
    // Longer than the watch takes to ask, to wait for an answer and to judge.
    const wait = "await new Promise((resolve) => setTimeout(resolve, 2500));\n";
    const job = await bench.store(IMPORTS + wait + GOOD.slice(IMPORTS.length));
    const outcome = await runner.run({ job, assignment: assignmentOf(0, 10) }, new Watcher());
    // It was loaded to its end: the next look is at its plan, of which nobody here knows the fingerprint.
    expect(outcome).toMatchObject({ kind: "failed", error: { code: "PLAN_IMPURE" } });
  } finally {
    await other.terminate();
    await runner.close();
    rmSync(bench.room, { recursive: true, force: true });
  }
});

/** From its eleventh number on it holds an object weakly, and fails where that is gone. */
const WEAKLY = mapping(`(n) => {
  if (n >= 10) globalThis.weakly ??= new WeakRef({});
  if (globalThis.weakly !== undefined && globalThis.weakly.deref() === undefined) throw new Error("it was collected");
  return n;
}`);
const COLLECTED = { kind: "failed", error: { code: "USER_FUNCTION" } };

/**
 * What tasks of one thread gave that run one after the other, where threads hold half of what they may.
 * @param pausesMs Before each task from the third on, until one fails.
 */
async function tasksInTurn(idleMs: number | undefined, pausesMs: readonly number[]) {
  parkRuns();
  const bench = new Bench(realpathSync(mkdtempSync(join(tmpdir(), "idle-"))));
  const mebibyte = 2 ** 20;
  const runner = createThreadRunner({
    threads: 1,
    entry,
    threadData: bench.data,
    memory: { threadsBytes: 256 * mebibyte, youngBytes: 12 * mebibyte },
    ...(idleMs === undefined ? {} : { idleMs }),
  });
  const source = `const held = Buffer.alloc(128 * ${mebibyte}, 1); require("node:worker_threads").parentPort.postMessage(held.length);
    setInterval(() => held.length, 2 ** 30);`;
  const other = new Worker(source, { eval: true });
  try {
    await new Promise((resolve) => other.once("message", resolve));
    const job = await bench.submit(WEAKLY);
    const run = (start: number) =>
      runner.run({ job, assignment: assignmentOf(start, start + 10) }, new Watcher());
    expect(await run(0)).toMatchObject({ kind: "finished" });
    let outcome = await run(10);
    expect(outcome).toMatchObject({ kind: "finished" });
    for (const pauseMs of pausesMs) {
      if (outcome.kind !== "finished") break;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
      outcome = await run(20);
    }
    return outcome;
  } finally {
    await other.terminate();
    await runner.close();
    rmSync(bench.room, { recursive: true, force: true });
  }
}

test("threads that hold much collect their garbage as soon as none of them has a task", async () => {
  expect(await tasksInTurn(undefined, [0])).toMatchObject(COLLECTED);
});

test("where tasks come from afar, they collect it only once none has come for a while", async () => {
  expect(await tasksInTurn(600_000, [0])).toMatchObject({ kind: "finished" });
  // A thread of a busy machine may be told of the next task before it has got to that.
  expect(await tasksInTurn(1, [50, 100, 200, 400, 800, 1600, 3200, 6400, 12_800])).toMatchObject(COLLECTED);
});

/** A task of one item. */
const runTask = async (runner: ThreadRunner, job: JobContext, start: number): Promise<TaskOutcome> =>
  runner.run({ job, assignment: assignmentOf(start, start + 1) }, new Watcher());

/** Runs a task of these items as soon as there is room, one after another. */
async function runAll(
  runner: ThreadRunner,
  job: JobContext,
  starts: readonly number[],
): Promise<TaskOutcome[]> {
  const outcomes: Promise<TaskOutcome>[] = [];
  for (const start of starts) {
    while (runner.room() === 0) await new Promise((resolve) => setImmediate(resolve));
    outcomes.push(runTask(runner, job, start));
  }
  return Promise.all(outcomes);
}

describe("tasks that take no time", () => {
  const TINY = Array.from({ length: 400 }, (_, n) => n);
  let bench: Bench;
  let runner: ThreadRunner;
  const make = (threads: number): ThreadRunner =>
    createThreadRunner({
      threads,
      entry,
      threadData: bench.data,
      memory: { threadsBytes: 192 * 2 ** 20, youngBytes: 12 * 2 ** 20 },
      stopGraceMs: 100,
    });
  beforeAll(() => {
    parkRuns();
    bench = new Bench(realpathSync(mkdtempSync(join(tmpdir(), "tiny-"))));
  });
  afterEach(() => runner.close());
  afterAll(() => rmSync(bench.room, { recursive: true, force: true }));

  /** Leaves nothing behind, so that no task waits for a disk. */
  const leavingNothing = (fn: string): string => mapping(`${fn}).filter(() => false`);
  const kindsOf = (outcomes: readonly TaskOutcome[]): readonly string[] =>
    outcomes.map((it) => (it.kind === "failed" ? `${it.error.code}: ${it.error.message}` : it.kind));

  /** The runner's room after many tiny tasks. A busy machine may make any of them look slow: again until it does not. */
  const untilAhead = async (job: JobContext): Promise<number> => {
    for (;;) {
      await runAll(runner, job, TINY.slice(0, 12));
      if (runner.room() > 0) {
        const first = runTask(runner, job, 0);
        const room = runner.room();
        await first;
        if (room >= 4) return room;
      }
    }
  };

  test("are sent ahead, and each has its own outcome", async () => {
    runner = make(1);
    const job = await bench.submit(
      leavingNothing('(n) => { if (n >= 12 && n % 3 === 0) throw new Error("three"); }'),
    );
    expect(runner.room()).toBe(1);
    expect(await untilAhead(job)).toBeGreaterThan(1);
    const outcomes = await runAll(runner, job, TINY);
    expect(outcomes.map(({ kind }) => kind)).toEqual(
      TINY.map((n) => (n >= 12 && n % 3 === 0 ? "failed" : "finished")),
    );
  });

  test("go elsewhere where one before them takes long after all", async () => {
    runner = make(2);
    const done = bench.path("done");
    // 200 waits for all others.
    const job = await bench.submit(
      leavingNothing(
        `(n) => { if (n === 200) while (![201, 202, 203].every((m) => existsSync("${done}" + m))) nap(); if (n > 200) writeFileSync("${done}" + n, ""); return n; }`,
      ),
    );
    await untilAhead(job);
    // Those before it may be told of together with it only.
    const outcomes = await runAll(runner, job, [196, 197, 198, 199, 200, 201, 202, 203]);
    expect(kindsOf(outcomes)).toEqual(Array(8).fill("finished"));
  });

  test("behind one that ends its thread are run by the next", async () => {
    runner = make(1);
    const job = await bench.submit(leavingNothing("(n) => n === 200 ? process.exit(5) : n"));
    await untilAhead(job);
    const outcomes = await runAll(runner, job, [198, 199, 200, 201, 202, 203]);
    const [died] = outcomes.splice(2, 1);
    expect(died).toMatchObject({ kind: "failed", error: { code: "THREAD_DIED" } });
    expect(kindsOf(outcomes)).toEqual(Array(5).fill("finished"));
  });

  test("called back from a thread that then ends are run by the next", async () => {
    runner = make(1);
    const go = bench.path("end");
    const job = await bench.submit(
      leavingNothing(`(n) => { if (n === 200) { while (!existsSync("${go}")) nap(); process.exit(5); } }`),
    );
    await untilAhead(job);
    const assignments = [200, 201, 202, 203].map((start) => assignmentOf(start, start + 1));
    const outcomes = assignments.map(async (assignment) => runner.run({ job, assignment }, new Watcher()));
    // All that the thread has not begun goes back, and no other thread is there to take it.
    runner.stop(job.job, assignments[3]!.attempt);
    expect(await outcomes[3]).toEqual({ kind: "stopped" });
    writeFileSync(go, "");
    const [died, ...others] = await Promise.all(outcomes);
    expect(died).toMatchObject({ kind: "failed", error: { code: "THREAD_DIED" } });
    expect(kindsOf(others)).toEqual(["finished", "finished", "stopped"]);
  });

  test("fail alone where they leave a promise that is rejected", async () => {
    runner = make(1);
    const job = await bench.submit(
      leavingNothing('(n) => { if (n === 200) void Promise.reject(new Error("stray")); }'),
    );
    await untilAhead(job);
    const outcomes = await runAll(runner, job, [198, 199, 200, 201, 202, 203]);
    const [stray] = outcomes.splice(2, 1);
    expect(stray).toMatchObject({ kind: "failed", error: { code: "USER_FUNCTION" } });
    expect(kindsOf(outcomes)).toEqual(Array(5).fill("finished"));
  });

  test("are stopped one by one", async () => {
    runner = make(1);
    const go = bench.path("go");
    const job = await bench.submit(
      leavingNothing(`(n) => { if (n === 200) while (!existsSync("${go}")) nap(); return n; }`),
    );
    await untilAhead(job);
    const assignments = [200, 201, 202].map((start) => assignmentOf(start, start + 1));
    const outcomes = assignments.map(async (assignment) => runner.run({ job, assignment }, new Watcher()));
    runner.stop(job.job, assignments[1]!.attempt);
    expect(await outcomes[1]).toEqual({ kind: "stopped" });
    writeFileSync(go, "");
    expect((await Promise.all(outcomes)).map(({ kind }) => kind)).toEqual([
      "finished",
      "stopped",
      "finished",
    ]);
  });

  test("of two jobs share the threads", async () => {
    runner = make(1);
    const jobs = [
      await bench.submit(leavingNothing("(n) => n")),
      await bench.submit(leavingNothing("(n) => -n")),
    ];
    await untilAhead(jobs[0]!);
    const outcomes = await Promise.all(jobs.flatMap((job) => [runAll(runner, job, TINY.slice(0, 20))]));
    expect(kindsOf(outcomes.flat())).toEqual(Array(40).fill("finished"));
  });
});
