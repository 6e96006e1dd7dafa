import { BicoastalError } from "../../base/errors.ts";
import type {
  ControlStore,
  Entry,
  LeaseId,
  TxnRequest,
  TxnResult,
  Watch,
  WatchEvent,
  WatchRequest,
} from "../../ports/control-store.ts";
import type { SimProcess } from "../process.ts";
import type { Faults } from "./faults.ts";

/** How often it is tried again to bring what a watch has to tell to somebody who is cut off. */
const STARVED_MS = 200;

/** Whether the process's requests come to the store now, and the store's answers to the process. */
export interface WayToStore {
  readonly there: () => boolean;
  readonly back: () => boolean;
}

export const ALWAYS: WayToStore = { there: () => true, back: () => true };

/**
 * One process's way to the shared store: slow, refusing, losing requests and answers, away; and its watches: late,
 * starved, or ended.
 */
export function faultyStore(
  store: ControlStore,
  process: SimProcess,
  faults: Faults,
  way: WayToStore,
): ControlStore {
  const { random, points, trace } = faults;
  const ambiguous = new Ambiguous(faults);
  const call = <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const { delayMsMax } = faults.rates;
    const where = (): string => `${name} of ${process.name}`;
    const late = faults.happens("storeLate", where);
    const there = 1 + random.below(late ? delayMsMax : 3);
    const back = 1 + random.below(late ? delayMsMax : 3);
    points.pass(process, `asking ${name}`);
    const { setBacks } = faults;
    const sameStore = (): void => {
      if (faults.setBacks !== setBacks) throw unavailable(name, "unknown");
    };
    return process.awaiting(there, async () => {
      sameStore();
      if (faults.storeAway || !way.there()) {
        trace.fault("storeUnreachable", where());
        throw unavailable(name, random.chance(0.5) ? "failed" : "unknown");
      }
      if (faults.happens("storeRefuses", where)) throw unavailable(name, "failed");
      if (faults.happens("storeRequestLost", where)) throw unavailable(name, "unknown");
      points.pass(process, `${name} under way`);
      const value = await work();
      if (!way.back()) {
        trace.fault("storeReplyCut", where());
        throw unavailable(name, "unknown");
      }
      if (faults.happens("storeReplyLost", where)) throw unavailable(name, "unknown");
      return process.awaiting(back, async () => {
        sameStore();
        points.pass(process, `${name} answered`);
        return value;
      });
    });
  };
  const txn = (request: TxnRequest): Promise<TxnResult> => {
    const name = `txn ${kindOf(request)}`;
    const work = async (): Promise<TxnResult> => {
      if (faults.happens("storeTooLarge", () => `${name} of ${process.name}`)) throw tooLarge(name);
      const full = faults.happens("storeFull", () => `${name} of ${process.name}`);
      // A store that finds its limit with this very request says so, and has done it all the same.
      if (full && random.chance(0.5)) throw storeFull(name);
      const result = await store.txn(request);
      if (full) throw storeFull(name);
      return result;
    };
    return call(name, work).then(
      (result) => ambiguous.answered(request, result),
      (error: unknown) => ambiguous.failed(request, error),
    );
  };
  return {
    get: (key, options) =>
      call(`get ${wordOf(key)}`, () => store.get(key, options)).then((result) => {
        ambiguous.read(key, result.entry);
        return result;
      }),
    range: (from, to, options) => call(`range ${wordOf(from)}`, () => store.range(from, to, options)),
    txn,
    grantLease: (ttlMs) => call("grantLease", () => store.grantLease(ttlMs)),
    keepAlive: (lease: LeaseId) => call("keepAlive", () => store.keepAlive(lease)),
    revokeLease: (lease: LeaseId) => call("revokeLease", () => store.revokeLease(lease)),
    watch: (request, onEvent) => {
      const told = (event: WatchEvent): void => {
        if (event.kind === "compacted") trace.met("watchCompacted");
        onEvent(event);
      };
      return new FaultyWatch(store, process, faults, way, request, told);
    },
    close: async () => {},
  };
}

/** Tells in order, each once: late, or long after, or that it has failed. It begins late as well, when the past may be gone. */
class FaultyWatch implements Watch {
  readonly #process: SimProcess;
  readonly #faults: Faults;
  readonly #way: WayToStore;
  readonly #onEvent: (event: WatchEvent) => void;
  #inner: Watch | undefined;
  #waiting: WatchEvent[] = [];
  #isTelling = false;
  /** What comes next was told to be starved. */
  #isStarved = false;
  #closed = false;

  constructor(
    store: ControlStore,
    process: SimProcess,
    faults: Faults,
    way: WayToStore,
    request: WatchRequest,
    onEvent: (event: WatchEvent) => void,
  ) {
    this.#process = process;
    this.#faults = faults;
    this.#way = way;
    this.#onEvent = onEvent;
    const { setBacks } = faults;
    const begin = (): void => {
      if (this.#closed) return;
      if (faults.setBacks !== setBacks) this.#take({ kind: "failed", reason: "the store was restored" });
      else this.#inner = store.watch(request, (event) => this.#take(event));
    };
    const late = request.fromRevision !== undefined && this.#isLate();
    if (late) process.after(this.#delayMs(), begin);
    else begin();
  }

  #isLate(): boolean {
    return this.#faults.happens("watchLate", () => `of ${this.#process.name}`);
  }
  #delayMs(): number {
    return this.#faults.random.below(this.#faults.rates.delayMsMax);
  }

  #take(event: WatchEvent): void {
    const fails =
      event.kind === "changes" && this.#faults.happens("watchFails", () => `of ${this.#process.name}`);
    if (fails) this.#inner?.close();
    this.#waiting.push(fails ? { kind: "failed", reason: "simulated" } : event);
    if (this.#isTelling) return;
    if (this.#isLate()) this.#tellIn(this.#delayMs());
    else this.#process.enter(() => this.#tell());
  }

  #tellIn(delayMs: number): void {
    this.#isTelling = true;
    this.#process.after(delayMs, () => {
      this.#isTelling = false;
      this.#tell();
    });
  }

  #tell(): void {
    while (this.#waiting.length > 0 && !this.#closed && !this.#isTelling) {
      if (!this.#way.back() || this.#faults.storeAway) return this.#starve();
      this.#isStarved = false;
      this.#onEvent(this.#waiting.shift()!);
    }
  }

  #starve(): void {
    if (!this.#isStarved) this.#faults.trace.fault("watchStarved", `of ${this.#process.name}`);
    this.#isStarved = true;
    this.#tellIn(STARVED_MS);
  }

  close(): void {
    this.#closed = true;
    this.#waiting = [];
    this.#inner?.close();
  }
}

/** Transactions on a job's log whose outcome nobody knew, and what became of them. */
class Ambiguous {
  readonly #faults: Faults;
  /** By the key of the record. */
  readonly #values = new Map<string, Uint8Array>();

  constructor(faults: Faults) {
    this.#faults = faults;
  }

  failed(request: TxnRequest, error: unknown): never {
    const record = recordIn(request);
    if (record !== undefined && error instanceof BicoastalError && error.details.outcome === "unknown")
      this.#values.set(record.key, record.value);
    throw error;
  }

  answered(request: TxnRequest, result: TxnResult): TxnResult {
    const record = recordIn(request);
    if (record === undefined) return result;
    const { trace } = this.#faults;
    if (result.succeeded) {
      if (this.#values.delete(record.key)) trace.met("unknownWriteWasNotDone");
    } else if (!this.#values.has(record.key) && request.compare.some(({ key }) => key.endsWith("/epoch"))) {
      trace.met("deposedDriverTriedToWrite");
    }
    return result;
  }

  read(key: string, entry: Entry | undefined): void {
    const value = this.#values.get(key);
    if (value === undefined || entry === undefined) return;
    this.#values.delete(key);
    const ours = Buffer.from(entry.value).equals(value);
    this.#faults.trace.met(ours ? "unknownWriteWasDone" : "unknownWriteLostToAnother");
  }
}

function recordIn({ success }: TxnRequest): { readonly key: string; readonly value: Uint8Array } | undefined {
  for (const op of success) if (op.kind === "put" && op.key.includes("/log/")) return op;
  return undefined;
}

/** What a transaction is about, for the names of crash points. */
function kindOf(request: TxnRequest): string {
  const record = recordIn(request);
  if (record === undefined) return wordOf(request.success.find((op) => op.kind === "put")?.key ?? "");
  const text = Buffer.from(record.value).toString("utf8");
  return /"kind":"([A-Za-z]+)"/.exec(text)?.[1] ?? "record";
}

/** The kind of key: `log`, `epoch`, `open`. */
function wordOf(key: string): string {
  const parts = key.split("/");
  return parts[0] === "jobs" ? (parts[2] ?? "job") || "job" : (parts[0] ?? "");
}

function storeFull(name: string): BicoastalError {
  return new BicoastalError("DISK_FULL", `The simulated store is full, it says to ${name}`, {
    retryable: true,
    details: { outcome: "unknown" },
  });
}

/** As a store that was set up to take less than others do. */
function tooLarge(name: string): BicoastalError {
  return new BicoastalError("STORE_REFUSED", `${name} is larger than the simulated store takes`, {
    details: { limit: "bytes", outcome: "failed" },
  });
}

function unavailable(name: string, outcome: "failed" | "unknown"): BicoastalError {
  return new BicoastalError("STORE_UNAVAILABLE", `The simulated store did not answer ${name}`, {
    retryable: true,
    details: { outcome },
  });
}
