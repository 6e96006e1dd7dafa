/**
 * What every client of a control store asked and was told, and whether one store can have said all of it.
 *
 * Owns: the order of calls and returns, as they were seen by the clients. It stands outside of the faults that lie
 * between a client and the store, so that a late answer is one that returned late, and a lost one is unknown.
 *
 * Left out: reads that may be stale, which promise nothing here. Watches are judged apart, by `watch-history.ts`.
 */
import { BicoastalError } from "../../../base/errors.ts";
import type {
  Change,
  ControlStore,
  LeaseId,
  Watch,
  WatchEvent,
  WatchRequest,
} from "../../../ports/control-store.ts";
import type { MemoryStoreBackend, StoreSnapshot } from "../../ports/memory-control-store-backend.ts";
import { checkLinearizable, type LinearResult } from "../linear/linearizable.ts";
import { storeModelFor } from "./evidence.ts";
import {
  type Commits,
  STORE,
  type StoreAnswer,
  type StoreCall,
  type StoreOperation,
  type StoreState,
} from "./store-model.ts";
import { WatchHistory } from "./watch-history.ts";

/**
 * Steps of the model for each call of a history: far more than the search takes, which hardly ever comes back from where it went. A
 * run of which nobody knows by then whether one store gave its answers has failed.
 */
const STEPS_PER_CALL_MAX = 1_000;

/** Whoever asks. */
export interface StoreClient {
  readonly alive: boolean;
  readonly frozen: boolean;
}

interface Lease {
  readonly id: LeaseId;
  /** It has not expired of itself before this. */
  aliveUntilMs: number;
}

/** What was asked of a store between two times that it was set back. */
interface Era {
  readonly init: StoreState;
  readonly commits: Commits;
  readonly operations: readonly StoreOperation[];
}

export class StoreHistory {
  readonly #nowMs: () => number;
  #ended: StoreOperation[] = [];
  #open = new Set<{ readonly input: StoreCall; readonly calledAt: number }>();
  #commits = new Map<number, readonly Change[]>();
  readonly #leases = new Map<LeaseId, Lease & { readonly ttlMs: number }>();
  /** When leases ended before their time. */
  readonly #cutMs = new Map<LeaseId, number>();
  /** Virtual times of ticks, ascending: a tick is one call or one return. */
  readonly #ticksMs: number[] = [];
  readonly #watches: WatchHistory;
  /** Takes in what the store has done since; undefined where nobody follows it. */
  #look: (() => number) | undefined;
  #asked = 0;
  /** The first revision that was not looked at. */
  #next = 0;
  readonly #eras: Era[] = [];
  #init = STORE.init;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#watches = new WatchHistory(nowMs, this.#commits);
  }

  /** How often anybody has asked the store for anything. */
  get asked(): number {
    return this.#asked;
  }

  /** To be called when no fault has stood for long: a watch that is behind then was forgotten. */
  lookForForgotten(): void {
    this.#look?.();
    this.#watches.lookForForgotten();
  }

  /** The store itself ends this lease now, before its time. */
  leaseCut(lease: LeaseId): void {
    this.#cutMs.set(lease, this.#nowMs());
  }

  /** The store is in this state again. Whatever was under way then gets no answer, and was done before or never. */
  restored({ revision, entries, leases }: StoreSnapshot): void {
    this.#eras.push({ init: this.#init, commits: this.#commits, operations: this.operations() });
    this.#init = { revision, entries, leases: new Set(leases.map(({ id }) => id)) };
    this.#ended = [];
    this.#open = new Set();
    this.#commits = new Map();
    this.#next = revision + 1;
    this.#leases.clear();
    this.#cutMs.clear();
    for (const { id, ttlMs } of leases)
      this.#leases.set(id, { id, ttlMs, aliveUntilMs: this.#nowMs() + ttlMs });
    this.#watches.restored(this.#commits);
  }

  /** The same store, and everything that is asked of it noted. */
  record(store: ControlStore, client: StoreClient = { alive: true, frozen: false }): ControlStore {
    return this.#counting(this.#recording(store, client));
  }

  #counting(store: ControlStore): ControlStore {
    const counted = <Call extends (...args: never[]) => unknown>(call: Call): Call =>
      ((...args: Parameters<Call>) => {
        this.#asked++;
        return call(...args);
      }) as Call;
    return {
      get: counted(store.get),
      range: counted(store.range),
      txn: counted(store.txn),
      grantLease: counted(store.grantLease),
      keepAlive: counted(store.keepAlive),
      revokeLease: counted(store.revokeLease),
      watch: counted(store.watch),
      close: () => store.close(),
    };
  }

  #recording(store: ControlStore, client: StoreClient): ControlStore {
    const entries = ({ entry, revision }: Awaited<ReturnType<ControlStore["get"]>>): StoreAnswer => {
      return { kind: "entries", entries: entry === undefined ? [] : [entry], revision, more: false };
    };
    return {
      get: (key, options) =>
        options?.consistency === "serializable"
          ? store.get(key, options)
          : this.#call({ kind: "get", key }, () => store.get(key, options), entries),
      range: (from, to, options) => {
        this.#watches.onList(from, to, client);
        return options?.consistency === "serializable"
          ? store.range(from, to, options)
          : this.#call(
              { kind: "range", from, to, limit: options?.limit },
              () => store.range(from, to, options),
              (result) => ({ kind: "entries", ...result }),
            );
      },
      txn: (request) =>
        this.#call(
          { kind: "txn", request },
          () => store.txn(request),
          (result) => ({ kind: "txn", ...result }),
        ),
      grantLease: (ttlMs) => this.#grant(store, ttlMs),
      keepAlive: (lease) => this.#keepAlive(store, lease),
      revokeLease: (lease) =>
        this.#call(
          { kind: "revoke", lease },
          () => store.revokeLease(lease),
          () => ({ kind: "done" }),
        ),
      watch: (request, onEvent) => this.#watch(store, client, request, onEvent),
      close: () => store.close(),
    };
  }

  /** Whether one store can have given all these answers. Empty where it can. */
  problems(): readonly string[] {
    const { problem } = this.judge();
    return [...this.watchProblems, ...(problem === undefined ? [] : [problem])];
  }

  /** What watches told, and should not have, or did not tell. */
  get watchProblems(): readonly string[] {
    return this.#watches.problems;
  }

  /** What of the above is wrong with the answers; where too many outcomes are unknown to find out, that is said apart. */
  judge(): { readonly problem: string | undefined; readonly gaveUp: boolean } {
    const last: Era = { init: this.#init, commits: this.#commits, operations: this.operations() };
    let gaveUp: string | undefined;
    for (const { init, commits, operations } of [...this.#eras, last]) {
      const model = storeModelFor(operations, commits, init);
      const result = checkLinearizable(model, operations, {
        stepsMax: STEPS_PER_CALL_MAX * (operations.length + 1),
      });
      if (result.kind === "linearizable") continue;
      const problem = explain(result, operations.length);
      if (result.kind !== "gaveUp") return { problem, gaveUp: false };
      gaveUp ??= problem;
    }
    return { problem: gaveUp, gaveUp: gaveUp !== undefined };
  }

  /** All that was asked, and the expiries that may have come between. */
  operations(): readonly StoreOperation[] {
    const open = [...this.#open].map(
      ({ input, calledAt }): StoreOperation => ({
        input,
        output: undefined,
        calledAt,
        returnedAt: Number.POSITIVE_INFINITY,
      }),
    );
    // What only reads, or was never told a name, cannot be missed.
    const writes = open.filter(({ input }) => input.kind === "txn" || input.kind === "revoke");
    return [...this.#ended, ...writes, ...this.#expiries()];
  }

  /** Holds the answers to what this store tells its watches as well, from its next change on. */
  follow(backend: MemoryStoreBackend): void {
    this.#next = backend.history().firstRevision;
    this.#look = () => {
      const { revision: now, commitsFrom } = backend.history();
      for (const { revision, changes } of commitsFrom(this.#next)) {
        this.#next = revision + 1;
        this.#commits.set(revision, changes);
        this.#watches.onCommit(revision);
      }
      return now;
    };
    backend.onChange(this.#look);
  }

  #watch(
    store: ControlStore,
    client: StoreClient,
    request: WatchRequest,
    onEvent: (event: WatchEvent) => void,
  ): Watch {
    if (this.#look === undefined) return store.watch(request, onEvent);
    const take = this.#look;
    const from = { ...request, fromRevision: request.fromRevision ?? take() + 1 };
    const watched = this.#watches.watch(from, client);
    const inner = store.watch(request, (event) => {
      take();
      watched.onEvent(event);
      onEvent(event);
    });
    return {
      close: () => {
        watched.close();
        inner.close();
      },
    };
  }

  #expiries(): readonly StoreOperation[] {
    return [...this.#leases.values()].flatMap(({ id, aliveUntilMs }) => {
      const fromMs = Math.min(aliveUntilMs, this.#cutMs.get(id) ?? aliveUntilMs);
      const tick = this.#ticksMs.findIndex((ms) => ms >= fromMs);
      if (tick < 0) return [];
      const input: StoreCall = { kind: "expire", lease: id };
      return [{ input, output: undefined, calledAt: tick - 0.5, returnedAt: Number.POSITIVE_INFINITY }];
    });
  }

  async #grant(store: ControlStore, ttlMs: number): Promise<LeaseId> {
    const calledMs = this.#nowMs();
    const id = await this.#call(
      { kind: "grant" },
      () => store.grantLease(ttlMs),
      (lease) => ({ kind: "lease", lease }),
    );
    this.#leases.set(id, { id, ttlMs, aliveUntilMs: calledMs + ttlMs });
    return id;
  }

  async #keepAlive(store: ControlStore, lease: LeaseId): Promise<boolean> {
    const calledMs = this.#nowMs();
    const alive = await this.#call(
      { kind: "keepAlive", lease },
      () => store.keepAlive(lease),
      (isAlive) => ({ kind: "alive", alive: isAlive }),
    );
    const known = this.#leases.get(lease);
    if (alive && known !== undefined)
      known.aliveUntilMs = Math.max(known.aliveUntilMs, calledMs + known.ttlMs);
    return alive;
  }

  async #call<T>(input: StoreCall, work: () => Promise<T>, answerOf: (value: T) => StoreAnswer): Promise<T> {
    const calledAt = this.#tick();
    const call = { input, calledAt };
    this.#open.add(call);
    try {
      const value = await work();
      this.#end(call, answerOf(value));
      return value;
    } catch (error) {
      const code = error instanceof BicoastalError ? error.code : undefined;
      const isUnknown = error instanceof BicoastalError && error.details.outcome === "unknown";
      if (code === "LEASE_GONE") this.#end(call, { kind: "leaseGone" });
      // Said not to have happened: so whatever shows of it is wrong.
      else if (!isUnknown) this.#open.delete(call);
      throw error;
    }
  }

  #end(call: { readonly input: StoreCall; readonly calledAt: number }, output: StoreAnswer): void {
    this.#open.delete(call);
    this.#ended.push({ ...call, output, returnedAt: this.#tick() });
  }

  #tick(): number {
    return this.#ticksMs.push(this.#nowMs()) - 1;
  }
}

/** What could not have been said, in a few lines. */
function explain(
  result: Exclude<LinearResult<StoreState, StoreCall, StoreAnswer>, { kind: "linearizable" }>,
  count: number,
): string {
  const { done, stuck } = result;
  const what =
    result.kind === "gaveUp"
      ? `after ${result.steps} steps nobody knows whether one store gives these answers`
      : "no single store gives these answers";
  return [
    `S10: ${what}. ${done.length} of ${count} calls have an order, the last of them`,
    ...done.slice(-3).map((operation) => `  ${shownCall(operation)}`),
    "then none of these can come next:",
    ...stuck.slice(0, 5).map((operation) => `  ${shownCall(operation)}`),
  ].join("\n");
}

function shownCall({ input, output }: StoreOperation): string {
  const text = JSON.stringify([input, output ?? "unknown"], (_, value: unknown) => {
    return value instanceof Uint8Array ? Buffer.from(value).toString("utf8").slice(0, 80) : value;
  });
  return text.slice(0, 600);
}
