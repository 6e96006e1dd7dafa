/** Stopping, resuming and looking at jobs through the command. */
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { LogEntry } from "../src/plan/task-logs.ts";
import { jsonLines } from "./cli-process.ts";
import { CliProject } from "./cli-project.ts";

/** Twelve tasks, each of which waits while the file `wait` is there, and fails while the file `fail` is. */
const SLOW = `
import { existsSync } from "node:fs";
import { job, read } from "bicoastal";
export default job({
  name: "slow",
  run: () =>
    read.range(12, { partitions: 12 }).map((n, ctx) => {
      if (n >= 4) {
        ctx.log("at " + n);
        while (existsSync("wait") && !ctx.signal.aborted) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
        if (existsSync("fail")) throw new Error("told to fail");
      }
      return n * n;
    }),
});
`;
const SQUARES = Array.from({ length: 12 }, (_, n) => n * n);
const project = (files: Readonly<Record<string, string>>): CliProject =>
  new CliProject().write({ "slow.ts": SLOW, ...files });

const idIn = (text: string): string => /bicoastal resume (slow-\S+)/.exec(text)?.[1] ?? "none";

test("Ctrl-C stops with 130 and says how to resume; what is done stays done", async () => {
  const it = project({ wait: "" });
  const running = it.start("run", "slow.ts", "--threads", "2", "--json");
  await running.says(/at \d+[\s\S]*at \d+/);
  running.child.kill("SIGINT");
  const stopped = await running.ended;
  expect([stopped.code, stopped.stdout]).toEqual([130, ""]);
  const error = JSON.parse(stopped.stderr.trimEnd().split("\n").at(-1) ?? "") as {
    error: { code: string; job: string };
  };
  expect(error.error.code).toBe("JOB_CANCELLED");

  const [listed] = jsonLines(await it.run("jobs", "--json"));
  expect(listed).toMatchObject({ job: error.error.job, name: "slow", state: "cancelled", tasksTotal: 12 });
  rmSync(join(it.directory, "wait"));
  const resumed = await it.run("resume", "slow", "--json");
  expect(jsonLines(resumed)).toEqual(SQUARES);
  expect(resumed.stderr).toMatch(/\(\d+ done before\)/);
  expect(jsonLines(await it.run("job", error.error.job, "--json"))).toMatchObject([
    { state: "succeeded", tasksDone: 12 },
  ]);
});

test("a second Ctrl-C ends at once", async () => {
  const it = project({ wait: "" });
  const running = it.start("run", "slow.ts", "--threads", "1");
  await running.says(/at \d/);
  running.child.kill("SIGINT");
  await running.says(/stopping: Ctrl-C/);
  const again = setInterval(() => running.child.kill("SIGINT"), 250);
  const { code, signal } = await running.ended;
  clearInterval(again);
  // The first may have ended it already, if it was quick. On its last steps nobody listens any more: a signal that comes then ends
  // the process by itself, which a shell tells as 130 as well.
  expect(signal === "SIGINT" ? 130 : code).toBe(130);
});

test("SIGTERM stops as cleanly", async () => {
  const it = project({ wait: "" });
  const running = it.start("run", "slow.ts", "--threads", "1");
  await running.says(/at \d/);
  running.child.kill("SIGTERM");
  const { code, stderr } = await running.ended;
  expect(code).toBe(143);
  expect(idIn(stderr)).toMatch(/^slow-/);
});

test("a job that failed is listed, shown, resumed by the beginning of its id, and removed", async () => {
  const it = project({ fail: "" });
  const failed = await it.run("run", "slow.ts", "--attempts", "1", "--threads", "1");
  expect(failed.code).toBe(1);
  const id = idIn(failed.stderr);
  expect((await it.run("jobs")).stdout).toMatch(
    /^job +state +tasks +submitted +took\nslow-\S+ +failed +\d+\/12 +(just now|\d+ \w+ ago)/,
  );
  const shown = await it.run("job", id.slice(0, 6));
  expect(shown.stdout).toMatch(/told to fail/);
  expect(shown.stdout).toContain("at slow.ts:11:");
  expect(idIn(shown.stdout)).toBe(id);
  rmSync(join(it.directory, "fail"));
  // The job's file is not needed any more: its bundle is stored.
  rmSync(join(it.directory, "slow.ts"));
  expect(jsonLines(await it.run("resume", id.slice(0, 6), "--json"))).toEqual(SQUARES);
  expect(await it.run("rm", id)).toMatchObject({ code: 0, stdout: "", stderr: `removed ${id}\n` });
  expect(await it.run("jobs")).toMatchObject({ code: 0, stdout: "" });
  expect(await it.run("job", id)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("error[JOB_NOT_FOUND]"),
  });
});

test("what a job's tasks said is there as long as the job is, also while it runs in another process", async () => {
  const it = project({ wait: "", fail: "" });
  const running = it.start("run", "slow.ts", "--attempts", "1", "--threads", "1");
  await running.says(/at 4/);
  // It is written down a moment after it was shown.
  let during = await it.run("logs", "slow");
  while (during.code === 0 && !during.stdout.includes("at 4")) during = await it.run("logs", "slow");
  rmSync(join(it.directory, "wait"));
  const id = idIn((await running.ended).stderr);
  expect(during).toMatchObject({ code: 0, stdout: expect.stringMatching(/ info .* s0\.p4\.\S+ {2}at 4\n$/) });
  const lines = jsonLines(await it.run("logs", id, "--follow", "--json")) as LogEntry[];
  expect(lines[0]).toMatchObject({ level: "info", message: "at 4" });
  expect(lines.filter(({ level }) => level === "error")).toMatchObject([
    { error: { code: "USER_FUNCTION" }, attempt: expect.stringMatching(/^s0\.p4\./) },
    { message: expect.stringContaining("the job fails of it") },
  ]);
  await it.run("rm", id);
  expect((await it.run("logs", id)).code).toBe(2);
  expect(existsSync(join(it.directory, ".data", "logs", id))).toBe(false);
});

test("a job cannot be driven, resumed or removed twice at a time", async () => {
  const it = project({ wait: "" });
  const running = it.start("run", "slow.ts", "--threads", "1");
  await running.says(/at \d/);
  for (const command of ["resume", "rm"]) {
    expect(await it.run(command, "slow")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("error[JOB_RUNNING]"),
    });
  }
  expect((await it.run("jobs")).stdout).toMatch(/slow-\S+ +running/);
  rmSync(join(it.directory, "wait"));
  expect((await running.ended).code).toBe(0);
});

test("cancel stops a job that runs in another process, and it can be resumed", async () => {
  const it = project({ wait: "" });
  const running = it.start("run", "slow.ts", "--threads", "2", "--json");
  await running.says(/at \d+[\s\S]*at \d+/);
  expect(jsonLines(await it.run("cancel", "slow", "--json"))).toMatchObject([{ state: "cancelled" }]);
  const stopped = await running.ended;
  expect([stopped.code, stopped.stdout]).toEqual([1, ""]);
  expect(stopped.stderr).toContain("was stopped: bicoastal cancel");
  expect(jsonLines(await it.run("cancel", "slow", "--json"))).toMatchObject([{ state: "cancelled" }]);
  rmSync(join(it.directory, "wait"));
  expect(jsonLines(await it.run("resume", "slow", "--json"))).toEqual(SQUARES);
});

test("a job is left to nobody without a store", async () => {
  const it = project({});
  const { code, stderr } = await it.run("run", "slow.ts", "--detach");
  expect([code, stderr]).toEqual([2, expect.stringContaining("--store")]);
});

test("whoever only looks leaves no data directory behind", async () => {
  const it = project({});
  const looks = [["jobs"], ["job", "x"], ["explain", "slow.ts"], ["run", "slow.ts", "--help"]];
  for (const look of looks)
    expect([look, (await it.run(...look)).code]).toEqual([look, look[1] === "x" ? 2 : 0]);
  expect(existsSync(join(it.directory, ".data"))).toBe(false);
});
