/** Random transactions, leases and watches on any control store, against a model that does the obvious. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { type StoreCluster, utf8 } from "./control-store.contract.ts";
import type { Change, Compare, ControlStore, Entry, LeaseId, Op, TxnRequest } from "./control-store.ts";
import { prefixEnd } from "./control-store.ts";

const RUNS = 60;
/** A store that cannot be given a clock takes half a second a run for its watches alone. */

/** The state, as a plain list of entries in no order, and every change ever made. */
class Model {
  entries: Entry[] = [];
  readonly commits: { readonly revision: number; readonly changes: readonly Change[] }[] = [];
  revision: number;

  constructor(revision: number) {
    this.revision = revision;
  }

  find(key: string): Entry | undefined {
    return this.entries.find((entry) => entry.key === key);
  }

  range(from: string, to: string): Entry[] {
    const [low, high] = [Buffer.from(from), Buffer.from(to)];
    const bytes = (entry: Entry): Buffer => Buffer.from(entry.key);
    return this.entries
      .filter((entry) => Buffer.compare(bytes(entry), low) >= 0 && Buffer.compare(bytes(entry), high) < 0)
      .sort((a, b) => Buffer.compare(bytes(a), bytes(b)));
  }

  txn({ compare, success, failure = [] }: TxnRequest) {
    const succeeded = compare.every((test) => this.#holds(test));
    const gets: (Entry | undefined)[] = [];
    const changes: Change[] = [];
    const modRevision = this.revision + 1;
    for (const op of succeeded ? success : failure) {
      if (op.kind === "get") gets.push(this.find(op.key));
      if (op.kind === "put") {
        const old = this.find(op.key);
        const { key, value, lease } = op;
        const createRevision = old === undefined ? modRevision : old.createRevision;
        const version = old === undefined ? 1 : old.version + 1;
        const entry = { key, value, createRevision, modRevision, version, lease };
        this.entries = [...this.entries.filter((other) => other !== old), entry];
        changes.push({ kind: "put", entry });
      }
      const doomed =
        op.kind === "delete"
          ? [this.find(op.key)]
          : op.kind === "deleteRange"
            ? this.range(op.from, op.to)
            : [];
      for (const entry of doomed) this.#remove(entry, changes, modRevision);
    }
    this.#commit(changes);
    return { succeeded, revision: this.revision, gets };
  }

  revoke(lease: LeaseId): void {
    const changes: Change[] = [];
    const held = this.range("", prefixEnd("")).filter((entry) => entry.lease === lease);
    for (const entry of held) this.#remove(entry, changes, this.revision + 1);
    this.#commit(changes);
  }

  #remove(entry: Entry | undefined, changes: Change[], modRevision: number): void {
    if (entry === undefined) return;
    this.entries = this.entries.filter((other) => other !== entry);
    changes.push({ kind: "delete", key: entry.key, modRevision });
  }

  #commit(changes: readonly Change[]): void {
    if (changes.length > 0) this.commits.push({ revision: ++this.revision, changes });
  }

  #holds(test: Compare): boolean {
    const entry = this.find(test.key);
    if (test.target === "value") {
      const same = entry !== undefined && Buffer.compare(entry.value, test.value) === 0;
      return entry !== undefined && same === (test.op === "=");
    }
    const actual = entry === undefined ? 0 : entry[test.target];
    if (test.op === "=") return actual === test.value;
    if (test.op === "!=") return actual !== test.value;
    return test.op === "<" ? actual < test.value : actual > test.value;
  }
}

type Step =
  | { readonly kind: "txn"; readonly client: number; readonly request: DrawnTxn }
  | { readonly kind: "grant" }
  | { readonly kind: "revoke"; readonly lease: number }
  | {
      readonly kind: "range";
      readonly client: number;
      readonly from: string;
      readonly to: string;
      readonly limit: number;
    }
  | {
      readonly kind: "watch";
      readonly client: number;
      readonly from: string;
      readonly to: string;
      readonly back: number;
    };

/** As a request, with leases by index and revisions counted back from now. */
interface DrawnTxn {
  readonly compare: readonly DrawnCompare[];
  readonly success: readonly DrawnOp[];
  readonly failure: readonly DrawnOp[];
}
type DrawnCompare = Compare & { readonly back: number };
type DrawnOp =
  | Exclude<Op, { kind: "put" }>
  | { readonly kind: "put"; readonly key: string; readonly value: Uint8Array; readonly leaseIndex: number };

const key = fc.constantFrom("a", "b", "ba", "b\uffff", "b\u{1f600}", "c", "\u00e9");
const value = fc.constantFrom("", "x", "y").map(utf8);
const bound = fc.constantFrom("", "a", "b", "b\uffff", "b\u{1f600}", "c", prefixEnd("b"), prefixEnd(""));
const op: fc.Arbitrary<DrawnOp> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("put"),
      key,
      value,
      leaseIndex: fc.integer({ min: -3, max: 3 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("delete"), key }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("deleteRange"), from: bound, to: bound }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("get"), key }) },
);
const back = fc.integer({ min: 0, max: 3 });
const compare: fc.Arbitrary<DrawnCompare> = fc.oneof(
  fc.record({ key, back, target: fc.constant("value"), op: fc.constantFrom("=", "!="), value }),
  fc.record({
    key,
    back,
    target: fc.constantFrom("version", "createRevision", "modRevision"),
    op: fc.constantFrom("=", "!=", "<", ">"),
    value: fc.integer({ min: 0, max: 3 }),
  }),
);
const branch = fc.array(op, { maxLength: 5 });
const client = fc.integer({ min: 0, max: 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant("txn"),
      client,
      request: fc.record({ compare: fc.array(compare, { maxLength: 2 }), success: branch, failure: branch }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("grant") }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("revoke"), lease: back }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("range"),
      client,
      from: bound,
      to: bound,
      limit: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("watch"),
      client,
      from: bound,
      to: bound,
      back: fc.integer({ min: 0, max: 5 }),
    }),
  },
);

/** Runs one list of steps on a new cluster. */
async function play(cluster: StoreCluster, steps: readonly Step[]): Promise<void> {
  const clients = [await cluster.connect(), await cluster.connect()] as [ControlStore, ControlStore];
  const { revision: start } = await clients[0].get("a");
  const model = new Model(start);
  const leases: LeaseId[] = [];
  const watches: { readonly seen: unknown[]; readonly expected: () => unknown[] }[] = [];
  for (const step of steps) {
    switch (step.kind) {
      case "grant":
        leases.push(await clients[0].grantLease(3_600_000));
        break;
      case "revoke": {
        const [lease] = leases.splice(step.lease, 1);
        if (lease === undefined) break;
        await clients[1].revokeLease(lease);
        model.revoke(lease);
        break;
      }
      case "range": {
        const expected = model.range(step.from, step.to);
        const { entries, revision, more } = await clients[step.client]!.range(step.from, step.to, {
          limit: step.limit,
        });
        expect(entries).toEqual(expected.slice(0, step.limit));
        expect([revision, more]).toEqual([model.revision, expected.length > step.limit]);
        break;
      }
      case "watch":
        watches.push(watch(clients[step.client]!, model, step, start));
        break;
      case "txn": {
        const request = requestOf(step.request, model, leases);
        if (!writesOnce(request)) {
          await expect(clients[step.client]!.txn(request)).rejects.toMatchObject({ code: "STORE_REFUSED" });
          break;
        }
        expect(await clients[step.client]!.txn(request)).toEqual(model.txn(request));
        break;
      }
    }
  }
  const { entries, revision } = await clients[0].range("", prefixEnd(""));
  expect(entries).toEqual(model.range("", prefixEnd("")));
  expect(revision).toBe(model.revision);
  await cluster.elapse(500);
  for (const { seen, expected } of watches) expect(seen).toEqual(expected());
}

function watch(store: ControlStore, model: Model, step: Step & { kind: "watch" }, start: number) {
  const fromRevision = Math.max(model.revision + 1 - step.back, start + 1);
  const seen: unknown[] = [];
  store.watch({ from: step.from, to: step.to, fromRevision }, (event) => void seen.push(event));
  const inRange = (change: Change): boolean => {
    const key = Buffer.from(change.kind === "put" ? change.entry.key : change.key);
    return Buffer.compare(key, Buffer.from(step.from)) >= 0 && Buffer.compare(key, Buffer.from(step.to)) < 0;
  };
  const expected = (): unknown[] =>
    model.commits
      .filter(({ revision }) => revision >= fromRevision)
      .map(({ revision, changes }) => ({ kind: "changes", revision, changes: changes.filter(inRange) }))
      .filter(({ changes }) => changes.length > 0);
  return { seen, expected };
}

function requestOf(drawn: DrawnTxn, model: Model, leases: readonly LeaseId[]): TxnRequest {
  const opOf = (op: DrawnOp): Op => {
    if (op.kind !== "put") return op;
    const lease = leases[op.leaseIndex];
    const { kind, key, value } = op;
    return lease === undefined ? { kind, key, value } : { kind, key, value, lease };
  };
  const compareOf = ({ back, ...compare }: DrawnCompare): Compare =>
    compare.target === "createRevision" || compare.target === "modRevision"
      ? { ...compare, value: back === 0 ? 0 : model.revision + 1 - back }
      : compare;
  const { compare, success, failure } = drawn;
  return { compare: compare.map(compareOf), success: success.map(opOf), failure: failure.map(opOf) };
}

function writesOnce({ success, failure = [] }: TxnRequest): boolean {
  return [success, failure].every((branch) => {
    const puts = branch.flatMap((op) => (op.kind === "put" ? [op.key] : []));
    const isDeleted = (key: string): boolean =>
      branch.some(
        (op) =>
          (op.kind === "delete" && op.key === key) ||
          (op.kind === "deleteRange" &&
            Buffer.compare(Buffer.from(op.from), Buffer.from(key)) <= 0 &&
            Buffer.compare(Buffer.from(key), Buffer.from(op.to)) < 0),
      );
    return new Set(puts).size === puts.length && !puts.some(isDeleted);
  });
}

export function controlStoreModelTest(name: string, makeCluster: () => Promise<StoreCluster>): void {
  test(`${name} does what a naive model does`, async () => {
    const property = fc.asyncProperty(fc.array(step, { maxLength: 30, size: "max" }), async (steps) => {
      const cluster = await makeCluster();
      try {
        await play(cluster, steps);
      } finally {
        await cluster.close();
      }
    });
    await fc.assert(property, { numRuns: RUNS });
  });
}
