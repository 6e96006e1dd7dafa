import { expect, test } from "vitest";
import { Prng } from "../../base/prng.ts";
import type { ControlStore } from "../../ports/control-store.ts";
import { MemoryControlStore, MemoryStoreBackend } from "../../sim/ports/memory-control-store.ts";
import { SimProcess } from "../../sim/process.ts";
import { Scheduler } from "../../sim/scheduler.ts";
import { RangeView } from "./range-view.ts";

/** Longer than a view goes without a new list. */
const RELISTED_MS = 31_000;
const put = (value: string, key = "k") => ({
  compare: [],
  success: [{ kind: "put", key, value: Buffer.from(value) } as const],
});

test.each([
  ["ends", true],
  ["says nothing", false],
])(
  "shows what stands in a store that was set back, also under a revision that came again, where its watch %s",
  async (_, ends) => {
    const scheduler = new Scheduler();
    const backend = new MemoryStoreBackend(new SimProcess("store", scheduler).clock);
    const process = new SimProcess("n", scheduler);
    const state = new MemoryControlStore(backend);
    const store: ControlStore = {
      get: (key) => state.get(key),
      range: (from, to, options) => state.range(from, to, options),
      txn: (request) => state.txn(request),
      grantLease: (ttlMs) => state.grantLease(ttlMs),
      keepAlive: (lease) => state.keepAlive(lease),
      revokeLease: (lease) => state.revokeLease(lease),
      close: () => state.close(),
      // A watch from a revision that is yet to come, as one is that goes on after the store was set back.
      watch: (request, onEvent) =>
        state.watch(request, (event) => {
          if (ends || event.kind === "changes") onEvent(event);
        }),
    };
    const seen: string[] = [];
    const view = new RangeView({
      store,
      timing: { clock: process.clock, random: new Prng("view") },
      from: "k",
      to: "l",
      onChange: (key, entry) =>
        seen.push(`${key} ${entry === undefined ? "gone" : Buffer.from(entry.value)}`),
    });
    const wait = (ms: number): Promise<boolean> => scheduler.play(() => false, scheduler.nowMs + ms);
    void view.start();
    await wait(10);
    const snapshot = backend.snapshot();
    backend.txn(put("before"));
    backend.txn(put("gone", "k2"));
    await wait(10);
    backend.restore(snapshot);
    backend.txn(put("after"));
    expect(backend.get("k").entry?.modRevision).toBe(snapshot.revision + 1);
    await wait(RELISTED_MS);
    expect(seen).toEqual(["k before", "k2 gone", "k2 gone", "k after"]);
    view.close();
  },
);
