import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { job } from "../api/job.ts";
import { read } from "../api/read.ts";
import type { JobDetails, JobOutcome, JobSummary, RunOptions, Session } from "../api/session.ts";
import { BicoastalError } from "../base/errors.ts";
import { jobId, stageId } from "../base/ids.ts";
import type { CliDependencies, LoadRequest } from "./dependencies.ts";
import { FakeIo } from "./fake-io.ts";
import { ECHO_MS } from "./interrupt.ts";
import { main } from "./main.ts";

const wordcount = job({
  name: "wordcount",
  params: {
    input: "books/*.txt",
    top: 20,
    maxLength: 0.5,
    verboseWords: false,
    skip: ["a"],
    options: { deep: 1 },
  },
  run: ({ input, top }) => ({
    top: read
      .lines(input)
      .flatMap((line) => line.split(" "))
      .countBy((word) => word)
      .top(top, ([, count]) => count),
    total: read.lines(input).count(),
  }),
});

const OUTCOME: JobOutcome = {
  job: jobId("wordcount-7f3a"),
  name: "wordcount",
  result: undefined,
  ends: [
    {
      kind: "rows",
      name: "top",
      rows: [
        ["the", 63919],
        ["and", 51695],
      ],
    },
    { kind: "value", name: "total", value: 31102 },
    { kind: "written", name: "files", directory: "/out/words", files: 12, bytes: 3_400_000, rows: 1234 },
  ],
  shape: "record",
  counters: { "long words": 12, empty: 3456 },
  rows: 31102,
  bytes: 4_400_000,
  tasks: 40,
  tasksResumed: 0,
  elapsedMs: 2500,
};

const SUMMARIES: readonly JobSummary[] = [
  {
    job: "wordcount-7f3a",
    state: "failed",
    submittedAtMs: -90_000,
    endedAtMs: -60_000,
    tasksDone: 12,
    tasksTotal: 40,
  },
  {
    job: "wordcount-81bc",
    state: "running",
    submittedAtMs: -9_000_000,
    endedAtMs: undefined,
    tasksDone: 0,
    tasksTotal: 1200,
  },
  {
    job: "index-0001",
    state: "succeeded",
    submittedAtMs: -4e9,
    endedAtMs: -4e9 + 500,
    tasksDone: 3,
    tasksTotal: 3,
  },
].map((summary) => ({
  ...summary,
  job: jobId(summary.job),
  name: summary.job.split("-")[0] ?? "",
  state: summary.state as JobSummary["state"],
  submittedAtMs: Date.UTC(2026, 2, 1, 12) + summary.submittedAtMs,
  endedAtMs: summary.endedAtMs === undefined ? undefined : Date.UTC(2026, 2, 1, 12) + summary.endedAtMs,
}));

interface Run {
  readonly params: unknown;
  readonly options: RunOptions;
}

/** A session that remembers what it was asked, over whatever `behave` does. */
class FakeSession implements Session {
  readonly runs: Run[] = [];
  readonly resumed: string[] = [];
  readonly removed: string[] = [];
  closed = 0;
  behave: (options: RunOptions) => Promise<JobOutcome> = () => Promise.resolve(OUTCOME);

  async run(_job: unknown, params?: unknown, options: RunOptions = {}): Promise<JobOutcome<never>> {
    this.runs.push({ params, options });
    return (await this.behave(options)) as JobOutcome<never>;
  }
  async resume(id: string, options: RunOptions = {}): Promise<JobOutcome> {
    this.resumed.push(id);
    return await this.behave(options);
  }
  jobs(): Promise<readonly JobSummary[]> {
    return Promise.resolve(SUMMARIES);
  }
  job(id: string): Promise<JobDetails> {
    const summary = SUMMARIES.find((each) => each.job === id)!;
    return Promise.resolve({
      ...summary,
      params: { input: "books/*.txt", top: 20 },
      epochs: 2,
      stages: [
        { label: "read.lines → shuffle (countBy)", tasks: 39, tasksDone: 12 },
        { label: "countBy → collect", tasks: 1, tasksDone: 0 },
      ],
      counters: { "long words": 12 },
      error:
        summary.state === "failed"
          ? {
              code: "USER_FUNCTION",
              message: "TypeError: no",
              retryable: true,
              details: { file: "a.txt", line: 3 },
            }
          : undefined,
    });
  }
  remove(id: string): Promise<void> {
    this.removed.push(id);
    return Promise.resolve();
  }
  close(): Promise<void> {
    this.closed++;
    return Promise.resolve();
  }
}

class Cli {
  readonly io = new FakeIo();
  readonly session = new FakeSession();
  readonly loads: LoadRequest[] = [];
  readonly dataDirs: (string | undefined)[] = [];

  readonly dependencies: CliDependencies = {
    connect: ({ dataDir }) => {
      this.dataDirs.push(dataDir);
      return Promise.resolve(this.session);
    },
    loadJob: (request) => {
      this.loads.push(request);
      return Promise.resolve(wordcount as never);
    },
    sizeStages: (plan) =>
      Promise.resolve(plan.stages.map((stage) => ({ tasks: 3, sinkPartitions: stage.sinks.map(() => 2) }))),
  };

  run(...argv: string[]): Promise<number> {
    return main({ argv, io: this.io, dependencies: this.dependencies, ownRoot: "/pkg/" });
  }

  get shown(): string {
    return `\n${this.io.stdout.text}---\n${this.io.stderr.text}`;
  }
}

/** Runs a command line and gives what it printed and its exit code. */
async function cli(...argv: string[]): Promise<{ code: number; shown: string; run: Run | undefined }> {
  const it = new Cli();
  const code = await it.run(...argv);
  return { code, shown: it.shown, run: it.session.runs[0] };
}

test.each([
  [["--help"]],
  [["help"]],
  [["run", "--help"]],
  [["help", "resume"]],
  [["run", "wc.ts", "--help"]],
  [["explain", "wc.ts", "-h"]],
])("the help of %j", async (argv) => {
  const { code, shown } = await cli(...argv);
  expect(code).toBe(0);
  expect(shown).toMatchSnapshot();
});

test("no command shows the help on stderr", async () => {
  const { code, shown } = await cli();
  expect(code).toBe(2);
  expect(shown).toMatch(/^\n---\nUsage:/);
});

test("the version is the package's", async () => {
  const { shown } = await cli("--version");
  const manifest = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  expect(shown).toBe(`\n${manifest.version}\n---\n`);
});

test("a run prints results on stdout, and the summary with its counters on stderr", async () => {
  const { code, shown } = await cli("run", "wc.ts", "--top", "3");
  expect(code).toBe(0);
  expect(shown).toMatchSnapshot();
});

test("--json prints a line a row, naming its end, and nothing else on stdout", async () => {
  const { shown } = await cli("run", "wc.ts", "--json", "--quiet");
  expect(shown).toMatchInlineSnapshot(`
    "
    {"end":"top","row":["the",63919]}
    {"end":"top","row":["and",51695]}
    {"end":"total","value":31102}
    {"end":"files","written":{"directory":"/out/words","files":12,"bytes":3400000,"rows":1234}}
    ---
    "
  `);
});

test("a single end's rows stand alone, as a table and as JSON", async () => {
  for (const json of [[], ["--json"]]) {
    const it = new Cli();
    it.session.behave = () =>
      Promise.resolve({
        ...OUTCOME,
        shape: "single",
        ends: OUTCOME.ends.slice(0, 1),
        counters: {},
        tasksResumed: 39,
      });
    await it.run("run", "wc.ts", ...json);
    expect(it.shown).toMatchSnapshot();
  }
});

test("flags reach the job as texts by param, options reach the session as values", async () => {
  const directory = mkdtempSync(join(tmpdir(), "bicoastal-cli-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const file = join(directory, "params.json");
  writeFileSync(file, '\ufeff{"top": 7}');
  const it = new Cli();
  const code = await it.run(
    ...[
      "run",
      "--data-dir",
      "/data",
      "wc.ts",
      "--input",
      "-x",
      "--max-length=-1.5",
      "--skip",
      "b",
      "--skip=--top",
    ],
    ...[
      "--no-verbose-words",
      "--threads=4",
      "--memory",
      "1.5GiB",
      "--attempts",
      "1",
      "--task-timeout",
      "30s",
    ],
    ...["--debug", "--params", file, "--job", "wordcount"],
  );
  expect([code, it.io.stderr.text.startsWith("error")]).toEqual([0, false]);
  expect(it.loads).toEqual([{ file: "wc.ts", name: "wordcount", dataDir: "/data" }]);
  expect(it.dataDirs).toEqual(["/data"]);
  const [run] = it.session.runs;
  expect(run?.params).toEqual({ top: 7 });
  expect(run?.options).toMatchObject({
    threads: 4,
    memory: 1.5 * 2 ** 30,
    attempts: 1,
    taskTimeoutMs: 30_000,
    debug: true,
  });
  expect(Object.fromEntries(run?.options.flags ?? [])).toEqual({
    input: ["-x"],
    maxLength: ["-1.5"],
    skip: ["b", "--top"],
    verboseWords: ["false"],
  });
  expect(it.session.closed).toBe(1);
});

const RUN = ["run", "wc.ts"];
test.each([
  [["rnu", "wc.ts"]],
  [["wordcount.ts"]],
  [["-rf"]],
  [["\u202erun\u0000"]],
  [["run"]],
  [["run", ""]],
  [["run", "--top", "3", "wc.ts"]],
  [[...RUN, "--topp", "3"]],
  [[...RUN, "--"]],
  [[...RUN, "--", "x"]],
  [[...RUN, "-rf"]],
  [[...RUN, "extra"]],
  [[...RUN, "--top"]],
  [[...RUN, "--input", "--top", "3"]],
  [[...RUN, "--json=yes"]],
  [[...RUN, "--no-top"]],
  [[...RUN, "--no-json"]],
  [[...RUN, "--=x"]],
  [[...RUN, "--__proto__", "x"]],
  [[...RUN, "--threads", "2", "--threads", "3"]],
  ...["0", "-1", "NaN", "1e309", "9007199254740993", "", "2.5", "٣", "\u0000", "🧵".repeat(50)].map(
    (text) => [[...RUN, `--threads=${text}`]],
  ),
  [[...RUN, "--memory", "lots"]],
  [[...RUN, "--memory", "0"]],
  [[...RUN, "--task-timeout", "30"]],
  [[...RUN, "--task-timeout", "1e9h"]],
  [[...RUN, "--attempts", "101"]],
  [[...RUN, "--data-dir="]],
  [[...RUN, "--params", "/nowhere/params.json"]],
  [[...RUN, "--params", "/dev/zero"]],
  [[...RUN, "--params", "/"]],
  [[...RUN, "--params", "a\u0000b"]],
  [["jobs", "x"]],
  [["job"]],
  [["resume", "a", "b"]],
  [["rm", "--force", "x"]],
])("a wrong command line is told in one line, and nothing is run: %j", async (argv) => {
  const { code, shown, run } = await cli(...argv);
  expect([code, run]).toEqual(argv.at(-1) === "--" ? [0, run] : [2, undefined]);
  expect(shown).toMatchSnapshot();
});

test("a value of 10 MiB is refused in few words", async () => {
  for (const argv of [
    ["x".repeat(10 << 20)],
    [...RUN, `--threads=${"9".repeat(10 << 20)}`],
    [...RUN, `--${"y".repeat(10 << 20)}`],
  ]) {
    const { code, shown } = await cli(...argv);
    expect(code).toBe(2);
    expect(shown.length).toBeLessThan(1000);
  }
});

test("errors are JSON when rows are", async () => {
  const { shown, code } = await cli("run", "wc.ts", "--json", "--threads", "0");
  expect(code).toBe(2);
  expect(JSON.parse(shown.split("---\n")[1] ?? "")).toEqual({
    error: {
      code: "USAGE",
      message: expect.stringContaining("--threads"),
      retryable: false,
      details: { option: "threads", expected: "a whole number from 1 to 1024" },
    },
  });
});

test("a job that fails ends with 1 and says how to resume", async () => {
  const it = new Cli();
  it.session.behave = ({ onEvent }) => {
    onEvent?.({ kind: "started", job: jobId("wordcount-7f3a"), stages: [], tasksResumed: 0 });
    return Promise.reject(new BicoastalError("DISK_FULL", "The disk is full."));
  };
  expect(await it.run("run", "wc.ts")).toBe(1);
  expect(it.shown).toMatchInlineSnapshot(`
    "
    ---
    job wordcount-7f3a: 0 stages, 0 tasks
    error[DISK_FULL]: The disk is full.

    To go on from here, without redoing what is done: bicoastal resume wordcount-7f3a
    "
  `);
  expect(it.session.closed).toBe(1);
});

test("an unexpected error is shown as the bug it is", async () => {
  const it = new Cli();
  it.session.behave = () => Promise.reject(new TypeError("x is undefined"));
  expect(await it.run("run", "wc.ts")).toBe(1);
  expect(it.io.stderr.text).toMatch(/^internal error: TypeError: x is undefined\n {4}at [\s\S]+report it/);
});

/** A job that runs until it is told to stop. */
function untilAborted({ signal, onEvent }: RunOptions): Promise<never> {
  onEvent?.({
    kind: "started",
    job: jobId("wordcount-7f3a"),
    stages: [{ id: stageId(0), label: "a", tasks: 2 }],
    tasksResumed: 0,
  });
  return new Promise((_, reject) => {
    signal?.addEventListener("abort", () => reject(new BicoastalError("JOB_CANCELLED", "Stopped.")));
  });
}

test("Ctrl-C stops cleanly, says how to resume, and ends with 130", async () => {
  for (const [signal, exitCode] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const) {
    const it = new Cli();
    it.session.behave = untilAborted;
    const ended = it.run("run", "wc.ts");
    await expect.poll(() => it.session.runs.length).toBe(1);
    it.io.signal(signal);
    expect(await ended).toBe(exitCode);
    expect(it.shown).toMatchSnapshot();
    expect(it.io.signalListeners.size).toBe(0);
  }
});

test("a second Ctrl-C ends at once, with the cursor back", async () => {
  const it = new Cli();
  it.io.terminal(80);
  it.session.behave = ({ onEvent }) => {
    onEvent?.({ kind: "progress", progress: { ...PROGRESS } });
    return new Promise(() => {});
  };
  void it.run("run", "wc.ts");
  await expect.poll(() => it.session.runs.length).toBe(1);
  it.io.clock.advance(200);
  it.io.signal("SIGINT");
  it.io.clock.advance(ECHO_MS);
  expect(it.io.exits).toEqual([]);
  it.io.signal("SIGINT");
  expect(it.io.exits).toEqual([130]);
  expect(it.io.stderr.text.endsWith("\u001b[?25h")).toBe(true);
});

const PROGRESS = {
  tasksDone: 1,
  tasksRunning: 1,
  tasksTotal: 2,
  stage: "a",
  rows: 1,
  bytes: 0,
  bytesTotal: 0,
  elapsedMs: 1,
  rowsPerSecond: 0,
  bytesPerSecond: 0,
  etaMs: undefined,
};

test("jobs, job, and their JSON", async () => {
  for (const argv of [
    ["jobs"],
    ["jobs", "--json"],
    ["job", "wordcount-7"],
    ["job", "ind"],
    ["job", "ind", "--json"],
  ]) {
    const { code, shown } = await cli(...argv);
    expect(code).toBe(0);
    expect(shown).toMatchSnapshot();
  }
});

test("the beginning of an id is enough while it is the only one", async () => {
  const it = new Cli();
  expect(await it.run("resume", "wordcount-8")).toBe(0);
  expect(await it.run("rm", "index")).toBe(0);
  expect([it.session.resumed, it.session.removed]).toEqual([["wordcount-81bc"], ["index-0001"]]);
  expect(await cli("resume", "wordcount")).toMatchObject({
    code: 2,
    shown: expect.stringContaining("2 jobs begin with"),
  });
  expect(await cli("rm", "wordcuont-7f3a")).toMatchInlineSnapshot(`
    {
      "code": 1,
      "run": undefined,
      "shown": "
    ---
    error[JOB_NOT_FOUND]: There is no job "wordcuont-7f3a". Did you mean wordcount-7f3a? The newest are: wordcount-7f3a, wordcount-81bc, index-0001. (--data-dir says where to look.)
    ",
    }
  `);
});

test("a resumed job that fails again says how to go on, even before it started", async () => {
  const it = new Cli();
  it.session.behave = () => Promise.reject(new BicoastalError("STORE_UNAVAILABLE", "Gone."));
  expect(await it.run("resume", "index")).toBe(1);
  expect(it.io.stderr.text).toContain("bicoastal resume index-0001");
});

test("explain shows the stages, and goes without tasks where there are no inputs", async () => {
  expect((await cli("explain", "wc.ts", "--top", "5")).shown).toMatchSnapshot();
  const { shown } = await cli("explain", "wc.ts", "--json");
  expect(JSON.parse(shown.split("---")[0] ?? "")).toMatchObject({
    job: "wordcount",
    stages: expect.any(Array),
  });
  const it = new Cli();
  it.dependencies.sizeStages = () =>
    Promise.reject(new BicoastalError("INPUT_NOT_FOUND", "No file matches books/*.txt."));
  expect(await it.run("explain", "wc.ts")).toBe(0);
  expect(it.shown).toMatchSnapshot();
});

test("nobody reading stdout is no error", async () => {
  const it = new Cli();
  it.io.stdout.closed = true;
  expect(await it.run("run", "wc.ts", "--json")).toBe(0);
  expect(it.io.stdout.text).toBe("");
});
