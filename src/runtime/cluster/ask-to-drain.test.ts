import { expect, test } from "vitest";
import { nodeId } from "../../base/ids.ts";
import { Prng } from "../../base/prng.ts";
import type { LeaseId } from "../../ports/control-store.ts";
import { encodeJson } from "../../protocol/codec.ts";
import { MemoryControlStore, MemoryStoreBackend } from "../../sim/ports/memory-control-store.ts";
import { SimProcess } from "../../sim/process.ts";
import { Scheduler } from "../../sim/scheduler.ts";
import { askToDrain } from "./ask-to-drain.ts";
import { drainKey, nodeKey } from "./cluster-keys.ts";
import type { NodeState } from "./node-card.ts";

const NODE = nodeId("a");
const LEASE_MS = 60_000;

/** A node by its card alone, and somebody who has asked it to drain. */
async function asked() {
  const scheduler = new Scheduler();
  const backend = new MemoryStoreBackend(new SimProcess("store", scheduler).clock);
  const store = new MemoryControlStore(backend);
  const put = async (state: NodeState, incarnation = "1"): Promise<LeaseId> => {
    const lease = await store.grantLease(LEASE_MS);
    const fields = { region: "r", domain: "d", slots: 1, memoryBytes: 1, version: "0", startedAtMs: 0 };
    const card = { node: NODE, incarnation, address: "a", state, ...fields };
    const value = encodeJson(card);
    await store.txn({ compare: [], success: [{ kind: "put", key: nodeKey(NODE), value, lease }] });
    return lease;
  };
  const wait = (ms: number): Promise<boolean> => scheduler.play(() => false, scheduler.nowMs + ms);
  const wished = async (): Promise<boolean> => (await store.get(drainKey(NODE))).entry !== undefined;
  const lease = await put("ready");
  const timing = { clock: new SimProcess("client", scheduler).clock, random: new Prng("asks") };
  let asks = 0;
  const onAsked = (): void => {
    asks++;
  };
  let outcome = "waits";
  askToDrain({ store, timing, node: NODE, onAsked }).then(
    () => {
      outcome = "drained";
    },
    (error) => {
      outcome = error.code;
    },
  );
  await wait(1_000);
  expect([asks, await wished(), outcome]).toEqual([1, true, "waits"]);
  return { put, wait, wished, leave: () => backend.revokeLease(lease), outcome: () => outcome };
}

test("a node that drains, and has", async () => {
  const it = await asked();
  await it.put("draining");
  await it.wait(1_000);
  expect(it.outcome()).toBe("waits");
  await it.put("drained");
  await it.wait(1_000);
  expect(it.outcome()).toBe("drained");
});

test("a node that is away for a moment is waited for, and asked again where it has not heard", async () => {
  const it = await asked();
  it.leave();
  await it.wait(20_000);
  expect([it.outcome(), await it.wished()]).toEqual(["waits", false]);
  await it.put("ready");
  await it.wait(20_000);
  expect([it.outcome(), await it.wished()]).toEqual(["waits", true]);
  await it.put("drained");
  await it.wait(1_000);
  expect(it.outcome()).toBe("drained");
});

test("a node that has left, or was started again, is not", async () => {
  const gone = await asked();
  gone.leave();
  await gone.wait(60_000);
  expect(gone.outcome()).toBe("PEER_UNREACHABLE");
  const other = await asked();
  await other.put("ready", "2");
  await other.wait(1_000);
  expect(other.outcome()).toBe("PEER_UNREACHABLE");
});
