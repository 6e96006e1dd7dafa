import { beforeEach, describe, expect, it } from "vitest";
import { type AttemptId, attemptKey, contentHash, epoch, type JobId, nodeId } from "../base/ids.ts";
import type { JobContext, TaskOutcome } from "../plan/task.ts";
import { ManualClock, turn } from "../ports/control-store.contract.ts";
import type { TaskObserver, TaskRequest, TaskRunner } from "../ports/task-runner.ts";
import type { DriverOrders, Message, WorkerPoll } from "../protocol/message.ts";
import { attemptOf, outputOf, SMALL_JOB } from "../sim/jobs/small-job.ts";
import { LocalHub } from "./local-hub.ts";
import { Worker } from "./worker.ts";

const HEARTBEAT_MS = 1_000;
const AHEAD_MS = 30;
const CONTEXT: JobContext = {
  job: SMALL_JOB,
  name: "small",
  params: {},
  constants: { seed: "s", submittedAtMs: 0, bundle: contentHash("0") },
  fingerprint: "f",
  joins: [],
  outputDirectories: [],
};

/** Attempts that end when the test says. */
class HandRunner implements TaskRunner {
  readonly slots = 2;
  readonly begun: string[] = [];
  readonly stopped: string[] = [];
  readonly #under = new Map<string, { end: (outcome: TaskOutcome) => void; observer: TaskObserver }>();

  room(): number {
    return this.slots - this.#under.size;
  }
  run({ assignment }: TaskRequest, observer: TaskObserver): Promise<TaskOutcome> {
    const key = attemptKey(assignment.attempt);
    this.begun.push(key);
    return new Promise((end) => this.#under.set(key, { end, observer }));
  }
  stop(_job: JobId, attempt: AttemptId): void {
    this.stopped.push(attemptKey(attempt));
  }
  async close(): Promise<void> {}
  observer(attempt: AttemptId): TaskObserver {
    return this.#under.get(attemptKey(attempt))!.observer;
  }
  async end(attempt: AttemptId, outcome?: TaskOutcome): Promise<void> {
    const { end } = this.#under.get(attemptKey(attempt))!;
    this.#under.delete(attemptKey(attempt));
    end(outcome ?? { kind: "finished", output: outputOf(attempt) });
    await turn();
  }
}

const [A, B, C] = [attemptOf(0, 0), attemptOf(0, 1), attemptOf(0, 2)];

describe("a worker", () => {
  let clock: ManualClock;
  let runner: HandRunner;
  let polls: WorkerPoll[];
  let seen: string[];
  let worker: Worker;

  beforeEach(async () => {
    clock = new ManualClock();
    runner = new HandRunner();
    polls = [];
    seen = [];
    const hub = new LocalHub<Message>();
    hub.join(nodeId("d")).receive((from, message) => {
      expect([from, message.kind]).toEqual(["w", "poll"]);
      polls.push(message as WorkerPoll);
    });
    worker = new Worker({
      job: SMALL_JOB,
      driver: () => nodeId("d"),
      incarnation: "i1",
      transport: hub.join(nodeId("w")),
      runner,
      clock,
      heartbeatMs: HEARTBEAT_MS,
      aheadMs: AHEAD_MS,
      observer: {
        onTaskProgress: (attempt, { rowsIn }) => seen.push(`${attemptKey(attempt)}: ${rowsIn} rows`),
        onTaskLog: (attempt, { message }) => seen.push(`${attemptKey(attempt)}: ${message}`),
        onTaskDropped: (attempt) => seen.push(`${attemptKey(attempt)} dropped`),
      },
    });
    worker.start();
    await turn();
  });

  const order = (
    orders: Partial<Record<"start" | "stop" | "forget", readonly AttemptId[]>>,
    changes: Partial<DriverOrders> = {},
  ) => {
    const { start = [], stop = [], forget = [] } = orders;
    worker.onOrders({
      kind: "orders",
      job: SMALL_JOB,
      epoch: epoch(1),
      holder: "first",
      incarnation: "i1",
      context: CONTEXT,
      start: start.map((attempt) => ({
        attempt,
        partitions: 3,
        broadcasts: [],
        sinkPartitions: [1],
        input: { kind: "split", split: { kind: "items", start: 0, end: 1 } },
      })),
      stop,
      forget,
      ...changes,
    });
  };
  const lastPoll = () => {
    const { seq, slots, running, ended } = polls.at(-1)!;
    return {
      seq,
      slots,
      running: running.map(attemptKey),
      ended: ended.map((end) => attemptKey(end.attempt)),
    };
  };

  it("tells of each attempt by which log it was given out, so that another driver can go on with it", async () => {
    order(
      {},
      {
        start: [7, 9].map((asOfSeq, partition) => ({
          attempt: attemptOf(0, partition),
          partitions: 3,
          broadcasts: [],
          sinkPartitions: [1],
          input: { kind: "split", split: { kind: "items", start: 0, end: 1 } },
          asOfSeq,
        })),
      },
    );
    await clock.advance(HEARTBEAT_MS);
    expect(polls.at(-1)!.runningAsOf).toEqual([7, 9]);
    await runner.end(attemptOf(0, 0));
    await turn();
    expect(polls.at(-1)).toMatchObject({ runningAsOf: [9], ended: [{ asOfSeq: 7 }] });
  });

  it("says at once that it is there, and again at every heartbeat, each time with a higher number", async () => {
    expect(polls).toMatchObject([
      { job: SMALL_JOB, incarnation: "i1", seq: 0, slots: 2, running: [], ended: [] },
    ]);
    await clock.advance(2 * HEARTBEAT_MS);
    expect(polls.map(({ seq }) => seq)).toEqual([0, 1, 2]);
  });

  it("runs what it is told to, and says so until the outcome is forgotten", async () => {
    order({ start: [A, B] });
    expect(runner.begun).toEqual(["s0.p0.e1.a0", "s0.p1.e1.a0"]);
    await clock.advance(HEARTBEAT_MS);
    expect(lastPoll()).toEqual({ seq: 1, slots: 2, running: ["s0.p0.e1.a0", "s0.p1.e1.a0"], ended: [] });
    await runner.end(A);
    // Not at the next heartbeat but now.
    expect(lastPoll()).toEqual({ seq: 2, slots: 2, running: ["s0.p1.e1.a0"], ended: ["s0.p0.e1.a0"] });
    expect(polls.at(-1)?.ended[0]?.outcome).toEqual({ kind: "finished", output: outputOf(A) });
    await clock.advance(HEARTBEAT_MS);
    expect(lastPoll().ended).toEqual(["s0.p0.e1.a0"]);
    order({ forget: [A] });
    await clock.advance(HEARTBEAT_MS);
    expect(lastPoll()).toEqual({ seq: 4, slots: 2, running: ["s0.p1.e1.a0"], ended: [] });
  });

  it("tells of all that ended in one turn with one poll", async () => {
    order({ start: [A, B] });
    const before = polls.length;
    await Promise.all([runner.end(A), runner.end(B)]);
    expect(polls.length - before).toBe(1);
    expect(lastPoll().ended).toEqual(["s0.p0.e1.a0", "s0.p1.e1.a0"]);
  });

  it("tells of an end once, and again at the heartbeat, to another driver, and to one that does not know", async () => {
    order({ start: [A, B] });
    await runner.end(A);
    await runner.end(B);
    expect(polls.slice(-2).map(({ ended }) => ended.map((end) => attemptKey(end.attempt)))).toEqual([
      ["s0.p0.e1.a0"],
      ["s0.p1.e1.a0"],
    ]);
    await clock.advance(HEARTBEAT_MS);
    expect(lastPoll().ended).toEqual(["s0.p0.e1.a0", "s0.p1.e1.a0"]);
    order({ start: [A] });
    await turn();
    expect(lastPoll().ended).toEqual(["s0.p0.e1.a0"]);
    order({}, { epoch: epoch(2) });
    await turn();
    expect(lastPoll().ended).toEqual(["s0.p0.e1.a0", "s0.p1.e1.a0"]);
  });

  it("takes tiny tasks ahead, runs them in order as there is room, and tells of many at once", async () => {
    const tiny = Array.from({ length: 12 }, (_, partition) => attemptOf(0, partition));
    // Two tasks in two milliseconds: thirty in the time that is looked ahead, and half of them are believed at first.
    order({ start: tiny.slice(0, 2) });
    await clock.advance(2);
    await Promise.all([runner.end(tiny[0]!), runner.end(tiny[1]!)]);
    expect(polls.at(-1)?.ahead).toBe(15);
    const before = polls.length;
    order({ start: tiny.slice(2) });
    expect(runner.begun).toHaveLength(4);
    for (const attempt of tiny.slice(2, 8)) await runner.end(attempt);
    expect(runner.begun).toEqual(tiny.slice(0, 10).map(attemptKey));
    // There is enough to do: what ended is told of a moment later, together.
    expect(polls).toHaveLength(before);
    await clock.advance(10);
    expect(lastPoll()).toMatchObject({ running: tiny.slice(8).map(attemptKey) });
    expect(lastPoll().ended).toEqual(tiny.slice(2, 8).map(attemptKey));
    // The last ones are told of at once, as there is nothing left to do.
    for (const attempt of tiny.slice(8, 11)) await runner.end(attempt);
    expect(lastPoll().ended).toEqual(tiny.slice(8, 11).map(attemptKey));
    expect(lastPoll().running).toEqual([tiny[11]!].map(attemptKey));
  });

  it("takes nothing ahead any more once a task took as long as all that is looked ahead", async () => {
    const tiny = Array.from({ length: 12 }, (_, partition) => attemptOf(0, partition));
    order({ start: tiny.slice(0, 2) });
    await clock.advance(2);
    await Promise.all([runner.end(tiny[0]!), runner.end(tiny[1]!)]);
    expect(polls.at(-1)?.ahead).toBe(15);
    order({ start: tiny.slice(2, 4) });
    await clock.advance(2 * AHEAD_MS);
    await runner.end(tiny[2]!);
    expect(polls.at(-1)?.ahead).toBe(0);
  });

  it("asked to report, tells at once of what ended, and says nothing where there is nothing to tell", async () => {
    const tiny = Array.from({ length: 8 }, (_, partition) => attemptOf(0, partition));
    order({ start: tiny.slice(0, 2) });
    await clock.advance(2);
    await Promise.all([runner.end(tiny[0]!), runner.end(tiny[1]!)]);
    order({ start: tiny.slice(2) });
    await runner.end(tiny[2]!);
    const before = polls.length;
    worker.report();
    await turn();
    expect(polls).toHaveLength(before + 1);
    expect(lastPoll().ended).toEqual([tiny[2]!].map(attemptKey));
    worker.report();
    await turn();
    expect(polls).toHaveLength(before + 1);
  });

  it("gives back what it took ahead and is told to stop, without having begun it", async () => {
    const tiny = Array.from({ length: 6 }, (_, partition) => attemptOf(0, partition));
    order({ start: tiny.slice(0, 2) });
    await clock.advance(2);
    await Promise.all([runner.end(tiny[0]!), runner.end(tiny[1]!)]);
    order({ start: tiny.slice(2) });
    order({ stop: [tiny[5]!] });
    await clock.advance(10);
    expect(polls.at(-1)?.ended).toEqual([{ attempt: tiny[5], outcome: { kind: "stopped" } }]);
    expect(runner.begun).toEqual(tiny.slice(0, 4).map(attemptKey));
    await runner.end(tiny[2]!);
    expect(runner.begun.at(-1)).toBe(attemptKey(tiny[4]!));
  });

  it("starts nothing twice, whether it runs, has ended or was forgotten", async () => {
    order({ start: [A] });
    order({ start: [A] });
    await runner.end(A);
    order({ start: [A] });
    order({ forget: [A] });
    order({ forget: [A] });
    order({ start: [A] });
    await turn();
    expect(runner.begun).toEqual(["s0.p0.e1.a0"]);
    // Another attempt of the same task is another thing.
    order({ start: [attemptOf(0, 0, 1)] });
    expect(runner.begun).toHaveLength(2);
  });

  it("takes no more than it has slots; what is left out it takes when it is told again", async () => {
    order({ start: [A, B, C] });
    expect(runner.begun).toHaveLength(2);
    await runner.end(A);
    expect(lastPoll().running).toEqual(["s0.p1.e1.a0"]);
    order({ start: [C] });
    expect(runner.begun.at(-1)).toBe("s0.p2.e1.a0");
  });

  it("stops what it is told to, and says so when it has really ended", async () => {
    order({ start: [A] });
    order({ stop: [A, B] });
    expect(runner.stopped).toEqual(["s0.p0.e1.a0", "s0.p1.e1.a0"]);
    await clock.advance(HEARTBEAT_MS);
    expect(lastPoll().running).toEqual(["s0.p0.e1.a0"]);
    await runner.end(A, { kind: "stopped" });
    expect(polls.at(-1)?.ended).toEqual([{ attempt: A, outcome: { kind: "stopped" } }]);
  });

  it("heeds no order for another start of it, nor of an earlier driver", async () => {
    order({ start: [A] }, { incarnation: "i0" });
    expect(runner.begun).toEqual([]);
    order({ start: [attemptOf(0, 0, 0, 2)] }, { epoch: epoch(2) });
    order({ start: [A], stop: [attemptOf(0, 0, 0, 2)], forget: [attemptOf(0, 0, 0, 2)] });
    expect(runner.begun).toEqual(["s0.p0.e2.a0"]);
    expect(runner.stopped).toEqual([]);
    await runner.end(attemptOf(0, 0, 0, 2));
    order({ forget: [attemptOf(0, 0, 0, 2)] });
    await clock.advance(HEARTBEAT_MS);
    expect(lastPoll().ended).toEqual(["s0.p0.e2.a0"]);
  });

  it("follows of one epoch only whose orders came first, and says whom it has followed", async () => {
    expect(polls.at(-1)?.terms).toEqual([]);
    order({ start: [A, B] });
    await runner.end(A);
    order({ start: [C], stop: [B], forget: [A] }, { holder: "other" });
    await clock.advance(HEARTBEAT_MS);
    expect([runner.begun.length, runner.stopped, lastPoll().ended]).toEqual([2, [], ["s0.p0.e1.a0"]]);
    expect(polls.at(-1)?.terms).toEqual([{ epoch: 1, holder: "first" }]);
    order({}, { epoch: epoch(2), holder: "other" });
    await clock.advance(HEARTBEAT_MS);
    expect(polls.at(-1)?.terms).toEqual([
      { epoch: 1, holder: "first" },
      { epoch: 2, holder: "other" },
    ]);
  });

  it("says no more whom it followed when nothing of that is left", async () => {
    order({ start: [A] });
    await runner.end(A);
    order({ forget: [A] }, { epoch: epoch(2), holder: "second" });
    order({}, { epoch: epoch(3), holder: "third" });
    await clock.advance(HEARTBEAT_MS);
    expect(polls.at(-1)?.terms).toEqual([{ epoch: 3, holder: "third" }]);
  });

  it("passes on what a task says of itself, and that it ended with nothing to show", async () => {
    order({ start: [A, B] });
    runner.observer(A).onProgress({ rowsIn: 5, bytesIn: 50 });
    runner.observer(B).onLog({ message: "hello", fields: undefined });
    await runner.end(A);
    await runner.end(B, { kind: "stopped" });
    expect(seen).toEqual(["s0.p0.e1.a0: 5 rows", "s0.p1.e1.a0: hello", "s0.p1.e1.a0 dropped"]);
  });

  it("that is closed stops what runs, and neither speaks nor listens any more", async () => {
    order({ start: [A] });
    worker.close();
    expect(runner.stopped).toEqual(["s0.p0.e1.a0"]);
    const before = polls.length;
    await runner.end(A, { kind: "stopped" });
    order({ start: [B] });
    await clock.advance(10 * HEARTBEAT_MS);
    expect([polls.length - before, runner.begun.length, clock.timers]).toEqual([0, 1, 0]);
  });
});
