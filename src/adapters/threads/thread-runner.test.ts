import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { afterAll, expect, test } from "vitest";
import { assignmentOf, Bench, GOOD, IMPORTS, Watcher } from "../../ports/job-bench.contract.ts";
import { taskRunnerContract } from "../../ports/task-runner.contract.ts";
import { buildThread } from "./build-thread.ts";
import { createThreadRunner } from "./thread-runner.ts";

const room = mkdtempSync(join(tmpdir(), "thread-"));
afterAll(() => rmSync(room, { recursive: true, force: true }));
const entry = buildThread(room);

taskRunnerContract("threads", {
  isolated: true,
  mapsStacks: true,
  create: (threadData, onOutput) =>
    createThreadRunner({
      threads: 2,
      entry,
      threadData,
      onOutput,
      memory: { threadsBytes: 192 * 2 ** 20, youngBytes: 12 * 2 ** 20 },
      stopGraceMs: 100,
      loadTimeoutMs: 2000,
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
