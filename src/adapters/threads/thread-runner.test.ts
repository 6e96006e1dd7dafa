import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { afterAll, expect, test } from "vitest";
import { parkRuns } from "../../api/parked-runs.ts";
import { assignmentOf, Bench, GOOD, IMPORTS, mapping, Watcher } from "../../ports/job-bench.contract.ts";
import { taskRunnerContract } from "../../ports/task-runner.contract.ts";
import { buildThread } from "./build-thread.ts";
import { createThreadRunner } from "./thread-runner.ts";

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
