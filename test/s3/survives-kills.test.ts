/**
 * kill -9 of the very node that has just asked S3 for something, at every kind of request that writes an output and commits
 * it: what stands there afterwards is the whole output, once, and nothing beside it.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { Objects } from "../../src/adapters/s3/objects.ts";
import { readOutput, uploadsBelow } from "../../src/adapters/s3/s3-harness.ts";
import { clientOptions, openSdkObjects } from "../../src/adapters/s3/sdk-objects.ts";
import { binPath, runNode } from "../cli-process.ts";
import {
  LEASE_MS,
  LONG_LEASE_MS,
  type NodeProcess,
  NodeProcesses,
  type Output,
  outputOf,
} from "../cluster/node-processes.ts";
import { EtcdServers, hasEtcd } from "../etcd/etcd-servers.ts";
import { hasS3Server, S3Server } from "./s3-server.ts";
import { type Hold, WatchedS3 } from "./watched-s3.ts";

const bucket = "bicoastal-kills";
const NODES = ["a", "b", "c"] as const;

/** Another output for each salt, in four files. */
const SOURCE = `
import { job, read } from "bicoastal";

export default job({
  name: "sorted",
  params: { out: "", salt: 0 },
  run: ({ out, salt }) => {
    const sorted = read
      .range(0, 20_000, { partitions: 6 })
      .map((n) => ({ n, text: String((n * 2_654_435_761 + salt) % 4_294_967_291) }))
      .sortBy(({ text }) => text, { partitions: 4 });
    return {
      written: sorted.write("jsonl", out, { overwrite: true }),
      digits: sorted.countBy(({ n }) => n % 10).sortBy(([digit]) => digit),
    };
  },
});
`;

async function runAlone(salt: number): Promise<Output> {
  const room = mkdtempSync(join(tmpdir(), "bicoastal-s3-alone-"));
  try {
    writeFileSync(join(room, "package.json"), '{"type":"module"}');
    writeFileSync(join(room, "sorted.ts"), SOURCE);
    const args = [binPath, "run", "sorted.ts", "--out", "out", "--salt", String(salt), "--json"];
    const ran = await runNode(args, { cwd: room, env: { BICOASTAL_DATA_DIR: join(room, "data") } });
    const output = outputOf(ran, join(room, "out"));
    expect(Object.keys(output.files)).toHaveLength(4);
    return output;
  } finally {
    rmSync(room, { recursive: true, force: true });
  }
}

/** By whom what is asked for: tasks upload, the driver does the rest. */
const KILLS: readonly Hold[] = [
  { change: "start", nth: 1, moment: "after" },
  { change: "part", nth: 1, moment: "before" },
  { change: "part", nth: 1, moment: "after" },
  { change: "complete", nth: 1, moment: "before" },
  { change: "complete", nth: 3, moment: "after" },
  { change: "manifest", nth: 1, moment: "before" },
  { change: "manifest", nth: 1, moment: "after" },
  { change: "delete", nth: 2, moment: "before" },
];

describe.runIf(hasS3Server)("kill -9 of the node that asks S3 for", () => {
  let server: S3Server;
  /** Where it is not installed, the nodes share a directory. */
  let etcd: EtcdServers | undefined;
  let objects: Objects;
  let client: S3Client;
  let alone: readonly Output[];
  let prefixes = 0;
  beforeAll(async () => {
    server = await S3Server.start();
    // This process is this file's alone.
    Object.assign(process.env, server.environment);
    objects = await openSdkObjects();
    client = new S3Client(clientOptions(process.env));
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
    if (hasEtcd) etcd = await EtcdServers.start(3);
    alone = [await runAlone(1), await runAlone(2)];
    expect(alone[0]!.files).not.toEqual(alone[1]!.files);
  });
  afterAll(async () => {
    client?.destroy();
    await etcd?.stop();
    await server?.stop();
  });

  /** A cluster each of whose nodes reaches S3 by a way of its own. */
  async function open(leaseMs: number) {
    const prefix = `t${++prefixes}/`;
    const store = etcd === undefined ? {} : { store: `etcd://${etcd.endpoints.join(",")}/${prefix}` };
    const cluster = new NodeProcesses({ ...store, env: server.environment });
    const file = cluster.path("sorted.ts");
    writeFileSync(file, SOURCE);
    const out = `s3://${bucket}/${prefix}out`;
    const ways = new Map<NodeProcess, WatchedS3>();
    await Promise.all(
      NODES.map(async (name) => {
        const way = await WatchedS3.start(server.environment.AWS_ENDPOINT_URL_S3!);
        onTestFinished(() => way.stop());
        const env = { AWS_ENDPOINT_URL_S3: way.endpoint };
        ways.set(await cluster.start(name, { env, leaseMs }), way);
      }),
    );
    const run = (salt: number) =>
      cluster.command("run", file, "--out", out, "--salt", String(salt), "--json");
    return { cluster, prefix, out, ways, run };
  }

  /** The first node that comes so far. */
  const heldAt = (ways: ReadonlyMap<NodeProcess, WatchedS3>, hold: Hold): Promise<NodeProcess> =>
    Promise.race([...ways].map(([node, way]) => way.held(hold).then(() => node)));

  const nameOf = ({ change, nth, moment }: Hold): string =>
    `${change} ${nth}, ${moment === "before" ? "before the server has heard" : "once it is done"}`;
  test.each(KILLS.map((hold) => [nameOf(hold), hold] as const))("%s", async (_, hold) => {
    // What one node asks for again and again, another may have gone on with that took over as the first one stood still.
    const { prefix, out, ways, run } = await open(hold.nth > 1 ? LONG_LEASE_MS : LEASE_MS);
    outputOf(await run(1), "");
    expect(await readOutput(objects, out)).toEqual(alone[0]!.files);

    const held = heldAt(ways, hold);
    const running = run(2);
    // A run that fails says why; one that ends without this request would wait for ever.
    const killed = await Promise.race([held, running.then(({ stderr }) => expect.fail(stderr))]);
    await killed.kill();
    // Others may have come as far meanwhile, and live.
    for (const [node, way] of ways) node === killed ? way.holdNothing() : way.letGo();
    expect(outputOf(await running, "").rows).toEqual(alone[1]!.rows);
    expect(await readOutput(objects, out)).toEqual(alone[1]!.files);
    // A late attempt that begins one sees that it is needed no more, and ends it.
    await expect.poll(() => uploadsBelow(objects, bucket, prefix)).toEqual([]);

    // What the dead node had asked for arrives after all: it changes nothing.
    const status = await ways.get(killed)!.deliverLate();
    if (hold.moment === "before") expect(status).toBeGreaterThan(0);
    expect(await readOutput(objects, out)).toEqual(alone[1]!.files);
    await expect.poll(() => uploadsBelow(objects, bucket, prefix)).toEqual([]);
  });
});
