import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { nodeId } from "../../base/ids.ts";
import { JobLogs } from "../fs/job-logs.ts";
import { createLogRoute, fetchLogPage } from "./log-route.ts";
import { startNodeServer } from "./node-server.ts";
import { createPeerClient } from "./peer-client.ts";

const TOKEN = "a-token-for-tests-only";

async function start() {
  const directory = mkdtempSync(join(tmpdir(), "bicoastal-log-route-"));
  const logs = new JobLogs({ directory, node: "east", wallMs: () => 1 });
  const routes = [createLogRoute(nodeId("east"), logs)];
  const server = await startNodeServer({ host: "127.0.0.1", port: 0, security: { token: TOKEN }, routes });
  onTestFinished(async () => {
    await server.close();
    logs.close();
    rmSync(directory, { recursive: true, force: true });
  });
  const address = `127.0.0.1:${server.port}`;
  const reach = (token: string) => {
    const client = createPeerClient({ token });
    onTestFinished(() => client.close());
    return { client, addressOf: () => address };
  };
  return { logs, address, reach, access: reach(TOKEN) };
}

test("a job's lines are read page by page, by whoever knows the token and the job's id", async () => {
  const { logs, reach, access } = await start();
  const count = 3_000;
  for (let i = 0; i < count; i++)
    logs.write("job-1", { level: "info", message: `line ${i} ${"x".repeat(200)}` });
  const got: string[] = [];
  let pages = 0;
  for (let from = 0; ; pages++) {
    const { entries, next, dropped } = await fetchLogPage(access, nodeId("east"), "job-1", from);
    got.push(...entries.map(({ message }) => message.split(" x")[0] ?? ""));
    expect(dropped).toBe(0);
    if (next === from) break;
    from = next;
  }
  expect(got).toEqual(Array.from({ length: count }, (_, i) => `line ${i}`));
  expect(pages).toBeGreaterThan(2);
  expect(await fetchLogPage(access, nodeId("east"), "job-2", 0)).toEqual({
    entries: [],
    next: 0,
    dropped: 0,
  });
  await expect(
    fetchLogPage(reach("another-token-of-tests"), nodeId("east"), "job-1", 0),
  ).rejects.toMatchObject({
    code: "PEER_UNREACHABLE",
    message: expect.stringContaining("token"),
  });
});

test("another node at the address, or nobody, is told as such", async () => {
  const { access } = await start();
  await expect(fetchLogPage(access, nodeId("west"), "job-1", 0)).rejects.toMatchObject({
    code: "PEER_UNREACHABLE",
    message: expect.stringContaining("another node answers"),
  });
  const unknown = { client: access.client, addressOf: () => undefined };
  await expect(fetchLogPage(unknown, nodeId("west"), "job-1", 0)).rejects.toMatchObject({
    message: expect.stringContaining("does not belong to the cluster"),
  });
});

test.each(["", "..", "../secrets", "a/b", ".hidden", "a%2Fb"])("%j is no job", async (job) => {
  const { access } = await start();
  const given = await access.client.request({
    address: access.addressOf(),
    method: "GET",
    path: `/v1/logs/${job}`,
    headers: { "bicoastal-to": "east" },
  });
  given.drop();
  expect([400, 404]).toContain(given.status);
});
