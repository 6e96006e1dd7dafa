import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { EtcdMemberStatus } from "../../adapters/etcd/status.ts";
import { startNodeServer } from "../../adapters/http/node-server.ts";
import { createWhoRoute } from "../../adapters/http/who-route.ts";
import { nodeId } from "../../base/ids.ts";
import type { NodeCard } from "../../runtime/cluster/node-card.ts";
import { FakeCli } from "../fake-cli.ts";
import { checkDataDir, checkNode, checkSecurity, checkSpace } from "./check-machine.ts";
import { checkNodes } from "./check-nodes.ts";
import { checkStore, judgeMembers } from "./check-store.ts";
import { fail, ok, warn } from "./finding.ts";

const member = (changes: Partial<EtcdMemberStatus> = {}): EtcdMemberStatus => ({
  endpoint: "h1:2379",
  version: "3.5.28",
  isLeader: false,
  hasLeader: true,
  databaseBytes: 1,
  failure: undefined,
  ...changes,
});
const levels = (findings: readonly { readonly check: string; readonly level: string }[]) =>
  findings.map(({ check, level }) => `${level} ${check}`);

test("each finding is a line, with what to do below it; what failed is the exit code", async () => {
  const cli = new FakeCli();
  cli.findings = [ok("node", "Node 24"), warn("disk", "2 GB free", "Free some.")];
  expect(await cli.run("doctor")).toBe(0);
  expect(cli.shown).toBe("\nok    node: Node 24\nwarn  disk: 2 GB free\n      Free some.\n---\n");
  cli.findings = [fail("store", "gone", "Look.")];
  expect(await cli.run("doctor", "--json")).toBe(1);
  expect(cli.shown).toContain('{"check":"store","level":"fail","text":"gone","advice":"Look."}');
});

test("Node is new enough, or not", () => {
  expect(["20.18.3", "20.19.0", "18.20.0", "24.1.0"].map((version) => checkNode(version).level)).toEqual([
    "fail",
    "ok",
    "fail",
    "ok",
  ]);
});

test("the data directory can be written, or what is in its place is named", async () => {
  const directory = mkdtempSync(join(tmpdir(), "bicoastal-doctor-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  expect(await checkDataDir(join(directory, "data"))).toMatchObject([
    { check: "data", level: "ok" },
    { check: "disk" },
  ]);
  writeFileSync(join(directory, "file"), "");
  expect(await checkDataDir(join(directory, "file"))).toMatchObject([
    { check: "data", level: "fail", text: expect.stringContaining("file") },
  ]);
  expect([1e6, 1e9, 1e12].map((bytes) => checkSpace(bytes).level)).toEqual(["fail", "warn", "ok"]);
});

test("nodes know each other, or say by what they cannot", () => {
  expect(checkSecurity(() => ({}), 0)).toMatchObject({
    level: "warn",
    advice: expect.stringContaining("BICOASTAL_TOKEN"),
  });
  expect(checkSecurity(() => ({ token: "x".repeat(32) }), 0).level).toBe("warn");
  expect(checkSecurity(() => ({ token: "short" }), 0).level).toBe("fail");
  const tls = { ca: "/nowhere/ca.pem", cert: "/nowhere/cert.pem", key: "/nowhere/key.pem" };
  expect(checkSecurity(() => ({ tls }), 0)).toMatchObject({
    level: "fail",
    text: expect.stringContaining("/nowhere/ca.pem"),
  });
});

test("etcd outlasts a loss, or is told how many it needs", () => {
  const gone = member({ version: undefined, hasLeader: false, failure: "refused" });
  expect(levels(judgeMembers([member(), member(), member()], 3))).toContain("ok quorum");
  expect(levels(judgeMembers([member(), member(), gone], 3))).toEqual([
    "ok etcd h1:2379",
    "ok etcd h1:2379",
    "warn etcd h1:2379",
    "warn quorum",
  ]);
  expect(levels(judgeMembers([gone, gone, gone], undefined))).toContain("fail quorum");
  expect(levels(judgeMembers([member({ hasLeader: false })], 3))).toContain("fail quorum");
  for (const [named, members] of [
    [1, 1],
    [2, 2],
    [4, 4],
    [1, 3],
  ] as const) {
    expect(
      levels(
        judgeMembers(
          Array.from({ length: named }, () => member()),
          members,
        ),
      ),
    ).toContain("warn quorum");
  }
  const [old, large] = judgeMembers([member({ version: "3.5.1" }), member({ databaseBytes: 2 ** 31 })], 2);
  expect([old?.advice, large?.advice]).toEqual([
    expect.stringContaining("Upgrade"),
    expect.stringContaining("defragment"),
  ]);
});

test("a store that cannot be opened fails, and says how", async () => {
  expect(await checkStore("etcd://h1:2379?tls=perhaps")).toMatchObject([{ check: "store", level: "fail" }]);
});

test("a node that cannot be reached fails; none at all is a warning", async () => {
  const here = { version: "1", security: {}, wallMs: () => 0 };
  expect(levels(await checkNodes([], here))).toEqual(["warn nodes"]);
});

test("a node at whose address another one answers fails", async () => {
  const security = { token: "a-token-that-is-long-enough" };
  const routes = [createWhoRoute({ node: "west", incarnation: "one" })];
  const server = await startNodeServer({ host: "127.0.0.1", port: 0, security, routes });
  onTestFinished(() => server.close());
  const card: NodeCard = {
    node: nodeId("west"),
    incarnation: "one",
    address: `127.0.0.1:${server.port}`,
    region: "west",
    domain: "default",
    slots: 1,
    memoryBytes: 1,
    version: "1",
    startedAtMs: 0,
    state: "ready",
  };
  const here = { version: "1", security, wallMs: Date.now };
  expect(await checkNodes([card], here)).toMatchObject([
    { check: "node west", level: "ok" },
    { level: "ok" },
  ]);
  for (const [changes, text] of [
    [{ node: nodeId("east") }, "is answered by west"],
    [{ incarnation: "two" }, "is answered by another start of it"],
  ] as const)
    expect((await checkNodes([{ ...card, ...changes }], here))[0]).toMatchObject({
      level: "fail",
      text: expect.stringContaining(text),
    });
});
