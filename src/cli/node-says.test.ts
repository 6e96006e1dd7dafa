import { expect, test } from "vitest";
import { epoch, jobId, nodeId, stageId } from "../base/ids.ts";
import type { LogLevel } from "../plan/task-logs.ts";
import { FakeIo } from "./fake-io.ts";
import { createNodeSays } from "./node-says.ts";
import { createTroubleTeller } from "./node-trouble.ts";

const attempt = { stage: stageId(2), partition: 17, epoch: epoch(1), attempt: 0 };

async function says(json: boolean, level: LogLevel = "info", secrets: readonly string[] = []) {
  const io = new FakeIo();
  return { io, says: await createNodeSays({ io, json, level, node: () => "east-1", secrets }) };
}
const linesOf = (io: FakeIo): readonly Record<string, unknown>[] =>
  io.stdout.text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

test("each line of JSON has time, level and node; those of a task its job, task and attempt", async () => {
  const { io, says: it } = await says(true);
  it.say("info", { kind: "left" }, "left");
  it.task("wc-1", { level: "info", attempt, message: "hello", fields: '{"rows":3}' });
  const error = { code: "USER_FUNCTION" as const, details: { line: 3 } };
  it.task("wc-1", { level: "error", attempt, message: "no", error });
  const time = io.clock.wallMs();
  const task = { kind: "task", job: "wc-1", task: "2/17", attempt: "s2.p17.e1.a0" };
  expect(linesOf(io)).toEqual([
    { level: "info", time, node: "east-1", kind: "left", msg: "left" },
    { level: "info", time, node: "east-1", ...task, fields: { rows: 3 }, msg: "hello" },
    { level: "error", time, node: "east-1", ...task, error, msg: "no" },
  ]);
  expect(io.stderr.text).toBe("");
});

test("a terminal gets lines to read, from its level on", async () => {
  const { io, says: it } = await says(false, "warn");
  it.say("info", { kind: "left" }, "left");
  it.note({ kind: "driving", job: jobId("wc-1") });
  it.task("wc-1", {
    level: "error",
    attempt,
    message: "no\u001b[31m",
    error: { code: "TASK_TIMEOUT", details: {} },
  });
  expect(io.stderr.text).toBe("wc-1 s2.p17.e1.a0: TASK_TIMEOUT: no\\x1b[31m\n");
  expect(io.stdout.text).toBe("");
});

test("progress is told only where everything is", async () => {
  const progress = { kind: "event", job: jobId("j"), event: { kind: "stopping", reason: "x" } } as const;
  for (const [level, count] of [
    ["debug", 2],
    ["info", 1],
    ["warn", 0],
  ] as const) {
    const { io, says: it } = await says(true, level);
    it.note({ kind: "event", job: jobId("j"), event: { kind: "progress", progress: {} as never } });
    it.note(progress);
    expect(linesOf(io)).toHaveLength(count);
  }
});

test.each([true, false])("no line shows a secret, whatever brings it in (JSON: %s)", async (json) => {
  const secrets = ['to"ken-of-16-or-more', "pass word/1"];
  const { io, says: it } = await says(json, "debug", secrets);
  it.say("info", { kind: "x", note: secrets[0] }, `said ${secrets[0]}`);
  it.task("j", {
    level: "info",
    attempt,
    message: `at etcd://root:pass%20word%2F1@h1:2379 and ${secrets[1]}`,
  });
  it.task("j", { level: "info", attempt, message: "x", fields: '{"url":"https://me:mine@host/a@b"}' });
  const text = io.stdout.text + io.stderr.text;
  for (const secret of ["ken-of-16", "pass", "root", "mine", "me:"]) expect(text).not.toContain(secret);
  expect(text).toContain("etcd://[secret]@h1:2379");
  expect(text).toContain("@host/a@b");
  if (json) expect(linesOf(io)).toHaveLength(3);
});

test("trouble with another node is told once a minute", async () => {
  const { io, says: it } = await says(true);
  const tell = createTroubleTeller(io.clock, it);
  const trouble = { kind: "unreachable", node: nodeId("west-1"), reason: "ECONNREFUSED" } as const;
  for (let i = 0; i < 3; i++) tell(trouble);
  tell({ kind: "refused", node: nodeId("west-1"), status: 401 });
  expect(linesOf(io).map(({ level, what, peer }) => [level, what, peer])).toEqual([
    ["warn", "unreachable", "west-1"],
    ["warn", "refused", "west-1"],
  ]);
  io.clock.advance(60_000);
  tell(trouble);
  expect(linesOf(io)).toHaveLength(3);
});
