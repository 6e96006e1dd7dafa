import { appendFileSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { epoch, stageId } from "../../base/ids.ts";
import type { LogEntry } from "../../plan/task-logs.ts";
import { JobLogs, type JobLogsOptions } from "./job-logs.ts";

function room(): string {
  const directory = mkdtempSync(join(tmpdir(), "bicoastal-logs-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
function open(directory: string, options: Partial<JobLogsOptions> = {}): JobLogs {
  const logs = new JobLogs({ directory, node: "east", wallMs: () => 7, ...options });
  onTestFinished(() => logs.close());
  return logs;
}
function read(
  logs: JobLogs,
  job: string,
): { readonly entries: readonly LogEntry[]; readonly dropped: number } {
  const entries: LogEntry[] = [];
  for (let from = 0; ; ) {
    const page = logs.page(job, from);
    entries.push(...page.entries);
    if (page.next === from) return { entries, dropped: page.dropped };
    from = page.next;
  }
}
const messages = (logs: JobLogs, job: string): readonly string[] =>
  read(logs, job).entries.map(({ message }) => message);

test("what was said is read in its order, with all that belongs to it", () => {
  const logs = open(join(room(), "logs"));
  expect(read(logs, "j")).toEqual({ entries: [], dropped: 0 });
  const attempt = { stage: stageId(2), partition: 17, epoch: epoch(1), attempt: 0 };
  logs.write("j", { level: "info", attempt, message: 'a "line"\nand more', fields: '{"n":1}' });
  logs.write("j", { level: "error", message: "no", error: { code: "USER_FUNCTION", details: { line: 3 } } });
  logs.write("other", { level: "info", message: "elsewhere" });
  const common = { atMs: 7, node: "east" };
  expect(read(logs, "j").entries).toEqual([
    { ...common, level: "info", attempt: "s2.p17.e1.a0", message: 'a "line"\nand more', fields: { n: 1 } },
    { ...common, level: "error", message: "no", error: { code: "USER_FUNCTION", details: { line: 3 } } },
  ]);
  logs.flush();
  expect(logs.jobs()).toEqual(["j", "other"]);
});

test("times of one node never go back, nor do they in its next life", () => {
  const directory = room();
  let nowMs = 100;
  const logs = open(directory, { wallMs: () => nowMs });
  logs.write("j", { level: "info", message: "one" });
  nowMs = 50;
  logs.write("j", { level: "info", message: "two" });
  logs.close();
  const later = open(directory, { wallMs: () => 60 });
  later.write("j", { level: "info", message: "three" });
  expect(read(later, "j").entries.map(({ atMs, message }) => [atMs, message])).toEqual([
    [100, "one"],
    [100, "two"],
    [100, "three"],
  ]);
});

test("the newest lines are kept, within their room, and it is told how many went before", () => {
  const directory = room();
  const jobBytesMax = 20_000;
  let logs = open(directory, { jobBytesMax });
  const count = 2_000;
  for (let i = 0; i < count; i++) {
    logs.write("j", { level: "info", message: `line ${i}` });
    if (i % 10 === 0) logs.flush();
    if (i % 300 === 0) {
      logs.close();
      logs = open(directory, { jobBytesMax });
    }
  }
  const { entries, dropped } = read(logs, "j");
  const kept = entries.map(({ message }) => message);
  expect(dropped).toBeGreaterThan(0);
  expect(dropped + kept.length).toBe(count);
  expect(kept[0]).toBe(`line ${dropped}`);
  expect(kept.at(-1)).toBe(`line ${count - 1}`);
  const bytes = entries.reduce((sum, entry) => sum + JSON.stringify(entry).length + 1, 0);
  expect(bytes).toBeLessThanOrEqual(jobBytesMax);
  expect(bytes).toBeGreaterThan(jobBytesMax / 2 - 2_000);
});

test("a position outlasts what goes, and one from another life is no harm", () => {
  const logs = open(room(), { jobBytesMax: 2_000 });
  logs.write("j", { level: "info", message: "first" });
  const { next } = logs.page("j", 0);
  for (let i = 0; i < 100; i++) {
    logs.write("j", { level: "info", message: `line ${i}` });
    logs.flush();
  }
  const page = logs.page("j", next);
  expect(page.dropped).toBeGreaterThan(1);
  expect(page.entries[0]?.message).toBe(`line ${page.dropped - 1}`);
  const beyond = logs.page("j", 1e9);
  expect([beyond.entries, beyond.next < 1e9]).toEqual([[], true]);
});

test("a line that was torn is passed by, and nothing after it", () => {
  const directory = room();
  const logs = open(directory);
  logs.write("j", { level: "info", message: "whole" });
  logs.close();
  const [file = ""] = readdirSync(join(directory, "j"));
  appendFileSync(join(directory, "j", file), '{"atMs":8,"level":"info","no');
  const later = open(directory);
  expect(messages(later, "j")).toEqual(["whole"]);
  later.write("j", { level: "info", message: "after" });
  expect(messages(later, "j")).toEqual(["whole", "after"]);
});

test("what cannot be written is counted, and told once that works again", () => {
  const directory = room();
  const logs = open(directory);
  writeFileSync(join(directory, "j"), "in the way");
  for (const message of ["one", "two"]) {
    logs.write("j", { level: "info", message });
    logs.flush();
  }
  rmSync(join(directory, "j"));
  logs.write("j", { level: "info", message: "three" });
  expect(messages(logs, "j")).toEqual([expect.stringContaining("2 lines are missing"), "three"]);
});

test("a line has an end, however much was said", () => {
  const logs = open(room());
  const fields = JSON.stringify({ text: "x".repeat(100_000) });
  logs.write("j", { level: "info", message: "y".repeat(100_000), fields });
  const [entry] = read(logs, "j").entries;
  expect(entry?.message.length).toBeLessThan(10_000);
  expect(entry?.fields).toEqual({ leftOutChars: expect.any(Number) });
  for (let i = 0; i < 100; i++) logs.write("j", { level: "info", message: "\u0000".repeat(8_000) });
  expect(read(logs, "j").entries).toHaveLength(101);
});

test("logs of jobs that are gone go, and the longest silent where there is no room for all", async () => {
  const directory = room();
  const logs = open(directory, { nodeBytesMax: 1_000 });
  for (const job of ["gone", "old", "new"]) {
    for (let i = 0; i < 10; i++) logs.write(job, { level: "info", message: `line ${i} of ${job}` });
    logs.flush();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await logs.sweep(async (job) => job !== "gone");
  expect(logs.jobs()).toEqual(["new"]);
  expect(existsSync(join(directory, "gone"))).toBe(false);
  logs.remove("new");
  expect(messages(logs, "new")).toEqual([]);
});

test("each job's first line is told of", () => {
  const first: string[] = [];
  const logs = open(room(), { onFirst: (job) => first.push(job) });
  for (const job of ["a", "b", "a"]) logs.write(job, { level: "info", message: "x" });
  expect(first).toEqual(["a", "b"]);
});
