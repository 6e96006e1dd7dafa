/** What a job's tasks say on nodes that know each other by certificates and a token, read by somebody who has both, and by others. */
import { existsSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { makeCertificates } from "../../src/adapters/certs/make-certificates.ts";
import type { LogEntry } from "../../src/plan/task-logs.ts";
import { jsonLines } from "../cli-process.ts";
import { LONG_LEASE_MS, NodeProcesses } from "./node-processes.ts";

const TOKEN = "a-token-that-nobody-may-see";

/** Eight tasks that each say something, and wait until all may go on; one of them fails at its first try. */
const TALKATIVE = `
import { existsSync, mkdirSync } from "node:fs";
import { job, read } from "bicoastal";
const clock = new Int32Array(new SharedArrayBuffer(4));
export default job({
  name: "talkative",
  params: { room: "" },
  run: ({ room }) =>
    read.range(0, 8, { partitions: 8 }).map((n, ctx) => {
      ctx.log("at " + n, { n });
      mkdirSync(room + "/said." + n, { recursive: true });
      while (!existsSync(room + "/go")) Atomics.wait(clock, 0, 0, 20);
      if (n === 5 && !existsSync(room + "/failed")) {
        mkdirSync(room + "/failed");
        throw new Error("told to fail");
      }
      return n;
    }),
});
`;

test("a job's log comes from every node, in one order, to whoever is known; who is away is named", async () => {
  const cluster = new NodeProcesses({ env: { BICOASTAL_TOKEN: TOKEN } });
  const names = ["a", "b", "client"].map((name) => ({ name, hosts: [] }));
  const made = await makeCertificates({
    directory: cluster.path("certs"),
    nodes: names,
    days: 1,
    renew: false,
    nowMs: Date.now(),
  });
  const [a, b, client] = made.map(({ ca, cert, key }) => [
    "--tls-ca",
    ca,
    "--tls-cert",
    cert,
    "--tls-key",
    key,
  ]);
  // A node that is given up in between would do more than one of these tasks, and be away from some answers.
  const leaseMs = LONG_LEASE_MS;
  const nodes = await Promise.all([
    cluster.start("a", { args: a!, leaseMs }),
    cluster.start("b", { args: b!, leaseMs }),
  ]);
  const file = cluster.path("talkative.ts");
  writeFileSync(file, TALKATIVE);
  const run = await cluster.command("run", file, "--room", cluster.room, "--detach", "--json", ...client!);
  const [{ job }] = jsonLines(run) as [{ job: string }];
  const said = (): number =>
    Array.from({ length: 8 }, (_, n) => existsSync(cluster.path(`said.${n}`))).filter(Boolean).length;
  await cluster.until("a task runs on each of the nodes", () => said() >= 2);
  const following = cluster.command("logs", job, "--follow", "--json", ...client!);
  writeFileSync(cluster.path("go"), "");

  const followed = jsonLines(await following) as LogEntry[];
  const shown = await cluster.command("logs", job, "--json", ...client!);
  const lines = jsonLines(shown) as LogEntry[];
  expect(shown.stderr).toBe("");
  const sorted = lines.toSorted(
    (x, y) => x.atMs - y.atMs || (x.node < y.node ? -1 : x.node > y.node ? 1 : 0),
  );
  expect(lines).toEqual(sorted);
  const spoken = lines.filter(({ message }) => message.startsWith("at "));
  expect(new Set(spoken.map(({ message }) => message)).size).toBe(8);
  expect(new Set(spoken.map(({ node }) => node))).toEqual(new Set(["a", "b"]));
  expect(spoken.filter(({ message }) => message === "at 5")).toHaveLength(2);
  expect(lines.filter(({ level }) => level === "error")).toMatchObject([
    {
      message: expect.stringContaining("told to fail"),
      error: { code: "USER_FUNCTION" },
      attempt: expect.stringMatching(/^s0\.p5\./),
    },
  ]);
  expect(lines.map(({ message }) => message)).toContain("is driven by this node");
  for (const line of spoken) expect(followed).toContainEqual(line);

  const task = jsonLines(
    await cluster.command("logs", job, "--json", "--task", "0/5", "--level", "error", ...client!),
  );
  expect(task).toHaveLength(1);
  const ofTasks = nodes.flatMap((node) => node.lines).filter(({ kind }) => kind === "task");
  expect(ofTasks).toContainEqual(
    expect.objectContaining({
      level: "info",
      job,
      task: "0/5",
      attempt: expect.any(String),
      msg: "at 5",
      fields: { n: 5 },
    }),
  );
  expect(nodes.map(({ lines: all, stderr }) => JSON.stringify([all, stderr])).join()).not.toContain(TOKEN);

  const stranger = await cluster.command("logs", job);
  expect([stranger.stdout, stranger.stderr]).toEqual(["", expect.stringContaining("TLS")]);
  const [gone] = nodes;
  await gone.kill();
  await cluster.until("the node is missed", async () => !(await cluster.names()).includes("a"));
  const rest = await cluster.command("logs", job, ...client!);
  expect(rest.stderr).toContain(
    "missing what lies on a: Node a could not be asked: it does not belong to the cluster now",
  );
  expect(rest.stdout).toContain(" b ");
});
