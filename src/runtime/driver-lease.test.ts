import { beforeEach, describe, expect, it } from "vitest";
import { BicoastalError } from "../base/errors.ts";
import { ManualClock, turn } from "../ports/control-store.contract.ts";
import type { ControlStore } from "../ports/control-store.ts";
import { MemoryControlStore, MemoryStoreBackend } from "../sim/ports/memory-control-store.ts";
import { DriverLease } from "./driver-lease.ts";

const TTL_MS = 3_000;

/** A store whose answers to renewals come when the test says. */
class SlowStore {
  readonly clock = new ManualClock();
  readonly #backend = new MemoryControlStore(new MemoryStoreBackend(this.clock));
  readonly #waiting: (() => void)[] = [];
  /** What was asked of the store, with the time. */
  readonly asked: string[] = [];
  hold = false;
  away = false;

  readonly store: ControlStore = Object.assign(Object.create(this.#backend) as ControlStore, {
    grantLease: async (ttlMs: number) => {
      this.asked.push(`grant at ${this.clock.monotonicMs()}`);
      await this.#answer();
      return this.#backend.grantLease(ttlMs);
    },
    keepAlive: async (lease: string) => {
      this.asked.push(`renew at ${this.clock.monotonicMs()}`);
      if (this.away) throw new BicoastalError("STORE_UNAVAILABLE", "away");
      const alive = await this.#backend.keepAlive(lease);
      await this.#answer();
      return alive;
    },
    revokeLease: async (lease: string) => {
      this.asked.push(`revoke at ${this.clock.monotonicMs()}`);
      if (this.away) throw new BicoastalError("STORE_UNAVAILABLE", "away");
      return this.#backend.revokeLease(lease);
    },
  });

  #answer(): Promise<void> {
    return this.hold ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve();
  }
  async release(): Promise<void> {
    for (const answer of this.#waiting.splice(0)) answer();
    await turn();
  }
  isAlive(lease: DriverLease): Promise<boolean> {
    return this.#backend.keepAlive(lease.id);
  }
}

describe("a driver's lease", () => {
  let slow: SlowStore;
  let lost: number[];
  beforeEach(() => {
    slow = new SlowStore();
    lost = [];
  });
  const grant = () =>
    DriverLease.grant(slow.store, slow.clock, TTL_MS, () => void lost.push(slow.clock.monotonicMs()));

  it("is renewed three times in its length, and lasts as long as that succeeds", async () => {
    const lease = await grant();
    await slow.clock.advance(3 * TTL_MS);
    expect(slow.asked).toEqual([
      "grant at 0",
      ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((turns) => `renew at ${turns * 1_000}`),
    ]);
    expect([lost, await slow.isAlive(lease)]).toEqual([[], true]);
    await lease.end();
    expect([lost, slow.clock.timers, await slow.isAlive(lease)]).toEqual([[], 0, false]);
  });

  it("is lost its length after the last renewal that succeeded, while the store is away", async () => {
    await grant();
    await slow.clock.advance(1_500);
    slow.away = true;
    await slow.clock.advance(60_000);
    expect(lost).toEqual([1_000 + TTL_MS]);
    // Nothing is granted or asked again.
    expect(slow.asked.at(-1)).toBe("renew at 3000");
    expect(slow.clock.timers).toBe(0);
  });

  it("survives a store that is away for a while", async () => {
    const lease = await grant();
    await slow.clock.advance(1_000);
    slow.away = true;
    await slow.clock.advance(1_900);
    slow.away = false;
    await slow.clock.advance(60_000);
    expect([lost, await slow.isAlive(lease)]).toEqual([[], true]);
    await lease.end();
  });

  it("counts from when a renewal was sent, not from when the answer came", async () => {
    await grant();
    slow.hold = true;
    await slow.clock.advance(1_000);
    await slow.clock.advance(1_900);
    // Sent at 1,000 and 2,000, answered at 2,900; then nothing more succeeds.
    await slow.release();
    slow.away = true;
    await slow.clock.advance(60_000);
    expect(lost).toEqual([2_000 + TTL_MS]);
  });

  it("counts from when it was asked for, not from when it was granted", async () => {
    slow.hold = true;
    const granting = grant();
    await slow.clock.advance(2_900);
    await slow.release();
    slow.away = true;
    const lease = await granting;
    await slow.clock.advance(60_000);
    expect(lost).toEqual([2_900 + 1_000]);
    await lease.end();
  });

  it("whose answers come too late is lost, and they bring it back no more", async () => {
    const lease = await grant();
    slow.hold = true;
    await slow.clock.advance(TTL_MS);
    expect(lost).toEqual([TTL_MS]);
    await slow.release();
    slow.hold = false;
    await slow.clock.advance(60_000);
    expect([lost, slow.clock.timers]).toEqual([[TTL_MS], 0]);
    await lease.end();
    expect(slow.asked.filter((what) => what.startsWith("grant"))).toEqual(["grant at 0"]);
  });

  it("is lost at once when the store says that it is gone", async () => {
    const lease = await grant();
    await slow.store.revokeLease(lease.id);
    await slow.clock.advance(60_000);
    expect(lost).toEqual([1_000]);
    expect(slow.asked.filter((what) => what.startsWith("grant"))).toHaveLength(1);
  });

  it("is lost when its process slept for longer than it lasts", async () => {
    await grant();
    slow.hold = true;
    // The timer of the first renewal runs only now, as after a pause of the whole machine.
    const { clock } = slow;
    const late = clock.monotonicMs.bind(clock);
    clock.monotonicMs = () => late() + 10_000;
    await clock.advance(1_000);
    expect(lost).toHaveLength(1);
    expect(slow.asked).toEqual(["grant at 0"]);
  });

  it("is not lost by being given back, nor by an answer that comes after that", async () => {
    const lease = await grant();
    slow.hold = true;
    await slow.clock.advance(1_000);
    await lease.end();
    await slow.release();
    await slow.clock.advance(60_000);
    expect([lost, slow.clock.timers]).toEqual([[], 0]);
  });

  it("is given back without a word where the store is away: it expires", async () => {
    const lease = await grant();
    slow.away = true;
    await lease.end();
    slow.away = false;
    await slow.clock.advance(TTL_MS);
    expect([lost, await slow.isAlive(lease)]).toEqual([[], false]);
  });

  it("that is not granted is nobody's", async () => {
    await expect(DriverLease.grant(slow.store, slow.clock, 1, () => {})).rejects.toMatchObject({
      code: "STORE_REFUSED",
    });
    expect(slow.clock.timers).toBe(0);
  });
});
