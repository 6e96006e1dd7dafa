/** What fails in user code, in threads and on disk: told as what it is, and the job goes on once it is mended. */
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { type CliResult, jsonLines } from "./cli-process.ts";
import { CliProject } from "./cli-project.ts";

interface ToldError {
  readonly code: string;
  readonly message: string;
  readonly job: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly source: { readonly file: string; readonly line: number };
}

/** The error of a command that was given --json. */
function errorOf(result: CliResult): ToldError {
  expect(result.code, result.stderr).toBe(1);
  expect(result.stdout).toBe("");
  const last = result.stderr.trimEnd().split("\n").at(-1) ?? "";
  return (JSON.parse(last) as { error: ToldError }).error;
}

const LINES = `
import { appendFileSync } from "node:fs";
import { job, read } from "bicoastal";

interface Row { readonly user: string; readonly amount: number }

const parse = (line: string): Row => {
  appendFileSync("parsed.log", line + "\\n");
  const [user = "", amount = ""] = line.split(" ");
  if (amount === "many" && process.env.LENIENT === undefined) {
    throw new RangeError("no number: " + amount);
  }
  return { user, amount: Number(amount) || 0 };
};

export default job({
  name: "amounts",
  run: () =>
    read
      .lines("in/*.txt", { splitBytes: 28 }) // a task for each file
      .map((line) => parse(line))
      .groupBy(({ user }) => user)
      .map(([user, rows]) => [user, [...rows].reduce((sum, { amount }) => sum + amount, 0)])
      .sortBy(([user]) => user ?? ""),
});
`;

test("a function that throws is tried again, told with file, line and record, and resumed once it is mended", async () => {
  const project = new CliProject().write({
    "amounts.ts": LINES,
    "in/a.txt": "ann 1\nbob 2\n",
    "in/b.txt": "ann 3\ncarl 4\nbob many\nann 5\n",
    "in/c.txt": "dora 6\n",
  });
  const flags = ["--attempts", "3", "--threads", "1"];
  const failed = await project.run("run", "amounts.ts", ...flags);
  expect([failed.code, failed.stdout]).toEqual([1, ""]);
  expect(failed.stderr).toMatch(/error\[USER_FUNCTION\]: .*no number: many/);
  expect(failed.stderr).toMatch(/The record: line 3 of \S+in\/b\.txt/);
  expect(failed.stderr).toContain("bob many");
  expect(failed.stderr).toContain("at amounts.ts:11:");
  expect(failed.stderr).toContain('> 11 |     throw new RangeError("no number: " + amount);');
  const job = /bicoastal resume (amounts-\w+)/.exec(failed.stderr)?.[1] ?? "";
  const parsed = (): string[] =>
    readFileSync(join(project.directory, "parsed.log"), "utf8").trimEnd().split("\n");
  expect(parsed().filter((line) => line === "bob many")).toHaveLength(3);
  expect(parsed().filter((line) => line === "bob 2")).toHaveLength(1);
  const [shown] = jsonLines(await project.run("job", job, "--json"));
  expect(shown).toMatchObject({ state: "failed", error: { code: "USER_FUNCTION" } });

  rmSync(join(project.directory, "parsed.log"));
  const mended = await project.startWith({ LENIENT: "1" }, "resume", job, "--json").ended;
  expect(jsonLines(mended)).toEqual([
    ["ann", 9],
    ["bob", 2],
    ["carl", 4],
    ["dora", 6],
  ]);
  // The task that failed runs again; what was complete does not.
  expect(parsed()).toContain("bob many");
  expect(parsed()).not.toContain("bob 2");
});

/** Fails in the second of three tasks, in many ways; the rows are those of the others once it behaves. */
const MISBEHAVES = `
import { job, read } from "bicoastal";
const ways: Record<string, () => void> = {
  nothing: () => {},
  heap: () => {
    const hoard: unknown[] = [];
    for (;;) hoard.push(new Array(1_000).fill({}).map(() => ({ more: Math.random() })));
  },
  exit: () => process.exit(7),
  loop: () => {
    for (let n = 0; ; n++) if (n < 0) break;
  },
  rejection: () => {
    void Promise.reject(new Error("nobody waits for me"));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
  },
  timer: () => {
    setTimeout(() => { throw new TypeError("later"); }, 0);
  },
  undefined: () => { throw undefined; },
  deep: () => { const down = (): number => down() + 1; down(); },
  frozen: () => { Object.freeze(Object.prototype); Object.freeze(Array.prototype); throw new Error("all frozen"); },
};
export default job({
  name: "misbehaves",
  run: () =>
    read.range(3, { partitions: 3 }).map((n) => {
      if (n === 1) ways[process.env.WAY ?? "nothing"]!();
      return n * 10;
    }),
});
`;

test.each([
  ["heap", "OUT_OF_MEMORY", /out of memory/],
  ["exit", "THREAD_DIED", /exit code 7.*process\.exit/],
  ["loop", "TASK_TIMEOUT", /had not ended after \d+ ms/],
  ["undefined", "USER_FUNCTION", /undefined/],
  ["deep", "USER_FUNCTION", /call stack/],
  ["frozen", "USER_FUNCTION", /all frozen/],
])(
  "user code that ends in %s is an error of %s; the process lives on, and resume goes on",
  async (way, code, text) => {
    const project = new CliProject().write({ "misbehaves.ts": MISBEHAVES });
    const attempts = way === "heap" || way === "loop" ? "1" : "2";
    const flags = ["--json", "--attempts", attempts, "--threads", "2", "--memory", "512MiB"];
    // It goes for the other tasks as well, and when the job is resumed: it must do for a thread that starts on a busy machine.
    if (way === "loop") flags.push("--task-timeout", "30s");
    const error = errorOf(await project.startWith({ WAY: way }, "run", "misbehaves.ts", ...flags).ended);
    expect(error).toMatchObject({
      code,
      message: expect.stringMatching(text),
      job: expect.stringMatching(/^misb/),
    });
    expect(jsonLines(await project.run("jobs", "--json"))).toMatchObject([{ state: "failed" }]);
    expect(jsonLines(await project.run("resume", error.job, "--json"))).toEqual([0, 10, 20]);
    const scratch = join(project.directory, ".data", "scratch");
    expect(existsSync(scratch) ? readdirSync(scratch) : []).toEqual([]);
  },
);

/** What a task starts and does not wait for may come too late to fail it, but never takes the process down. */
test.each([
  ["rejection", "nobody waits for me"],
  ["timer", "later"],
])("a stray %s never takes the process down", async (way, text) => {
  const project = new CliProject().write({ "misbehaves.ts": MISBEHAVES });
  const flags = ["--json", "--attempts", "2", "--threads", "1"];
  const result = await project.startWith({ WAY: way }, "run", "misbehaves.ts", ...flags).ended;
  expect(result.stderr).toContain(text);
  if (result.code === 0) expect(jsonLines(result)).toEqual([0, 10, 20]);
  else expect(["USER_FUNCTION", "THREAD_DIED"]).toContain(errorOf(result).code);
  const [listed] = jsonLines(await project.run("jobs", "--json"));
  expect(listed).toMatchObject({ state: result.code === 0 ? "succeeded" : "failed" });
});

test("an input that changes between run and resume is refused, and so is one that is gone", async () => {
  const project = new CliProject().write({
    "amounts.ts": LINES,
    "in/a.txt": "ann many\n",
    "in/b.txt": "bob 1\n",
  });
  const { job } = errorOf(await project.run("run", "amounts.ts", "--json", "--attempts", "1"));
  appendFileSync(join(project.directory, "in/a.txt"), "ann 2\n");
  const changed = await project.startWith({ LENIENT: "1" }, "resume", job).ended;
  expect([changed.code, changed.stdout]).toEqual([1, ""]);
  expect(changed.stderr).toMatch(/error\[INPUT_CHANGED\]: .*in\/a\.txt/);
  expect(changed.stderr).not.toMatch(/bicoastal resume/);
  rmSync(join(project.directory, "in/a.txt"));
  const gone = errorOf(await project.startWith({ LENIENT: "1" }, "resume", job, "--json").ended);
  expect(gone.code).toMatch(/^INPUT_(CHANGED|NOT_FOUND|UNREADABLE)$/);
  expect(gone.message).toContain("in/a.txt");
});

const WRITES = `
import { appendFileSync } from "node:fs";
import { job, read } from "bicoastal";
export default job({
  name: "writes",
  params: { out: "out", rows: 20 },
  run: ({ out, rows }) =>
    read
      .range(rows, { partitions: 2 })
      .map((n) => {
        if (n === 0) appendFileSync("runs.log", "x");
        return { n, text: String(n % 1_013).padEnd(400, String(n % 977)) };
      })
      .sortBy(({ n }) => -n, { partitions: 2 })
      .write("jsonl", out),
});
`;

test("an output that exists is refused before anything runs", async () => {
  const project = new CliProject().write({ "writes.ts": WRITES, "out/mine.txt": "precious", file: "too" });
  for (const out of ["out", "file"]) {
    const { code } = errorOf(await project.run("run", "writes.ts", "--json", "--quiet", "--out", out));
    expect(code).toBe("OUTPUT_EXISTS");
  }
  expect(existsSync(join(project.directory, "runs.log"))).toBe(false);
  expect((await project.run("jobs", "--json")).stdout).toBe("");
  expect(readFileSync(join(project.directory, "out/mine.txt"), "utf8")).toBe("precious");
});

test("an output that appears while the job is stopped is kept, and the job goes on once it is away", async () => {
  const project = new CliProject().write({
    "writes.ts": WRITES.replace(
      "if (n === 0)",
      'if (n === 0 && process.env.FAIL) throw new Error("told to");\n        if (n === 0)',
    ),
  });
  const stopped = await project.startWith({ FAIL: "1" }, "run", "writes.ts", "--json", "--attempts", "1")
    .ended;
  const { job } = errorOf(stopped);
  mkdirSync(join(project.directory, "out"));
  writeFileSync(join(project.directory, "out", "mine.txt"), "precious");
  expect(errorOf(await project.run("resume", job, "--json"))).toMatchObject({ code: "OUTPUT_EXISTS", job });
  expect(readFileSync(join(project.directory, "out", "mine.txt"), "utf8")).toBe("precious");
  rmSync(join(project.directory, "out"), { recursive: true });
  expect(jsonLines(await project.run("resume", job, "--json"))).toMatchObject([{ rows: 20 }]);
  expect(readdirSync(project.directory).filter((name) => name.includes("bicoastal"))).toEqual([]);
});

test("a data directory that cannot be written is told as such", async () => {
  const project = new CliProject().write({ "writes.ts": WRITES, "plain-file": "" });
  for (const directory of ["plain-file", "/proc/nothing/here", "/dev/null"]) {
    // Whoever only looks makes none, and finds no jobs where none is.
    const looks = directory === "/proc/nothing/here" ? [] : [["jobs"]];
    for (const command of [["run", "writes.ts"], ...looks]) {
      const error = await project.run(...command, "--data-dir", directory);
      expect([error.code, error.stdout]).toEqual([1, ""]);
      expect(error.stderr).toMatch(/error\[STORE_UNAVAILABLE\]: Cannot use the data directory/);
    }
  }
});

/** Why no small disk can be mounted here; undefined where one can. */
function reasonAgainstMounting(): string | undefined {
  const place = new CliProject().directory;
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", place], { stdio: "pipe" });
    execFileSync("umount", [place], { stdio: "pipe" });
    return undefined;
  } catch (error) {
    return String((error as { stderr?: unknown }).stderr ?? error).trim();
  }
}

test("a disk that is full is told as such, and resume goes on when there is room", async (context) => {
  const reason = reasonAgainstMounting();
  if (reason !== undefined) context.skip(`no small disk can be mounted: ${reason}`);
  const project = new CliProject().write({ "writes.ts": WRITES });
  const disk = join(project.directory, "disk");
  mkdirSync(disk);
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=24m", "tmpfs", disk]);
  onTestFinished(() => {
    execFileSync("umount", ["-l", disk]);
  });
  const flags = ["--data-dir", join(disk, "data"), "--json", "--attempts", "2", "--threads", "2"];
  writeFileSync(join(disk, "ballast"), new Uint8Array(20 * 2 ** 20));
  const error = errorOf(
    await project.run("run", "writes.ts", "--rows", "20000", "--out", join(disk, "out"), ...flags),
  );
  expect(error).toMatchObject({ code: "DISK_FULL", job: expect.stringMatching(/^writes-/) });
  expect(existsSync(join(disk, "out"))).toBe(false);
  rmSync(join(disk, "ballast"));
  const [written] = jsonLines(await project.run("resume", error.job, ...flags));
  expect(written).toMatchObject({ rows: 20_000 });
  expect(readdirSync(disk).sort()).toEqual(["data", "out"]);
});
