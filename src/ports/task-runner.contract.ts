/** What every runner of real jobs must do, with one-stage tasks of real projects: see `Bench`. Long because one suite holds every outcome. */
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { bundleKey } from "../adapters/bundle/bundle-files.ts";
import { createFileBlobs } from "../adapters/fs/blobs.ts";
import type { ThreadData } from "../adapters/threads/thread-data.ts";
import { parkRuns } from "../api/parked-runs.ts";
import { jobId } from "../base/ids.ts";
import type { JobContext, TaskOutcome } from "../plan/task.ts";
import { assignmentOf, Bench, GOOD, IMPORTS, mapping, Watcher } from "./job-bench.contract.ts";
import type { TaskObserver, TaskRunner } from "./task-runner.ts";

/** For modules that never load; others have all the time that a busy machine needs. */
const HASTY_LOAD_MS = 2_000;

export interface RunnerTraits {
  readonly create: (
    data: ThreadData,
    onOutput: (text: string) => void,
    /** For what a module may take to load, where that is limited. */
    loadTimeoutMs?: number,
  ) => TaskRunner;
  /** Whether user code can be ended by force, and can end its own thread, without harm to the process. */
  readonly isolated: boolean;
  /** Whether Node maps stacks where the tasks run; in Vitest's own process it has no say. */
  readonly mapsStacks: boolean;
}

export function taskRunnerContract(name: string, traits: RunnerTraits): void {
  describe(`${name}: task runner contract`, () => {
    let bench: Bench;
    let runner: TaskRunner;
    const printed: string[] = [];
    beforeAll(async () => {
      parkRuns();
      bench = new Bench(await realpath(await mkdtemp(join(tmpdir(), "runner-"))));
      runner = traits.create(bench.data, (text) => printed.push(text));
    });
    afterAll(async () => {
      await runner.close();
      await rm(bench.room, { recursive: true, force: true });
    });

    const runTask = async (
      job: JobContext,
      end = 100_000,
      observer: TaskObserver = new Watcher(),
    ): Promise<TaskOutcome> => runner.run({ job, assignment: assignmentOf(0, end) }, observer);

    const failure = async (job: JobContext, end?: number) => {
      const outcome = await runTask(job, end);
      if (outcome.kind !== "failed")
        throw new Error(`the task must fail, and was ${JSON.stringify(outcome)}`);
      return outcome.error;
    };

    // Whatever a case did, the runner works.
    let good: JobContext | undefined;
    afterEach(async () => {
      good ??= await bench.submit(GOOD);
      const outcome = await runTask(good, 10);
      expect(outcome).toMatchObject({ kind: "finished", output: { rowsIn: 10, sinkRows: [10] } });
    });

    describe("attempts that end by themselves", () => {
      test("finish with an output whose block is stored", async () => {
        const outcome = await runTask(await bench.submit(GOOD));
        if (outcome.kind !== "finished") throw new Error(JSON.stringify(outcome));
        expect(outcome.output).toMatchObject({
          rowsIn: 100_000,
          sinkRows: [100_000],
          files: [],
          counters: {},
        });
        const blobs = createFileBlobs(bench.data.blobsDirectory);
        const block = outcome.output.block!;
        expect((await blobs.get(block.key)).length).toBe(block.bytes);
      });

      test("many, one after another and of two jobs in turn", async () => {
        const jobs = [await bench.submit(GOOD), await bench.submit(mapping("(n) => -n"))] as const;
        // Each of another bundle than the one before, and so in a thread that is started for it.
        for (let i = 0; i < 24; i++) {
          const outcome = await runTask(jobs[i % 2 === 0 ? 0 : 1], i + 1);
          expect(outcome).toMatchObject({ kind: "finished", output: { rowsIn: i + 1 } });
        }
      });

      test("as many at a time as there are slots", async () => {
        const job = await bench.submit(GOOD);
        const outcomes = await Promise.all(Array.from({ length: runner.slots }, () => runTask(job)));
        expect(outcomes.map(({ kind }) => kind)).toEqual(Array(runner.slots).fill("finished"));
      });

      test("counters and log lines come back", async () => {
        const job = await bench.submit(
          mapping(
            '(n, ctx) => { if (n === 3) { ctx.counter("threes"); ctx.log("three", { n }); } return n; }',
          ),
        );
        const watcher = new Watcher();
        const outcome = await runTask(job, 10, watcher);
        expect(outcome).toMatchObject({ kind: "finished", output: { counters: { threes: 1 } } });
        expect(watcher.log).toEqual([{ message: "three", fields: '{"n":3}' }]);
      });

      test.each([
        ["Math.random", "(n) => n + Math.random()"],
        ["Date.now", "(n) => n + [1].map(() => Date.now())[0]"],
        ["new Date", "(n) => new Date() > new Date(n) ? n : 0"],
        ["new Date", "(n) => Date().length + n"],
      ])("%s in a function is told once, with its line", async (call, fn) => {
        const job = await bench.submit(mapping(fn));
        const watcher = new Watcher();
        expect((await runTask(job, 10, watcher)).kind).toBe("finished");
        expect((await runTask(job, 10, watcher)).kind).toBe("finished");
        expect(watcher.log.map(({ warning }) => warning)).toEqual(Array(watcher.log.length).fill(call));
        expect(watcher.log.length).toBeGreaterThan(0);
        expect(watcher.log.length).toBeLessThanOrEqual(runner.slots);
        if (traits.mapsStacks) expect(watcher.log[0]?.message).toContain(`${bench.path(job.name)}/job.ts:4 `);
      });

      test("dates of the data are no warning, and real dates", async () => {
        const fn =
          "(n, ctx) => { const date = new Date(ctx.now + n); return [date instanceof Date, date.constructor === Date, Date.UTC(2020, 1), String(date).length > 9, ctx.random() < 1].indexOf(false); }";
        const job = await bench.submit(
          mapping(fn).replace("export default", "Math.random(); export default"),
        );
        const watcher = new Watcher();
        expect((await runTask(job, 10, watcher)).kind).toBe("finished");
        expect(watcher.log).toEqual([]);
      });

      test("a task that logs without end is cut short, and says so", async () => {
        const job = await bench.submit(mapping('(n, ctx) => { ctx.log("line"); return n; }'));
        const watcher = new Watcher();
        await runTask(job, 5000, watcher);
        expect(watcher.log.length).toBe(1001);
        expect(watcher.log.at(-1)?.message).toContain("left out");
      });

      test("progress is told while they run", async () => {
        const go = bench.path("go");
        const job = await bench.submit(
          mapping(
            `(() => { let seen = false; return (n) => { if (!seen) { seen = existsSync("${go}"); nap(); } return n; }; })()`,
          ),
        );
        const writes: Promise<void>[] = [];
        const watcher = new Watcher(({ rowsIn }) => {
          if (rowsIn > 0) writes.push(writeFile(go, ""));
        });
        const outcome = await runTask(job, 100_000, watcher);
        expect(outcome.kind).toBe("finished");
        const rows = watcher.progress.map(({ rowsIn }) => rowsIn);
        expect(rows).toEqual([...rows].sort((a, b) => a - b));
        await Promise.all(writes);
      });
    });

    describe("the user's mistakes", () => {
      test("an error names the line of the user's TypeScript", async () => {
        const job = await bench.submit(
          `${IMPORTS}interface Row { n: number }

const fails = (n: number): Row => {
  if (n === 7) throw new RangeError("not seven");
  return { n };
};
export default job({ name: "$NAME", run: () => read.range(10).map(fails) });
`,
        );
        const error = await failure(job, 10);
        expect(error.code).toBe("USER_FUNCTION");
        expect(error.message).toMatch(/map\(fails\) failed at .*RangeError: not seven/);
        if (traits.mapsStacks) {
          expect(error.message).toContain(`${bench.path(job.name)}/job.ts:7:22`);
          expect(error.stack).toContain(`${bench.path(job.name)}/job.ts:7:22`);
        }
      });

      test("a package that cannot be bundled is named", async () => {
        const packages = bench.path("node_modules");
        await mkdir(packages, { recursive: true });
        const lmdb = join(import.meta.dirname, "../../node_modules/lmdb");
        await symlink(lmdb, join(packages, "lmdb"));
        const error = await failure(
          await bench.store(`import { open } from "lmdb";\n${GOOD.replace("n + 1", "typeof open")}`),
        );
        expect(error).toMatchObject({
          code: "BUNDLE_FAILED",
          message: expect.stringContaining("threw while it was loaded"),
        });
        if (traits.mapsStacks) {
          expect(error.message).toMatch(
            /\(in the package node-gyp-build-optional-packages, which lmdb uses, at \S+node-gyp-build\.js:\d+:\d+\)/,
          );
        }
      });

      test("a plan that is another each time is refused, saying what differs", async () => {
        const job = await bench.submit(
          `${IMPORTS}export default job({ name: "$NAME", run: () => read.range(10).sample(Math.random() / 2) });\n`,
        );
        const error = await failure(job);
        expect(error.code).toBe("PLAN_IMPURE");
        expect(error.message).toMatch(/Called twice with the same params it differs: 0\.\d+ and 0\.\d+/);
      });

      test("a plan that is another than the submitted one is refused", async () => {
        const error = await failure(await bench.store(GOOD));
        expect(error.code).toBe("PLAN_IMPURE");
        expect(error.retryable).toBe(false);
      });

      test("a module that throws when it is loaded", async () => {
        const job = await bench.store(`const list: number[] = [];\nlist[3]!.toFixed();\n`);
        const error = await failure(job);
        expect(error.code).toBe("BUNDLE_FAILED");
        expect(error.message).toContain("TypeError");
        if (traits.mapsStacks) expect(error.stack).toContain(`${bench.path(job.name)}/job.ts:2:10`);
      });

      test("a module that does not define the job", async () => {
        const error = await failure(await bench.store("export {};\n"));
        expect(error.code).toBe("BUNDLE_FAILED");
        expect(error.message).toMatch(/The job "job\d+" is not defined when its module is loaded/);
      });

      test("a bundle that is nowhere", async () => {
        const job = await bench.store(GOOD);
        await rm(join(bench.data.bundlesDirectory, job.constants.bundle), { recursive: true });
        await rm(join(bench.data.blobsDirectory, bundleKey(job.constants.bundle)));
        const outcome = await runTask(job);
        expect(outcome).toMatchObject({ kind: "failed", error: { code: "BLOB_MISSING" }, lostBlocks: [] });
      });
    });

    describe("scripts", () => {
      test("may run their own job at the top level, and define below what it uses", async () => {
        const job =
          await bench.submit(`${IMPORTS}const mine = job({ name: "$NAME", run: () => read.range(5).map(add) });
await new Promise((resolve) => setImmediate(resolve));
const step = 2;
function add(n: number): number { return n + step; }
const rows = await run(mine);
throw new Error("never reached " + rows);
`);
        expect(await runTask(job, 5)).toMatchObject({ kind: "finished", output: { sinkRows: [5] } });
      });

      test("that run a job above the definition of another never define that one", async () => {
        const error = await failure(
          await bench.store(`${IMPORTS}await run(job({ name: "first", run: () => read.range(5) }));
job({ name: "$NAME", run: () => read.range(5) });
`),
        );
        expect(error.code).toBe("BUNDLE_FAILED");
        expect(error.message).toContain("define it above the call of `run`");
      });
    });

    describe("stop", () => {
      test("before the task has begun", async () => {
        const job = await bench.submit(GOOD);
        const assignment = assignmentOf(0, 10);
        const outcome = runner.run({ job, assignment }, new Watcher());
        runner.stop(job.job, assignment.attempt);
        expect(await outcome).toEqual({ kind: "stopped" });
      });

      test("while it runs, between two batches", async () => {
        const job = await bench.submit(mapping("(n) => { nap(); return n; }"));
        const assignment = assignmentOf(0, 100_000);
        const watcher = new Watcher(({ rowsIn }) => {
          if (rowsIn > 0) runner.stop(job.job, assignment.attempt);
        });
        expect(await runner.run({ job, assignment }, watcher)).toEqual({ kind: "stopped" });
        const told = watcher.progress.length;
        await new Promise((resolve) => setImmediate(resolve));
        expect(watcher.progress.length).toBe(told);
      });

      test("of an attempt it does not run changes nothing", async () => {
        const job = await bench.submit(GOOD);
        const outcome = runTask(job);
        runner.stop(job.job, assignmentOf(0, 1).attempt);
        expect((await outcome).kind).toBe("finished");
      });

      test("of another job's attempt of the same name changes nothing", async () => {
        const job = await bench.submit(GOOD);
        const assignment = assignmentOf(0, 10);
        const outcome = runner.run({ job, assignment }, new Watcher());
        runner.stop(jobId("another-1"), assignment.attempt);
        expect((await outcome).kind).toBe("finished");
      });
    });

    if (traits.isolated) {
      test("what user code prints goes to the runner's output, wherever it was meant for", async () => {
        const job = await bench.submit(
          mapping(
            '(n) => { if (n === 1) { console.log("héllo"); console.error("wörld"); process.stdout.write("raw"); } return n; }',
          ),
        );
        printed.length = 0;
        await runTask(job, 10);
        while (printed.join("").length < 15) await new Promise((resolve) => setTimeout(resolve, 10));
        const text = printed.join("");
        expect([text.includes("héllo\n"), text.includes("wörld\n"), text.includes("raw")]).toEqual([
          true,
          true,
          true,
        ]);
      });
    }

    if (traits.isolated)
      isolation(
        traits.create,
        () => bench,
        () => runner,
        failure,
      );
  });
}

/** What only a runner with threads of its own can survive. */
function isolation(
  create: RunnerTraits["create"],
  bench: () => Bench,
  runner: () => TaskRunner,
  failure: (job: JobContext, end?: number) => Promise<{ code: string; message: string; retryable: boolean }>,
): void {
  describe("user code that harms its thread", () => {
    test("a loop that never ends is stopped by force", async () => {
      const looping = bench().path("looping");
      const job = await bench().submit(mapping(`(n) => { writeFileSync("${looping}", ""); for (;;); }`));
      const assignment = assignmentOf(0, 10);
      const outcome = Promise.resolve(runner().run({ job, assignment }, new Watcher()));
      let ended = false;
      void outcome.then(() => {
        ended = true;
      });
      while (!ended && !existsSync(looping)) await new Promise((resolve) => setTimeout(resolve, 10));
      runner().stop(job.job, assignment.attempt);
      expect(await outcome).toEqual({ kind: "stopped" });
    });

    test("process.exit in a task", async () => {
      const error = await failure(await bench().submit(mapping("(n) => process.exit(3)")));
      expect(error).toMatchObject({ code: "THREAD_DIED", retryable: true });
      expect(error.message).toContain("exit code 3");
      expect(error.message).toContain("process.exit");
    });

    test.each([
      ["small arrays", "kept.push(Array(100).fill(n + 0.5))"],
      ["one long array", "list.push(n + 0.5)"],
      ["a set", 'set.add("k" + set.size)'],
      ["buffers", "kept.push(new Uint8Array(1 << 20).fill(n))"],
      ["large texts", 'kept.push(Buffer.from("x".repeat(3e7) + kept.length).toString("latin1"))'],
    ])("memory that overflows with %s", async (_, growing) => {
      const job = await bench().submit(
        mapping(
          `(() => { const kept: unknown[] = [], list: number[] = [], set = new Set<string>(); return (n) => { for (;;) ${growing}; }; })()`,
        ),
      );
      const error = await failure(job);
      // A new thread that is given the same would end the same way.
      expect(error).toMatchObject({ code: "OUT_OF_MEMORY", retryable: false });
      expect(error.message).toMatch(/\(read\.range → map → .*ran out of memory.*--memory/);
    });

    test("what a thread kept of earlier tasks is gone with it, so that a new one is worth a try", async () => {
      const job = await bench().submit(
        mapping(
          "(() => { const kept: number[][] = []; return (n) => { do kept.push(Array(100).fill(n)); while (n === 99); return n; }; })()",
        ),
      );
      for (let warm = 0; warm < runner().slots; warm++) {
        const outcome = await runner().run({ job, assignment: assignmentOf(0, 10) }, new Watcher());
        expect(outcome.kind).toBe("finished");
      }
      expect(await failure(job, 100)).toMatchObject({ code: "OUT_OF_MEMORY", retryable: true });
      expect(await failure(job, 100)).toMatchObject({ code: "OUT_OF_MEMORY", retryable: false });
    });

    test("a rejection that nobody handles", async () => {
      const error = await failure(
        await bench().submit(
          mapping('(n) => { if (n === 5) void Promise.reject(new Error("stray")); return n; }'),
        ),
      );
      expect(error.code).toBe("USER_FUNCTION");
      expect(error.message).toContain("A promise was rejected that nobody awaits: Error: stray");
    });

    test("an error in a callback of its own", async () => {
      const error = await failure(
        await bench().submit(
          mapping('(n) => { if (n === 5) queueMicrotask(() => { throw new Error("late"); }); return n; }'),
        ),
      );
      expect(error.code).toBe("USER_FUNCTION");
      expect(error.message).toContain("An error was thrown outside the task: Error: late");
    });

    test.each([
      ["a loop", "for (;;);\n"],
      ["an await", "await new Promise((resolve) => setInterval(resolve, 2 ** 30));\n"],
    ])("%s at the top level that never ends", async (_, source) => {
      const job = await bench().store(IMPORTS + source + GOOD.slice(IMPORTS.length));
      const hasty = create(bench().data, () => {}, HASTY_LOAD_MS);
      const outcome = await hasty.run({ job, assignment: assignmentOf(0, 10) }, new Watcher());
      await hasty.close();
      expect(outcome).toMatchObject({
        kind: "failed",
        error: {
          code: "BUNDLE_FAILED",
          retryable: false,
          message: expect.stringContaining("did not load within"),
        },
      });
    });

    test("process.exit at the top level", async () => {
      const error = await failure(await bench().store("process.exit(4);\n"));
      expect(error).toMatchObject({ code: "BUNDLE_FAILED", retryable: false });
      expect(error.message).toContain("process.exit(4)");
    });

    test("prototypes it has changed do no harm to others", async () => {
      // Names of our own messages; some others (`code`) break Node's file system itself.
      const tampering = `Object.assign(Object.prototype, { kind: 1, seq: 1, job: 1, outcome: 1, output: 1, lostBlocks: 1, message: 1 });
Object.assign(Array.prototype, { extra: 1 });
Object.defineProperty(Promise.prototype, "extra", { get() { throw new Error("touched"); } });
process.on = process.exit = (() => {}) as never;
`;
      const job = await bench().submit(GOOD);
      const source = GOOD.replace(IMPORTS, IMPORTS + tampering);
      const tampered = { ...(await bench().store(source)), fingerprint: job.fingerprint };
      const outcome = await runner().run({ job: tampered, assignment: assignmentOf(0, 10) }, new Watcher());
      expect(outcome).toMatchObject({ kind: "finished", output: { rowsIn: 10 } });
    });

    test("a `then` for all objects is named as the cause", async () => {
      const error = await failure(
        await bench().store("Object.assign(Object.prototype, { then() {} });\nexport {};\n"),
      );
      expect(error.code).toBe("BUNDLE_FAILED");
      expect(error.message).toContain("puts a `then` on Object.prototype");
    });
  });

  test("closing stops what runs, and leaves nothing on disk of what it spilled", async () => {
    const looping = bench().path("spilled");
    // More than the task's memory, before a function that sees the partition as a whole.
    const spill = `.map((n) => n + "x".repeat(1000)).mapPartitions(function* () { writeFileSync("${looping}", ""); for (;;); })`;
    const source = `${IMPORTS}export default job({ name: "$NAME", run: () => read.range(100_000)${spill} });\n`;
    const job = await bench().submit(source);
    const another = create(bench().data, () => {});
    let ended = false;
    const running = another.run({ job, assignment: assignmentOf(0, 100_000) }, new Watcher());
    const outcome = Promise.resolve(running).finally(() => {
      ended = true;
    });
    while (!ended && !existsSync(looping)) await new Promise((resolve) => setTimeout(resolve, 10));
    const spilled = await readdir(bench().data.scratchDirectory, { recursive: true });
    expect(spilled.length).toBeGreaterThan(1);
    await another.close();
    expect(await outcome).toEqual({ kind: "stopped" });
    for (const name of spilled) expect(existsSync(join(bench().data.scratchDirectory, name))).toBe(false);
    expect(await another.run({ job, assignment: assignmentOf(0, 10) }, new Watcher())).toEqual({
      kind: "stopped",
    });
  });
}
