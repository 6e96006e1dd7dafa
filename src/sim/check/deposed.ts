/**
 * L16, of drivers: one that was deposed stops as soon as it hears of it, and one that hears nothing stops with its lease, by its
 * own clock. What it hears is what the store tells its process: that its lease has ended, or that its record was refused and
 * what stands there instead.
 */
import type { JobState } from "../../core/job-state.ts";
import type { ControlStore, LeaseId, Op, TxnRequest, TxnResult } from "../../ports/control-store.ts";
import type { SimProcess } from "../process.ts";

/** A lease is renewed several times within its length, and looked at as often: a driver may be late by less than another one. */
const LEASE_LENGTHS = 2;
/** Of one process. */
const PROBLEMS_MAX = 3;

interface Lease {
  readonly ttlMs: number;
  /** When the last request was sent that the store has said yes to, on the process's clock. */
  sentMs: number;
}

const takesOver = (ops: readonly Op[]): boolean =>
  ops.some((op) => op.kind === "put" && op.key.endsWith("/driver"));
const textOf = (value: Uint8Array): string => new TextDecoder().decode(value);
/** Its number, before whose it is. */
const epochIn = (value: Uint8Array): string => textOf(value).split(" ", 1).join();

/** All drivers of one process. */
export class DeposedCheck {
  readonly #process: SimProcess;
  readonly #nowMs: () => number;
  readonly #problems: string[];
  #told = 0;
  readonly #leases = new Map<LeaseId, Lease>();
  /** By job and epoch. */
  readonly #leaseOf = new Map<string, LeaseId>();
  /** When the process heard that this job and epoch, or this lease, is over. */
  readonly #heardMs = new Map<string, number>();
  /** Records that were refused, by key: what was to stand there, and of which job and epoch. */
  readonly #refused = new Map<
    string,
    { readonly value: string; readonly drive: string; readonly term: string }
  >();
  /** By job and epoch: what its latest take-over here wrote to the epoch's key. */
  readonly #termOf = new Map<string, string>();

  /** @param problems Gets what is wrong. */
  constructor(process: SimProcess, nowMs: () => number, problems: string[]) {
    this.#process = process;
    this.#nowMs = nowMs;
    this.#problems = problems;
  }

  /** The same store, as this process sees it. */
  watching(store: ControlStore): ControlStore {
    return {
      ...store,
      grantLease: async (ttlMs) => {
        const sentMs = this.#process.clock.monotonicMs();
        const lease = await store.grantLease(ttlMs);
        // One that was granted so late that it may be over by now is found out at its first renewal.
        const lookedAtMs = this.#process.clock.monotonicMs() - ttlMs;
        this.#leases.set(lease, { ttlMs, sentMs: Math.max(sentMs, lookedAtMs) });
        return lease;
      },
      keepAlive: async (id) => {
        const sentMs = this.#process.clock.monotonicMs();
        const isAlive = await store.keepAlive(id);
        const lease = this.#leases.get(id);
        if (isAlive && lease !== undefined) lease.sentMs = Math.max(lease.sentMs, sentMs);
        if (!isAlive) this.#hear(id);
        return isAlive;
      },
      txn: async (request) => {
        this.#onTakeOver(request);
        const result = await store.txn(request);
        this.#onAnswer(request, result);
        return result;
      },
      get: async (key, options) => {
        const result = await store.get(key, options);
        const refused = this.#refused.get(key);
        this.#refused.delete(key);
        const stands = result.entry === undefined ? undefined : textOf(result.entry.value);
        if (refused === undefined || stands === refused.value) return result;
        // One that has this epoch again hears nothing of what its predecessor still waited for.
        if ((this.#termOf.get(refused.drive) ?? refused.term) === refused.term) this.#hear(refused.drive);
        return result;
      },
    };
  }

  /** After each step of a driver. */
  onStep({ spec, epoch }: JobState): void {
    const drive = `${spec.id} ${epoch}`;
    const lease = this.#leaseOf.get(drive);
    const heardMs = this.#heardMs.get(drive) ?? (lease && this.#heardMs.get(lease));
    if (heardMs !== undefined && this.#nowMs() > heardMs)
      this.#say(`${drive} goes on ${this.#nowMs() - heardMs} ms after it heard that it is over`);
    const held = lease && this.#leases.get(lease);
    // What was held up while the process stood still comes all at once, before its timers.
    if (!held || this.#process.thawedAtMs === this.#nowMs()) return;
    const overMs = this.#process.clock.monotonicMs() - held.sentMs - LEASE_LENGTHS * held.ttlMs;
    if (overMs > 0) this.#say(`${drive} goes on ${overMs} ms after its lease was to be relied on`);
  }

  /** In a store that was set back the same process may have the same epoch once more, when it has let go of the former one. */
  #onTakeOver({ success }: TxnRequest): void {
    if (!takesOver(success)) return;
    for (const op of success) {
      const [, job] = (op.kind === "put" && /^jobs\/([^/]+)\/epoch$/.exec(op.key)) || [];
      if (op.kind !== "put" || job === undefined) continue;
      const drive = `${job} ${epochIn(op.value)}`;
      this.#termOf.set(drive, textOf(op.value));
      this.#leaseOf.delete(drive);
      this.#heardMs.delete(drive);
    }
  }

  #onAnswer({ compare, success }: TxnRequest, { succeeded }: TxnResult): void {
    for (const op of success) {
      if (op.kind !== "put") continue;
      const [, job, what] = /^jobs\/([^/]+)\/(log|driver)/.exec(op.key) ?? [];
      if (what === "driver" && succeeded && op.lease !== undefined) {
        const raised = success.find((other) => other.kind === "put" && other.key === `jobs/${job}/epoch`);
        if (raised?.kind === "put") this.#leaseOf.set(`${job} ${epochIn(raised.value)}`, op.lease);
      }
      const of = compare.find(({ key, target }) => key === `jobs/${job}/epoch` && target === "value");
      // A take-over that came too late compares the epoch of the driver before it, which may wait for its own answer here.
      if (what === "log" && !succeeded && of?.target === "value" && !takesOver(success))
        this.#refused.set(op.key, {
          value: textOf(op.value),
          drive: `${job} ${epochIn(of.value)}`,
          term: textOf(of.value),
        });
    }
  }

  #hear(what: string): void {
    if (!this.#heardMs.has(what)) this.#heardMs.set(what, this.#nowMs());
  }

  #say(problem: string): void {
    if (this.#told++ < PROBLEMS_MAX)
      this.#problems.push(`L16: at ${this.#process.name} the driver of ${problem}`);
  }
}
