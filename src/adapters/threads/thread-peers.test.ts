import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parkRuns } from "../../api/parked-runs.ts";
import { assert } from "../../base/assert.ts";
import { epoch, nodeId, stageId } from "../../base/ids.ts";
import type { BlockRef, JobContext, TaskAssignment, TaskOutput } from "../../plan/task.ts";
import { assignmentOf, Bench, IMPORTS, Watcher } from "../../ports/job-bench.contract.ts";
import { createFileBlobs } from "../fs/blobs.ts";
import { createBlobRoute } from "../http/blob-route.ts";
import { type NodeServer, startNodeServer } from "../http/node-server.ts";
import { buildThread } from "./build-thread.ts";
import type { ThreadData } from "./thread-data.ts";
import { createThreadRunner, type ThreadRunner } from "./thread-runner.ts";

const TOKEN = "a-token-for-tests-only";
const THERE = nodeId("there");
const PARTITIONS = 3;

/** Blocks of some hundred kilobytes, so that more than their ends is fetched. */
const SOURCE = `${IMPORTS}export default job({ name: "$NAME", run: () =>
  read.range(30_000).map((n) => ["key " + n, n]).groupBy(([key]) => key.length).map(([key, rows]) => [key, [...rows].length]) });\n`;

let bench: Bench;
let entry: URL;
let job: JobContext;
const open: { close(): Promise<void> }[] = [];

beforeEach(async () => {
  parkRuns();
  bench = new Bench(realpathSync(mkdtempSync(join(tmpdir(), "peers-"))));
  entry = buildThread(bench.room);
  job = await bench.submit(SOURCE);
});
afterEach(async () => {
  for (const it of open.splice(0).reverse()) await it.close();
  rmSync(bench.room, { recursive: true, force: true });
});

/** Of a node with blobs of its own. */
function runnerOf(node: string, data: Partial<ThreadData> = {}): { runner: ThreadRunner; directory: string } {
  const directory = join(bench.room, node);
  const runner = createThreadRunner({
    threads: 1,
    entry,
    threadData: {
      ...bench.data,
      blobsDirectory: directory,
      peers: { self: nodeId(node), security: { token: TOKEN }, addresses: {} },
      ...data,
    },
    memory: { threadsBytes: 192 * 2 ** 20, youngBytes: 12 * 2 ** 20 },
  });
  open.push(runner);
  return { runner, directory };
}

async function run(runner: ThreadRunner, assignment: TaskAssignment): Promise<TaskOutput> {
  const outcome = await runner.run({ job, assignment }, new Watcher());
  assert(outcome.kind === "finished", JSON.stringify(outcome));
  return outcome.output;
}

const reduce = (blocks: readonly BlockRef[], partition: number): TaskAssignment => ({
  attempt: { stage: stageId(1), partition, epoch: epoch(1), attempt: 0 },
  partitions: PARTITIONS,
  sinkPartitions: [1],
  broadcasts: [],
  input: { kind: "blocks", sides: [[{ stage: stageId(0), sink: 0, blocks }]] },
});

async function serve(directory: string): Promise<NodeServer> {
  const blobs = createFileBlobs(directory);
  const route = createBlobRoute({ self: THERE, directory, blobs, readable: () => true });
  const server = await startNodeServer({
    host: "127.0.0.1",
    port: 0,
    security: { token: TOKEN },
    routes: [route],
  });
  open.push(server);
  return server;
}

test("a thread reads blocks of another node, at the address that was told last", async () => {
  const there = runnerOf("there");
  const { block } = await run(there.runner, { ...assignmentOf(0, 30_000), sinkPartitions: [PARTITIONS] });
  expect(block!.bytes).toBeGreaterThan(2 ** 17);
  const refs = [{ ...block!, node: THERE }];
  const here = runnerOf("here");
  const partitions = Array.from({ length: PARTITIONS }, (_, partition) => partition);

  const unknown = await here.runner.run({ job, assignment: reduce(refs, 0) }, new Watcher());
  const unreachable = { code: "PEER_UNREACHABLE", details: { node: THERE, key: block!.key } };
  expect(unknown).toMatchObject({ kind: "failed", error: unreachable, lostBlocks: [] });

  const { port } = await serve(there.directory);
  here.runner.setPeers({ [THERE]: "127.0.0.1:1" });
  here.runner.setPeers({ [THERE]: `127.0.0.1:${port}` });
  let rows = 0;
  for (const partition of partitions) {
    const theirs = await run(there.runner, reduce(refs, partition));
    const mine = await run(here.runner, reduce(refs, partition));
    expect(mine).toEqual(theirs);
    rows += mine.rowsIn;
  }
  // A group for each length that a key has.
  expect(rows).toBe(5);

  // One that starts later knows it as well.
  await rm(there.directory, block!);
  const late = runnerOf("late");
  late.runner.setPeers({ [THERE]: `127.0.0.1:${port}` });
  const missing = await late.runner.run({ job, assignment: reduce(refs, 0) }, new Watcher());
  expect(missing).toMatchObject({
    kind: "failed",
    error: { code: "BLOB_MISSING", details: { node: THERE } },
    lostBlocks: [block!.key],
  });
});

test("a thread reads compressed blocks of another node, and compresses its own where it is told to", async () => {
  const map = { ...assignmentOf(0, 30_000), sinkPartitions: [PARTITIONS] };
  const plain = await run(runnerOf("plain").runner, map);
  const there = runnerOf("there", { compressBlocks: true });
  const { block } = await run(there.runner, map);
  expect(block!.bytes).toBeLessThan(plain.block!.bytes * 0.8);
  const { port } = await serve(there.directory);
  const here = runnerOf("here");
  here.runner.setPeers({ [THERE]: `127.0.0.1:${port}` });
  const { rowsIn } = await run(here.runner, reduce([{ ...block!, node: THERE }], 0));
  expect(rowsIn).toBe((await run(there.runner, reduce([block!], 0))).rowsIn);
  expect(rowsIn).toBeGreaterThan(0);
});

const rm = (directory: string, { key }: BlockRef): Promise<void> => createFileBlobs(directory).deleteAll(key);
