import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { JobOutcome, RunOptions } from "../api/session.ts";
import { BicoastalError } from "../base/errors.ts";
import { jobId, stageId } from "../base/ids.ts";
import type { LogEntry, LogLevel } from "../plan/task-logs.ts";
import type { LogItem } from "../runtime/log/read-logs.ts";
import { FakeCli, OUTCOME, type Run } from "./fake-cli.ts";
import { ECHO_MS } from "./interrupt.ts";
import { escapeText } from "./show/escape.ts";

/** Runs a command line and gives what it printed and its exit code. */
async function cli(...argv: string[]): Promise<{ code: number; shown: string; run: Run | undefined }> {
  const it = new FakeCli();
  const code = await it.run(...argv);
  return { code, shown: it.shown, run: it.session.runs[0] };
}

/** Command lines with all they print, as for a reader; compared with a file in `golden/`. */
async function expectTranscript(name: string, commandLines: readonly (readonly string[])[]): Promise<void> {
  let transcript = "";
  for (const argv of commandLines) {
    const { code, shown } = await cli(...argv);
    const line = argv.map((text) => (/^[\w./=-]+$/.test(text) ? text : JSON.stringify(text))).join(" ");
    transcript += `$ bicoastal ${escapeText(line)}\n${shown.slice(1)}exit ${code}\n\n`;
  }
  await expect(transcript).toMatchFileSnapshot(`golden/${name}.txt`);
}

test("help", async () => {
  await expectTranscript("help", [
    ["help"],
    ["run", "--help"],
    ["run", "wc.ts", "--help"],
    ["explain", "--help"],
    ["explain", "wc.ts", "-h"],
    ["help", "resume"],
    ["jobs", "--help"],
    ["job", "-h"],
    ["cancel", "--help"],
    ["rm", "--help"],
    ["init", "--help"],
  ]);
  expect((await cli("--help")).shown).toBe((await cli("help")).shown);
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
  await expectTranscript("run", [["run", "wc.ts", "--top", "3"]]);
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
  const single: JobOutcome = {
    ...OUTCOME,
    shape: "single",
    ends: OUTCOME.ends.slice(0, 1),
    counters: {},
    tasksResumed: 39,
  };
  const shown = async (...options: readonly string[]): Promise<string> => {
    const it = new FakeCli();
    it.session.behave = () => Promise.resolve(single);
    await it.run("run", "wc.ts", ...options);
    return it.shown;
  };
  const summary = "---\ndone wordcount-7f3a: 31,102 rows, 4.4 MB, 40 tasks (39 done before), 2.5 s\n";
  expect(await shown()).toBe(`\nkey   value\nthe  63,919\nand  51,695\n${summary}`);
  expect(await shown("--json")).toBe(`\n["the",63919]\n["and",51695]\n${summary}`);
});

test("flags reach the job as texts by param, options reach the session as values", async () => {
  const directory = mkdtempSync(join(tmpdir(), "bicoastal-cli-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const file = join(directory, "params.json");
  writeFileSync(file, '\ufeff{"top": 7}');
  const it = new FakeCli();
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
  const early = { threads: 4, memory: 1.5 * 2 ** 30, debug: true };
  expect(it.loads).toEqual([
    { file: "wc.ts", name: "wordcount", lookOnly: false, dataDir: "/data", run: early },
  ]);
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
const WRONG: readonly (readonly string[])[] = [
  ["rnu", "wc.ts"],
  ["wordcount.ts"],
  ["-rf"],
  ["\u202erun\u0000"],
  ["run"],
  ["run", ""],
  ["run", "--top", "3", "wc.ts"],
  [...RUN, "--topp", "3"],
  [...RUN, "--", "x"],
  [...RUN, "-rf"],
  [...RUN, "extra"],
  [...RUN, "--top"],
  [...RUN, "--input", "--top", "3"],
  [...RUN, "--json=yes"],
  [...RUN, "--no-top"],
  [...RUN, "--no-json"],
  [...RUN, "--=x"],
  [...RUN, "--__proto__", "x"],
  [...RUN, "--threads", "2", "--threads", "3"],
  ...["0", "-1", "NaN", "1e309", "9007199254740993", "", "2.5", "٣", "\u0000", "🧵".repeat(50)].map(
    (text) => [...RUN, `--threads=${text}`],
  ),
  [...RUN, "--memory", "lots"],
  [...RUN, "--memory", "0"],
  [...RUN, "--task-timeout", "30"],
  [...RUN, "--task-timeout", "1e9h"],
  [...RUN, "--attempts", "101"],
  [...RUN, "--data-dir="],
  [...RUN, "--params", "/nowhere/params.json"],
  [...RUN, "--params", "/dev/zero"],
  [...RUN, "--params", "/"],
  [...RUN, "--params", "a\u0000b"],
  ["jobs", "x"],
  ["job"],
  ["resume", "a", "b"],
  ["rm", "--force", "x"],
  ["cancel"],
  ["dev", "--nodes", "0"],
  ["dev", "--regions", "east,,west"],
  ["dev", "--regions", "east,east"],
];

test("a wrong command line is told in one line, and nothing is run", async () => {
  for (const argv of WRONG) {
    const { code, shown, run } = await cli(...argv);
    expect([argv, code, run]).toEqual([argv, 2, undefined]);
    expect(shown).toMatch(/^\n---\nerror\[USAGE\]: [^\n]+\n$/);
  }
  await expectTranscript("wrong-command-lines", WRONG);
  expect((await cli(...RUN, "--")).code).toBe(0);
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
  const it = new FakeCli();
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
  const it = new FakeCli();
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
    const name = signal === "SIGINT" ? "Ctrl-C" : signal;
    const it = new FakeCli();
    it.session.behave = untilAborted;
    const ended = it.run("run", "wc.ts");
    await expect.poll(() => it.session.runs.length).toBe(1);
    it.io.signal(signal);
    expect(await ended).toBe(exitCode);
    expect(it.io.stdout.text).toBe("");
    expect(it.io.stderr.text).toBe(
      `job wordcount-7f3a: 1 stage, 2 tasks
stopping: ${name}. Finishing cleanly; once more ends at once
stopped
To go on from here, without redoing what is done: bicoastal resume wordcount-7f3a
`,
    );
    expect(it.io.signalListeners.size).toBe(0);
  }
});

test("a terminal that is closed leaves a cluster's job to its nodes, and says how to follow it", async () => {
  const it = new FakeCli();
  let isStopped = false;
  it.session.behave = (options) => {
    options.signal?.addEventListener("abort", () => {
      isStopped = true;
    });
    return untilAborted(options);
  };
  void it.run("run", "wc.ts", "--store", "etcd://h1");
  await expect.poll(() => it.session.runs.length).toBe(1);
  it.io.signal("SIGHUP");
  expect([it.io.exits, isStopped]).toEqual([[129], false]);
  expect(it.io.stderr.text).toBe(
    `job wordcount-7f3a: 1 stage, 2 tasks
the terminal was closed: the cluster's nodes go on with wordcount-7f3a
To see its results when they are there: bicoastal resume wordcount-7f3a --store etcd://h1
`,
  );
});

test("a second Ctrl-C ends at once, with the cursor back", async () => {
  const it = new FakeCli();
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
  await expectTranscript("jobs", [
    ["jobs"],
    ["jobs", "--json"],
    ["job", "wordcount-7"],
    ["job", "ind"],
    ["job", "ind", "--json"],
  ]);
});

test("the beginning of an id is enough while it is the only one", async () => {
  const it = new FakeCli();
  expect(await it.run("resume", "wordcount-8")).toBe(0);
  expect(await it.run("rm", "index")).toBe(0);
  expect([it.session.resumed, it.session.removed]).toEqual([["wordcount-81bc"], ["index-0001"]]);
  expect(await cli("resume", "wordcount")).toMatchObject({
    code: 2,
    shown: expect.stringContaining("2 jobs begin with"),
  });
  expect(await cli("rm", "wordcuont-7f3a")).toMatchInlineSnapshot(`
    {
      "code": 2,
      "run": undefined,
      "shown": "
    ---
    error[JOB_NOT_FOUND]: There is no job "wordcuont-7f3a". Did you mean wordcount-7f3a? The newest here are: wordcount-7f3a, wordcount-81bc, index-0001. (--data-dir says where to look.)
    ",
    }
  `);
});

test("a job that is not there is looked for where it was said, and no data directory is made for that", async () => {
  const away = await cli("job", "nosuch", "--store", "etcd://h1");
  expect([away.code, away.shown]).toEqual([2, expect.stringContaining("(--store says where to look.)")]);
  const it = new FakeCli();
  it.hasDataDir = false;
  for (const command of ["job", "logs", "cancel", "resume", "rm"]) expect(await it.run(command, "x")).toBe(2);
  expect(await it.run("jobs")).toBe(0);
  expect(it.io.stderr.text).toContain("There are no jobs here.");
  expect(it.dataDirs).toEqual([]);
  expect(await it.run("explain", "wc.ts")).toBe(0);
  expect(await it.run("run", "wc.ts", "--help")).toBe(0);
  expect(await it.run("run", "wc.ts")).toBe(0);
  expect(it.loads.map(({ lookOnly }) => lookOnly)).toEqual([true, true, false]);
});

test("cancel says what came of it, and leaves alone what has ended", async () => {
  for (const [job, said] of [
    ["wordcount-8", "wordcount-81bc: stopped"],
    ["index", "index-0001: had succeeded already"],
    ["wordcount-7", "wordcount-7f3a: had failed already"],
  ] as const) {
    expect(await cli("cancel", job)).toMatchObject({ code: 0, shown: `\n---\n${said}\n` });
  }
  expect((await cli("cancel", "index", "--json")).shown).toBe(
    '\n{"job":"index-0001","state":"succeeded"}\n---\n',
  );
});

test("resume --detach leaves the job to the nodes", async () => {
  const it = new FakeCli();
  expect(await it.run("resume", "wordcount-7f3a", "--detach", "--store", "etcd://h1")).toBe(0);
  expect([it.session.reopened, it.session.resumed]).toEqual([["wordcount-7f3a"], []]);
  expect(it.io.stdout.text).toBe("wordcount-7f3a\n");
});

test("certs takes names with their hosts", async () => {
  const it = new FakeCli();
  expect(await it.run("certs", "east=10.0.0.1,east.example", "client", "--days", "7", "--dir", "c")).toBe(0);
  expect(it.certificates).toMatchObject([
    {
      directory: "c",
      days: 7,
      renew: false,
      nodes: [
        { name: "east", hosts: ["10.0.0.1", "east.example"] },
        { name: "client", hosts: [] },
      ],
    },
  ]);
  for (const wrong of [[], ["ca"], ["a", "a=b"], ["../a"], ["a=b c"], ["a=b=c"]])
    expect(await new FakeCli().run("certs", ...wrong)).toBe(2);
});

test("the three files of TLS come together", async () => {
  const it = new FakeCli();
  expect(await it.run("jobs", "--store", "etcd://h1", "--tls-ca", "ca.pem", "--tls-key", "k")).toBe(2);
  expect(it.io.stderr.text).toContain("--tls-cert");
});

test("--detach prints the id of the job it leaves behind", async () => {
  const it = new FakeCli();
  expect(await it.run("run", "wc.ts", "--top=3", "--detach", "--store", "etcd://h1")).toBe(0);
  expect(it.io.stdout.text).toBe("wordcount-7f3a\n");
  expect(it.io.stderr.text).toContain("bicoastal cancel");
  expect(it.session.submitted[0]?.options.flags?.get("top")).toEqual(["3"]);
  expect([it.session.runs.length, it.session.closed]).toEqual([0, 1]);
  expect((await cli("run", "wc.ts", "--detach", "--json")).shown).toBe('\n{"job":"wordcount-7f3a"}\n---\n');
});

test("a resumed job that fails again says how to go on, even before it started", async () => {
  const it = new FakeCli();
  it.session.behave = () => Promise.reject(new BicoastalError("STORE_UNAVAILABLE", "Gone."));
  expect(await it.run("resume", "index")).toBe(1);
  expect(it.io.stderr.text).toContain("bicoastal resume index-0001");
});

test("explain shows the stages, and goes without tasks where there are no inputs", async () => {
  await expectTranscript("explain", [["explain", "wc.ts", "--top", "5"]]);
  const { shown } = await cli("explain", "wc.ts", "--json");
  expect(JSON.parse(shown.split("---")[0] ?? "")).toMatchObject({
    job: "wordcount",
    stages: expect.any(Array),
  });
  const it = new FakeCli();
  it.dependencies.layOutPlan = () =>
    Promise.reject(new BicoastalError("INPUT_NOT_FOUND", "No file matches books/*.txt."));
  expect(await it.run("explain", "wc.ts")).toBe(0);
  expect(it.shown).toMatchInlineSnapshot(`
    "
    job wordcount: 5 stages

    stage 0
      read.lines books/*.txt
        → flatMap → shuffle (countBy)

    stage 1  after stage 0
      countBy of stage 0
        → shuffle (top)

    stage 2  after stage 1
      top of stage 1
        → collect, as top

    stage 3
      read.lines books/*.txt
        → shuffle (count)

    stage 4  after stage 3
      count of stage 3
        → one value, as total
    ---
    tasks unknown: No file matches books/*.txt.
    "
  `);
});

test("nobody reading stdout is no error", async () => {
  const it = new FakeCli();
  it.io.stdout.closed = true;
  expect(await it.run("run", "wc.ts", "--json")).toBe(0);
  expect(it.io.stdout.text).toBe("");
});

test("what stdout could not take fails the command, and says how to get it", async () => {
  for (const [argv, hint] of [
    [["run", "wc.ts"], "bicoastal resume wordcount-7f3a"],
    [["jobs"], ""],
    [["--help"], ""],
  ] as const) {
    const it = new FakeCli();
    it.io.stdout.failure = new Error("ENOSPC: no space left on device, write");
    it.session.behave = ({ onEvent }) => {
      onEvent?.({ kind: "started", job: OUTCOME.job, stages: [], tasksResumed: 0 });
      return Promise.resolve(OUTCOME);
    };
    expect(await it.run(...argv)).toBe(1);
    expect(it.io.stderr.text).toMatch(/error\[OUTPUT_FAILED\]: Cannot write to stdout: ENOSPC/);
    expect(it.io.stderr.text).toContain(hint);
  }
});

test("the command to resume names the data directory, as the shell wants it, where it is not the default", async () => {
  const hinted = async (env: Record<string, string>, ...argv: string[]): Promise<string | undefined> => {
    const it = new FakeCli();
    it.io.env = env;
    it.session.behave = () => Promise.reject(new BicoastalError("STORE_UNAVAILABLE", "Gone."));
    await it.run(...argv);
    return /bicoastal resume.*/.exec(it.shown)?.[0];
  };
  const resume = "bicoastal resume wordcount-7f3a";
  for (const command of ["resume", "job"]) {
    const argv = [command, "wordcount-7"];
    expect(await hinted({}, ...argv)).toBe(resume);
    expect(await hinted({ BICOASTAL_DATA_DIR: "/data" }, ...argv)).toBe(`${resume} --data-dir /data`);
    expect(await hinted({}, ...argv, "--store", "etcd://h1,h2")).toBe(`${resume} --store etcd://h1,h2`);
    expect(await hinted({}, ...argv, "--store", "etcds://me:secret@h1")).toBe(`${resume} --store STORE`);
    expect(await hinted({ BICOASTAL_DATA_DIR: "/data" }, ...argv, "--data-dir", "it's here")).toBe(
      `${resume} --data-dir 'it'\\''s here'`,
    );
  }
});

test("logs shows lines of what was asked for, and tells what is missing", async () => {
  const line = (attempt: string | undefined, level: LogLevel, message: string): LogItem => ({
    kind: "line",
    entry: {
      atMs: 1_772_366_400_123,
      level,
      node: "east-1",
      message,
      ...(attempt === undefined ? {} : { attempt }),
    },
  });
  const said: readonly LogItem[] = [
    { kind: "dropped", node: "east-1", lines: 12 },
    line(undefined, "info", "is driven by this node"),
    line("s2.p17.e1.a0", "info", "hello"),
    line("s2.p17.e1.a1", "error", "no"),
    line("s2.p1.e1.a0", "warn", "well"),
    { kind: "away", node: "west-1", reason: "Node west-1 could not be asked: refused." },
  ];
  const show = async (...options: readonly string[]) => {
    const it = new FakeCli();
    it.session.said = said;
    expect(await it.run("logs", "wordcount-7f3a", ...options)).toBe(0);
    return it;
  };
  const all = await show();
  expect(all.shown).toBe(`
2026-03-01T12:00:00.123Z info  east-1  is driven by this node
2026-03-01T12:00:00.123Z info  east-1 s2.p17.e1.a0  hello
2026-03-01T12:00:00.123Z error east-1 s2.p17.e1.a1  no
2026-03-01T12:00:00.123Z warn  east-1 s2.p1.e1.a0  well
---
missing the first 12 lines of east-1, which keeps the newest of a job only
missing what lies on west-1: Node west-1 could not be asked: refused.
`);
  expect(all.session.followed).toEqual([["wordcount-7f3a", false]]);
  const messages = async (...options: readonly string[]) => {
    const it = await show("--json", ...options);
    const lines = it.io.stdout.text.split("\n").filter((text) => text !== "");
    return lines.map((text) => (JSON.parse(text) as LogEntry).message);
  };
  expect(await messages("--task", "2/17")).toEqual(["hello", "no"]);
  expect(await messages("--task", "s2.p1")).toEqual(["well"]);
  expect(await messages("--attempt", "e1.a1")).toEqual(["no"]);
  expect(await messages("--attempt", "s2.p1.e1.a0")).toEqual(["well"]);
  expect(await messages("--level", "warn", "--follow")).toEqual(["no", "well"]);
  for (const wrong of [
    ["--task", "x"],
    ["--attempt", "1"],
    ["--level", "loud"],
  ])
    expect(await new FakeCli().run("logs", "wordcount-7f3a", ...wrong)).toBe(2);
  expect(await new FakeCli().run("logs")).toBe(2);
});
