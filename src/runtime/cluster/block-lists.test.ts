import { describe, expect, it } from "vitest";
import { contentHash, epoch, jobId, nodeId, stageId } from "../../base/ids.ts";
import type { BlockRef, TaskAssignment } from "../../plan/task.ts";
import type { DriverOrders, Term } from "../../protocol/message.ts";
import { KnownLists, SentLists } from "./block-lists.ts";

const JOB = jobId("words-1");
const TERM: Term = { epoch: epoch(3), holder: "one 12" };
const A = nodeId("a");
const B = nodeId("b");
const blocks = (...keys: readonly string[]): readonly BlockRef[] =>
  keys.map((key) => ({ key, bytes: 1, checksum: 0 }));
const FIRST = blocks("k0", "k1");
const SECOND = blocks("k2");

const assignment = (partition: number, lists: readonly (readonly BlockRef[])[]): TaskAssignment => ({
  attempt: { stage: stageId(2), partition, epoch: TERM.epoch, attempt: 0 },
  partitions: 4,
  sinkPartitions: [1],
  input: {
    kind: "blocks",
    sides: [lists.map((list, stage) => ({ stage: stageId(stage), sink: 0, blocks: list }))],
  },
  broadcasts: [[{ stage: stageId(0), sink: 1, blocks: FIRST }]],
});
const orders = (...start: readonly TaskAssignment[]): DriverOrders => ({
  kind: "orders",
  job: JOB,
  ...TERM,
  incarnation: "one",
  context: {
    job: JOB,
    name: "words",
    params: {},
    constants: { seed: "s", submittedAtMs: 0, bundle: contentHash("0") },
    fingerprint: "f",
    joins: [],
    outputDirectories: [],
  },
  start,
  stop: [],
  forget: [],
});

describe("lists of blocks by name", () => {
  it("go to a worker once, and the orders come out as they were", () => {
    const sent = new SentLists(JOB, TERM);
    const known = new KnownLists(JOB);
    const first = orders(assignment(0, [FIRST, SECOND]));
    const wire = sent.list(A, first);
    expect(Object.values(wire.lists)).toEqual([FIRST, SECOND]);
    expect(known.onOrders(wire)).toEqual(first);

    const next = orders(assignment(1, [FIRST, SECOND]), assignment(2, [SECOND]));
    const nextWire = sent.list(A, next);
    expect(nextWire.lists).toEqual({});
    expect(known.onOrders(nextWire)).toEqual(next);
  });

  it("go to another worker, or to one that was started again, as well", () => {
    const sent = new SentLists(JOB, TERM);
    sent.list(A, orders(assignment(0, [FIRST])));
    expect(Object.keys(sent.list(B, orders(assignment(1, [FIRST]))).lists)).toHaveLength(1);
    const again = { ...orders(assignment(2, [FIRST])), incarnation: "two" };
    expect(Object.keys(sent.list(A, again).lists)).toHaveLength(1);
  });

  it("that were lost are asked for, and the orders wait", () => {
    const sent = new SentLists(JOB, TERM);
    const known = new KnownLists(JOB);
    sent.list(A, orders(assignment(0, [FIRST])));
    const second = orders(assignment(1, [FIRST, SECOND]));
    const wanted = known.onOrders(sent.list(A, second));
    if (wanted.kind !== "listsWanted") throw new Error("nothing was asked for");
    expect(wanted.names).toHaveLength(1);
    expect(known.onLists(sent.give(wanted))).toEqual([second]);
  });

  it("have another name when a block of them is another", () => {
    const sent = new SentLists(JOB, TERM);
    const before = sent.list(A, orders(assignment(0, [SECOND])));
    const after = sent.list(A, orders(assignment(0, [blocks("k3")])));
    expect(Object.keys(after.lists)).toHaveLength(1);
    expect(Object.keys(before.lists)).not.toContain(Object.keys(after.lists)[0]);
  });

  it("have another name with another driver of the same epoch", () => {
    const name = (holder: string): string =>
      Object.keys(new SentLists(JOB, { ...TERM, holder }).list(A, orders(assignment(0, [SECOND]))).lists)[0]!;
    expect(name("one 12")).not.toBe(name("one 13"));
  });

  it("are forgotten one day, and then sent again where they are still used", () => {
    const sent = new SentLists(JOB, TERM);
    const known = new KnownLists(JOB);
    const old = orders(assignment(0, [SECOND]));
    expect(known.onOrders(sent.list(A, old))).toEqual(old);
    for (let i = 0; i < 1_000; i++) {
      const other = orders(assignment(i, [blocks(`other${i}`)]));
      expect(known.onOrders(sent.list(A, other))).toEqual(other);
    }
    expect(known.onOrders(sent.list(A, old))).toEqual(old);
  });
});
