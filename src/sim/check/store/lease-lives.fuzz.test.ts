import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Change, TxnRequest } from "../../../ports/control-store.ts";
import { MemoryStoreBackend } from "../../ports/memory-control-store.ts";
import { SimProcess } from "../../process.ts";
import { Scheduler } from "../../scheduler.ts";
import { checkLinearizable } from "../linear/linearizable.ts";
import { storeModelFor } from "./evidence.ts";
import { STORE, type StoreAnswer, type StoreCall, type StoreOperation } from "./store-model.ts";

const LEASES = ["1", "2", "3"];
const STEP = 10;
const TTL_MS = 1_000;

interface Command {
  readonly kind: "grant" | "keepAlive" | "revoke" | "expire" | "put" | "delete" | "get";
  readonly lease: string;
  readonly key: string;
  /** How long before it was done it was asked, and after it answered. */
  readonly before: number;
  readonly after: number;
  /** Nobody heard the answer. */
  readonly isLost: boolean;
}

const commands = fc.array(
  fc.record<Command>({
    kind: fc.constantFrom(
      "grant",
      "keepAlive",
      "keepAlive",
      "revoke",
      "expire",
      "put",
      "put",
      "delete",
      "get",
    ),
    lease: fc.constantFrom(...LEASES),
    key: fc.constantFrom("a", "b"),
    before: fc.integer({ min: 1, max: 3 * STEP }),
    after: fc.integer({ min: 1, max: 3 * STEP }),
    isLost: fc.constantFrom(false, false, false, true),
  }),
  { maxLength: 9 },
);

interface Played {
  readonly history: readonly StoreOperation[];
  readonly commits: ReadonlyMap<number, readonly Change[]>;
}

/** What the store says to each command, one after the other, whenever it was asked. */
function play(asked: readonly Command[]): Played {
  const backend = new MemoryStoreBackend(new SimProcess("store", new Scheduler()).clock);
  const history = asked.map((command, index): StoreOperation => {
    const at = (index + 1) * STEP;
    const [input, answer] = ask(backend, command);
    const isUnknown = command.kind === "expire" || (command.isLost && command.kind !== "grant");
    const output = isUnknown ? undefined : answer;
    const returnedAt = isUnknown ? Number.POSITIVE_INFINITY : at + command.after;
    return { input, output, calledAt: at - command.before, returnedAt };
  });
  const { firstRevision, commitsFrom } = backend.history();
  const commits = [...commitsFrom(firstRevision)];
  return { history, commits: new Map(commits.map(({ revision, changes }) => [revision, changes])) };
}

function ask(backend: MemoryStoreBackend, { kind, lease, key }: Command): readonly [StoreCall, StoreAnswer] {
  switch (kind) {
    case "grant":
      return [{ kind }, { kind: "lease", lease: backend.grantLease(TTL_MS) }];
    case "keepAlive":
      return [
        { kind, lease },
        { kind: "alive", alive: backend.keepAlive(lease) },
      ];
    case "revoke":
    case "expire":
      backend.revokeLease(lease);
      return [{ kind, lease }, { kind: "done" }];
    case "get": {
      const { entry, revision } = backend.get(key);
      return [
        { kind, key },
        { kind: "entries", entries: entry === undefined ? [] : [entry], revision, more: false },
      ];
    }
    case "put":
    case "delete": {
      const value = Buffer.from(lease);
      const op = kind === "put" ? ({ kind, key, value, lease } as const) : ({ kind, key } as const);
      const request: TxnRequest = { compare: [], success: [op] };
      const isGone = kind === "put" && !backend.leaseIds().includes(lease);
      if (isGone) return [{ kind: "txn", request }, { kind: "leaseGone" }];
      return [
        { kind: "txn", request },
        { kind: "txn", ...backend.txn(request) },
      ];
    }
  }
}

/** The other thing that could have been said of a lease, or the revision before this one. */
function contradicted(operation: StoreOperation): StoreOperation {
  const { output } = operation;
  if (output?.kind === "alive") return { ...operation, output: { ...output, alive: !output.alive } };
  if (output === undefined || !("revision" in output)) return operation;
  return { ...operation, output: { ...output, revision: output.revision - 1 } };
}

/** A lease whose grant was answered long after it ended. */
function endedUnheard(lease: string): readonly StoreOperation[] {
  const request: TxnRequest = {
    compare: [],
    success: [{ kind: "put", key: "a", value: Buffer.from(lease), lease }],
  };
  const unknown = { output: undefined, returnedAt: Number.POSITIVE_INFINITY };
  return [
    { input: { kind: "grant" }, output: { kind: "lease", lease }, calledAt: 0, returnedAt: 20 },
    { input: { kind: "expire", lease }, ...unknown, calledAt: 10 },
    { input: { kind: "txn", request }, ...unknown, calledAt: 21 },
    { input: { kind: "txn", request }, output: { kind: "leaseGone" }, calledAt: 25, returnedAt: 30 },
  ];
}

function readAt(revision: number, calledAt: number): StoreOperation {
  const output: StoreAnswer = { kind: "entries", entries: [], revision, more: false };
  return { input: { kind: "get", key: "a" }, output, calledAt, returnedAt: calledAt + 1 };
}

describe("what is known of each lease", () => {
  test("never speaks against what a store has said, whether its commits are known or not", () => {
    let ended = 0;
    fc.assert(
      fc.property(commands, (asked) => {
        const { history, commits } = play(asked);
        if (history.some(({ input, output }) => input.kind === "keepAlive" && output !== undefined)) ended++;
        expect(checkLinearizable(storeModelFor(history, commits), history).kind).toBe("linearizable");
        expect(checkLinearizable(storeModelFor(history, new Map()), history).kind).toBe("linearizable");
      }),
      { numRuns: 3_000 },
    );
    expect(ended).toBeGreaterThan(0);
  });

  test("changes no verdict on answers that may be wrong", () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(commands, fc.nat(), (asked, chosen) => {
        const { history } = play(asked);
        const told = history.map((operation, index) =>
          index === chosen % history.length ? contradicted(operation) : operation,
        );
        const { kind } = checkLinearizable(STORE, told);
        seen.add(kind);
        expect(checkLinearizable(storeModelFor(told, new Map()), told).kind).toBe(kind);
      }),
      { numRuns: 3_000 },
    );
    expect([...seen].sort()).toEqual(["linearizable", "violation"]);
  });

  test("tells at once that leases have ended of which nobody had heard yet, and that nothing was put under them", () => {
    const other: TxnRequest = {
      compare: [],
      success: [{ kind: "put", key: "b", value: Buffer.from("seen") }],
    };
    const put: StoreOperation = {
      input: { kind: "txn", request: other },
      output: { kind: "txn", succeeded: true, revision: 2, gets: [] },
      calledAt: 1,
      returnedAt: 2,
    };
    const entry = { key: "b", value: Buffer.from("seen"), createRevision: 2, modRevision: 2, version: 1 };
    const commits = new Map([[2, [{ kind: "put", entry: { ...entry, lease: undefined } } as const]]]);
    const leases = Array.from({ length: 30 }, (_, index) => endedUnheard(String(index))).flat();
    const judged = (last: StoreOperation, known: ReadonlyMap<number, readonly Change[]>): string => {
      const history = [put, ...leases, last];
      return checkLinearizable(storeModelFor(history, known), history, { stepsMax: 50_000 }).kind;
    };
    for (const known of [commits, new Map()]) {
      expect(judged(readAt(2, 40), known)).toBe("linearizable");
      expect(judged(readAt(1, 40), known)).toBe("violation");
    }
  });

  test("keeps the end of a lease for when it was granted", () => {
    const grant: StoreOperation = {
      input: { kind: "grant" },
      output: { kind: "lease", lease: "1" },
      calledAt: 3,
      returnedAt: 20,
    };
    const expire: StoreOperation = {
      input: { kind: "expire", lease: "1" },
      output: undefined,
      calledAt: 0,
      returnedAt: Number.POSITIVE_INFINITY,
    };
    const asked: StoreOperation = {
      input: { kind: "keepAlive", lease: "1" },
      output: { kind: "alive", alive: false },
      calledAt: 30,
      returnedAt: 31,
    };
    const ended = [readAt(1, 1), expire, grant, asked, readAt(1, 40)];
    expect(checkLinearizable(storeModelFor(ended, new Map()), ended).kind).toBe("linearizable");
    const went = ended.filter((operation) => operation !== expire);
    expect(checkLinearizable(storeModelFor(went, new Map()), went).kind).toBe("violation");
  });
});
