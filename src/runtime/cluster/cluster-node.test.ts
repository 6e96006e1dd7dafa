import { expect, test } from "vitest";
import { contentHash, nodeId } from "../../base/ids.ts";
import { Prng } from "../../base/prng.ts";
import type { ControlStore } from "../../ports/control-store.ts";
import { encodeJson } from "../../protocol/codec.ts";
import type { WireMessage } from "../../protocol/wire.ts";
import { SimNetwork } from "../../sim/faults/network.ts";
import { outputOf, smallSpec } from "../../sim/jobs/small-job.ts";
import { MemoryControlStore, MemoryStoreBackend } from "../../sim/ports/memory-control-store.ts";
import { MemoryOutputs } from "../../sim/ports/memory-outputs.ts";
import { SimProcess } from "../../sim/process.ts";
import { Scheduler } from "../../sim/scheduler.ts";
import { Trace } from "../../sim/trace.ts";
import { prepareFaults } from "../../sim/worlds/seed-parts.ts";
import { cardOf } from "../drive-job.ts";
import { jobKeys } from "../job-keys.ts";
import { JobLog } from "../job-log.ts";
import { ClusterNode, type NodeNote } from "./cluster-node.ts";
import { encodeOpenJob } from "./open-job.ts";

const SELF = nodeId("a");
const LATE_MS = 50;
/** The job is still under way when what is late has come. */
const TASK_MS = 10 * LATE_MS;
const spec = smallSpec();
const keys = jobKeys(spec.id);
const SPEC_HASH = contentHash("1".repeat(64));
const OPEN = encodeOpenJob({ spec: SPEC_HASH, bundle: spec.constants.bundle, holders: [] });

/** One node whose first call of a kind takes long, and no other; "told" is what its take-over came to. */
function oneNode(late: "fetch" | "list" | "told" | "none", taskMs = TASK_MS) {
  const scheduler = new Scheduler();
  const random = new Prng("cluster-node");
  const trace = new Trace(() => scheduler.nowMs, undefined);
  const faults = prepareFaults({ scheduler, random, trace }, { calm: true }, "node");
  const network = new SimNetwork<WireMessage>(faults);
  const process = new SimProcess(SELF, scheduler);
  const store = new MemoryControlStore(new MemoryStoreBackend(new SimProcess("store", scheduler).clock));
  const notes: NodeNote[] = [];
  let calls = 0;
  const slowly = <T>(isSlow: boolean, call: () => Promise<T>): Promise<T> =>
    process.awaiting(isSlow && calls++ === 0 ? LATE_MS : 1, call);
  const seen: ControlStore = {
    get: (key) => store.get(key),
    range: (from, to, options) =>
      slowly(late === "list" && from === keys.driver, () => store.range(from, to, options)),
    txn: async (request) => {
      const done = await store.txn(request);
      const takesOver = request.success.some((op) => op.kind === "put" && op.key === keys.driver);
      return takesOver ? await slowly(late === "told", async () => done) : done;
    },
    grantLease: (ttlMs) => store.grantLease(ttlMs),
    keepAlive: (lease) => store.keepAlive(lease),
    revokeLease: (lease) => store.revokeLease(lease),
    watch: (request, onEvent) => store.watch(request, onEvent),
    close: () => store.close(),
  };
  const node = new ClusterNode({
    card: {
      node: SELF,
      incarnation: "1",
      address: "a",
      region: "r",
      domain: "d",
      slots: 1,
      memoryBytes: 1,
      version: "0",
      startedAtMs: 0,
      state: "ready",
    },
    host: "h",
    pid: 1,
    store: seen,
    retrying: { clock: process.clock, random },
    links: { ...network.join(SELF, process), listen: () => {}, unlisten: () => {} },
    runner: {
      slots: 1,
      room: () => 1,
      run: ({ assignment }) =>
        process.awaiting(taskMs, async () => ({ kind: "finished", output: outputOf(assignment.attempt) })),
      stop: () => {},
      close: async () => {},
    },
    outputs: new MemoryOutputs(),
    readRows: async function* () {},
    keepResults: async () => contentHash("2".repeat(64)),
    isDead: () => false,
    timing: { driverLeaseMs: 5_000, workerLeaseMs: 4_000, heartbeatMs: 1_000 },
    nodeLeaseMs: 4_000,
    fetchJob: () => slowly(late === "fetch", async () => spec),
    storedJobs: async () => [],
    sweepJob: async () => {},
    sweepShared: async () => {},
    onMember: () => {},
    onNote: (note) => notes.push(note),
  });
  const log = new JobLog(store, spec.id, { clock: process.clock, random });
  const wait = (ms: number): Promise<boolean> => scheduler.play(() => false, scheduler.nowMs + ms);
  return { node, store, log, notes, wait, scheduler, network };
}

test.each([
  ["was still being fetched", "fetch"],
  ["was not ready yet", "list"],
] as const)("a job that is opened again goes on, also where the seat of before %s", async (_, late) => {
  const { node, store, log, notes, wait } = oneNode(late);
  void node.start();
  await wait(100);
  void log.submit(SPEC_HASH, cardOf(spec, undefined), OPEN);
  await wait(LATE_MS / 5);
  void store.txn({ compare: [], success: [{ kind: "delete", key: keys.open }] });
  await wait(1);
  void store.txn({ compare: [], success: [{ kind: "put", key: keys.open, value: OPEN }] });
  await wait(60_000);
  const drove = notes.flatMap((note) => (note.kind === "drove" ? note.outcome : []));
  expect(drove).toEqual(["committed"]);
});

test("a node whose place another one has taken lays its driving down, also where it has nothing to write and its lease lives on", async () => {
  const { node, store, log, notes, wait } = oneNode("none", 10_000_000);
  void node.start();
  await wait(100);
  void log.submit(SPEC_HASH, cardOf(spec, undefined), OPEN);
  await wait(1_000);
  const drives = (): number => notes.filter(({ kind }) => kind === "driving").length;
  expect(drives()).toBe(1);
  const other = encodeJson({ node: "b", host: "h", pid: 2 });
  void store.txn({ compare: [], success: [{ kind: "put", key: keys.driver, value: other }] });
  await wait(5_000);
  expect(drives()).toBe(1);
  void store.txn({ compare: [], success: [{ kind: "delete", key: keys.driver }] });
  await wait(5_000);
  expect(drives()).toBe(2);
  void node.close();
  await wait(1_000);
});

test("a node that drives heeds what others said before it knew that it does", async () => {
  const { node, store, log, notes, wait, scheduler, network } = oneNode("told");
  const other = nodeId("b");
  const links = network.join(other, new SimProcess(other, scheduler));
  const given: WireMessage[] = [];
  links.receive((_, message) => void given.push(message));
  // Says once what it runs, and nothing more.
  const poll = { kind: "poll", job: spec.id, incarnation: "1", seq: 0, slots: 1, ahead: 0 } as const;
  let drivenBefore: boolean | undefined;
  store.watch({ from: keys.driver, to: `${keys.driver}\u0000` }, (event) => {
    if (event.kind !== "changes" || event.changes[0]?.kind !== "put") return;
    drivenBefore ??= notes.some(({ kind }) => kind === "driving");
    links.send(SELF, { ...poll, running: [], ended: [], terms: [] });
  });
  void node.start();
  await wait(100);
  void log.submit(SPEC_HASH, cardOf(spec, undefined), OPEN);
  await wait(1_000);
  expect(drivenBefore).toBe(false);
  expect(given.map(({ kind }) => kind)).toContain("orders");
  void node.close();
  await wait(1_000);
});
