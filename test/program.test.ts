/** Programs that import the package as users' programs do: built code, a project of its own, a process of its own. */
import { mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { expect, test } from "vitest";
import { type CliResult, runNode } from "./cli-process.ts";
import { CliProject } from "./cli-project.ts";
import { root } from "./house/project-files.ts";

class ProgramProject extends CliProject {
  constructor() {
    super();
    mkdirSync(join(this.directory, "node_modules"));
    symlinkSync(root, join(this.directory, "node_modules", "bicoastal"));
  }

  node(...args: readonly string[]): Promise<CliResult> {
    return runNode(args, { cwd: this.directory });
  }

  /** What the program printed, as JSON. Fails, with all it said, where it did not end well. */
  async json(...args: readonly string[]): Promise<unknown> {
    const { code, stdout, stderr } = await this.node(...args);
    if (code !== 0) throw new Error(`exit code ${code}\n${stdout}\n${stderr}`);
    return JSON.parse(stdout);
  }
}

const WORDS_JOB = `
import { job, read } from "bicoastal";
export const words = job({
  name: "words",
  params: { input: "in/*.txt", top: 2 },
  run: ({ input, top }) => {
    const words = read.lines(input).flatMap((line) => line.split(" "));
    return { top: words.countBy((word) => word).top(top, ([, count]) => count), total: words.count() };
  },
});
`;
const INPUT = { "in/a.txt": "b a b\nc a b\n", "in/b.txt": "b d\n" };

test("a program runs a job of another module, with params, events and figures", async () => {
  const project = new ProgramProject().write({
    ...INPUT,
    "words.mjs": WORDS_JOB,
    "main.mjs": `
      import { run } from "bicoastal";
      import { words } from "./words.mjs";
      const kinds = new Set();
      let last;
      const onEvent = (event) => {
        kinds.add(event.kind);
        if (event.kind === "progress") last = event.progress;
      };
      const result = await run(words, { top: 1 }, { threads: 2, dataDir: "data", onEvent });
      const debug = await run(words, {}, { debug: true, dataDir: "data" });
      console.log(JSON.stringify({ result, debug, kinds: [...kinds], last }));
    `,
  });
  expect(await project.json("main.mjs")).toMatchObject({
    result: { top: [["b", 4]], total: 8 },
    debug: {
      top: [
        ["b", 4],
        ["a", 2],
      ],
      total: 8,
    },
    kinds: ["started", "progress"],
    last: { rows: 3, bytes: 16, bytesTotal: 16, tasksRunning: 0 },
  });
});

test("a script that defines a job and runs it runs once, and its own lines stay its own", async () => {
  const project = new ProgramProject().write({
    ...INPUT,
    "script.mjs": `${WORDS_JOB}
      import { run } from "bicoastal";
      import { appendFileSync } from "node:fs";
      const result = await run(words, { input: process.argv[2] }, { threads: 2 });
      appendFileSync("ran.log", "x");
      console.log(JSON.stringify(result));
    `,
  });
  expect(await project.json("script.mjs", "in/a.txt")).toEqual({
    top: [
      ["b", 3],
      ["a", 2],
    ],
    total: 6,
  });
  expect(readFileSync(join(project.directory, "ran.log"), "utf8")).toBe("x");
});

test("a program in TypeScript, bundled by somebody else's build", async () => {
  const project = new ProgramProject().write({
    ...INPUT,
    "src/words.ts": WORDS_JOB,
    "src/main.ts": `
      import { BicoastalError, connect, type JobId, run } from "bicoastal";
      import { words } from "./words.ts";
      interface Counted { readonly top: [string, number][]; readonly total: number }
      const result: Counted = await run(words);
      const session = await connect();
      const [listed] = await session.jobs();
      const id: JobId | undefined = listed?.job;
      await session.remove(id ?? "");
      const gone = await session.job(id ?? "").catch((error: unknown) => error);
      await session.close();
      console.log(JSON.stringify({ result, name: listed?.name, gone: gone instanceof BicoastalError && gone.code }));
    `,
  });
  await build({
    entryPoints: [join(project.directory, "src/main.ts")],
    outfile: join(project.directory, "built/main.mjs"),
    bundle: true,
    packages: "external",
    platform: "node",
    format: "esm",
    minify: true,
    sourcemap: true,
  });
  expect(await project.json("built/main.mjs")).toEqual({
    result: {
      top: [
        ["b", 4],
        ["a", 2],
      ],
      total: 8,
    },
    name: "words",
    gone: "JOB_NOT_FOUND",
  });
});

const SLOW_JOB = `
import { existsSync } from "node:fs";
import { job, read } from "bicoastal";
export const slow = job({
  name: "slow",
  params: { bad: false },
  run: ({ bad }) =>
    read.range(8, { partitions: 8 }).map((n, ctx) => {
      ctx.log("at " + n);
      while (n >= 3 && existsSync("wait") && !ctx.signal.aborted) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
      if (bad && n === 5 && existsSync("bad")) throw new RangeError("bad " + n);
      return n * 2;
    }),
});
`;
const DOUBLED = [0, 2, 4, 6, 8, 10, 12, 14];

test("a run is stopped by its signal, named by its error, and resumed in the same program", async () => {
  const project = new ProgramProject().write({
    wait: "",
    "slow.mjs": SLOW_JOB,
    "main.mjs": `
      import { rmSync } from "node:fs";
      import { BicoastalError, connect, run } from "bicoastal";
      import { slow } from "./slow.mjs";
      const controller = new AbortController();
      const stopping = [];
      const onEvent = (event) => {
        if (event.kind === "log" && event.message === "at 3") controller.abort(new Error("enough"));
        if (event.kind === "stopping") stopping.push(event.reason);
      };
      const error = await run(slow, {}, { threads: 1, signal: controller.signal, onEvent }).catch((thrown) => thrown);
      const session = await connect();
      const stopped = await session.job(error.details.job);
      rmSync("wait");
      const outcome = await session.resume(error.details.job);
      const again = await session.resume(error.details.job);
      const early = await session.run(slow, {}, { signal: AbortSignal.abort(new Error("before")) }).catch((thrown) => thrown);
      const jobs = await session.jobs();
      await session.close();
      console.log(JSON.stringify({
        is: error instanceof BicoastalError, code: error.code, retryable: error.retryable, message: error.message, stopping,
        state: stopped.state, tasksDone: stopped.tasksDone, resumed: outcome.tasksResumed, result: outcome.result,
        again: again.result, early: early.code, states: jobs.map(({ state }) => state),
      }));
    `,
  });
  expect(await project.json("main.mjs")).toEqual({
    is: true,
    code: "JOB_CANCELLED",
    retryable: true,
    message: expect.stringMatching(/^Job slow-\w+ was stopped: enough/),
    stopping: ["enough"],
    state: "cancelled",
    tasksDone: 3,
    resumed: 3,
    result: DOUBLED,
    again: DOUBLED,
    early: "JOB_CANCELLED",
    states: ["cancelled", "succeeded"],
  });
});

test("an error of a job is a BicoastalError with the user's own place in it, and the program goes on", async () => {
  const project = new ProgramProject().write({
    bad: "",
    "slow.mjs": SLOW_JOB,
    "main.mjs": `
      import { rmSync } from "node:fs";
      import { BicoastalError, connect, run } from "bicoastal";
      import { slow } from "./slow.mjs";
      const failed = [];
      const onEvent = (event) => {
        if (event.kind === "taskFailed") failed.push([event.partition, event.tries, event.retryInMs === undefined]);
      };
      const error = await run(slow, { bad: true }, { attempts: 2, onEvent }).catch((thrown) => thrown);
      const wrong = await run(slow, { baad: true }).catch((thrown) => thrown);
      const option = await run(slow, {}, { threads: 0 }).catch((thrown) => thrown);
      const noJob = await run({ name: "x" }).catch((thrown) => thrown);
      rmSync("bad");
      const session = await connect();
      const { result } = await session.resume(error.details.job);
      await session.close();
      const is = [error, wrong, option, noJob].every((each) => each instanceof BicoastalError);
      console.log(JSON.stringify({
        is, code: error.code, message: error.message, stack: error.stack, failed, result,
        others: [wrong.code, option.code, noJob.code],
      }));
    `,
  });
  expect(await project.json("main.mjs")).toEqual({
    is: true,
    code: "USER_FUNCTION",
    message: expect.stringMatching(/RangeError: bad 5/),
    stack: expect.stringMatching(/slow\.mjs:11:/),
    failed: [
      [5, 1, false],
      [5, 2, true],
    ],
    result: DOUBLED,
    others: ["PARAM_UNKNOWN", "USAGE", "JOB_INVALID"],
  });
});

test("two runs at a time, of one program and of two, on one data directory", async () => {
  const project = new ProgramProject().write({
    ...INPUT,
    "words.mjs": WORDS_JOB,
    "slow.mjs": SLOW_JOB,
    "main.mjs": `
      import { connect, run } from "bicoastal";
      import { slow } from "./slow.mjs";
      import { words } from "./words.mjs";
      const session = await connect({ dataDir: "data" });
      const all = await Promise.all([
        run(words, {}, { dataDir: "data", threads: 2 }),
        session.run(slow, {}, { threads: 2 }).then(({ result }) => result),
        session.run(words, { top: 1 }, { threads: 1 }).then(({ result }) => result),
        run(slow, {}, { dataDir: "data", debug: true }),
      ]);
      await session.close();
      console.log(JSON.stringify(all));
    `,
    "list.mjs": `
      import { connect } from "bicoastal";
      const session = await connect({ dataDir: "data" });
      console.log(JSON.stringify((await session.jobs()).map(({ name, state }) => name + " " + state).sort()));
      await session.close();
    `,
  });
  const want = [
    {
      top: [
        ["b", 4],
        ["a", 2],
      ],
      total: 8,
    },
    DOUBLED,
    { top: [["b", 4]], total: 8 },
    DOUBLED,
  ];
  expect(await Promise.all([project.json("main.mjs"), project.json("main.mjs")])).toEqual([want, want]);
  expect(await project.json("list.mjs")).toEqual([
    ...Array.from({ length: 4 }, () => "slow succeeded"),
    ...Array.from({ length: 4 }, () => "words succeeded"),
  ]);
});

test("a job whose module nobody knows is refused, and told how to say it", async () => {
  const project = new ProgramProject();
  const text = `
    import { job, read, run } from "bicoastal";
    const numbers = job({ name: "numbers", run: () => read.of([1, 2]) });
    const error = await run(numbers).catch((thrown) => thrown);
    console.log(JSON.stringify([error.code, error.message]));
  `;
  expect(await project.json("--input-type=module", "--eval", text)).toEqual([
    "JOB_INVALID",
    expect.stringMatching(/numbers.*import\.meta\.url/),
  ]);
});

test("a job that its module does not define by itself is refused, and told where to define it", async () => {
  const project = new ProgramProject().write({
    "make.mjs": `
      import { job, read } from "bicoastal";
      export const make = (factor) => job({ name: "made", run: () => read.of([1, 2]).map((n) => n * factor) });
    `,
    "main.mjs": `
      import { connect, run } from "bicoastal";
      import { make } from "./make.mjs";
      const error = await run(make(3)).catch((thrown) => thrown);
      const session = await connect();
      const jobs = await session.jobs();
      await session.close();
      console.log(JSON.stringify({ code: error.code, message: error.message, jobs }));
    `,
  });
  expect(await project.json("main.mjs")).toEqual({
    code: expect.stringMatching(/^(JOB_INVALID|BUNDLE_FAILED)$/),
    message: expect.stringMatching(/made.*top level/s),
    jobs: [],
  });
});
