/** A driver that takes over goes on with what the nodes still do for the one before it, where that still counts. */
import { describe, expect, test } from "vitest";
import { assert } from "../base/assert.ts";
import { type AttemptId, attemptKey, epoch, type NodeId, nodeId } from "../base/ids.ts";
import type { JobPolicy } from "../protocol/job-spec.ts";
import type { LogEvent, LogRecord } from "../protocol/log-event.ts";
import type { EndedAttempt, Term } from "../protocol/message.ts";
import {
  attemptOf,
  completionOf,
  FIRST_HOLDER,
  outputOf,
  SMALL_JOB,
  smallLog,
  smallSpec,
} from "../sim/jobs/small-job.ts";
import { JobDriver } from "./driver.ts";
import type { DriverEffect } from "./effect.ts";
import type { DriverEvent } from "./event.ts";
import { JobState } from "./job-state.ts";

const [A, B] = [nodeId("a"), nodeId("b")];
const WAIT_MS = 50;
const FIRST: readonly Term[] = [{ epoch: epoch(1), holder: FIRST_HOLDER }];
const MAPS = [completionOf(attemptOf(0, 0)), completionOf(attemptOf(0, 1))];

interface Told {
  readonly running?: readonly AttemptId[];
  readonly ended?: readonly EndedAttempt[];
  /** Of what runs. Default: the log as it was when the second epoch began. */
  readonly asOfSeq?: number | undefined;
  /** Whose orders it has followed. Default: the first driver's. */
  readonly terms?: readonly Term[];
}

/** The driver of epoch 2, whose effects are short texts. */
class Successor {
  readonly driver: JobDriver;
  readonly #taken: number;
  #seq = 0;
  #appended = -1;

  /** @param events What the first driver had logged, one a record. */
  constructor(
    events: readonly LogEvent[],
    { workers = [A, B], policy = {} }: { workers?: readonly NodeId[]; policy?: Partial<JobPolicy> } = {},
  ) {
    const log = smallLog(...events);
    this.#taken = log.length;
    const taken: LogEvent = { kind: "epochStarted", epoch: epoch(2), driver: B, atMs: 0, holder: "second" };
    const record: LogRecord = { version: 1, seq: log.length, epoch: epoch(2), events: [taken] };
    const plain = smallSpec();
    const spec = { ...plain, policy: { ...plain.policy, ...policy } };
    this.driver = new JobDriver(JobState.replay(spec, [...log, record]), {
      workerLeaseMs: 1_000,
      muster: { workers, waitMs: WAIT_MS },
    });
    this.tell({ kind: "driverStarted" });
  }

  tell(event: DriverEvent): readonly string[] {
    const effects = this.driver.step(event, 0, 0);
    this.driver.checkInvariants();
    for (const effect of effects) if (effect.kind === "appendRecord") this.#appended = effect.record.seq;
    return effects.flatMap(short);
  }
  poll(worker: NodeId, { running = [], ended = [], terms = FIRST, ...told }: Told = {}): readonly string[] {
    const asOfSeq = "asOfSeq" in told ? told.asOfSeq : this.#taken;
    const poll = {
      kind: "poll",
      job: SMALL_JOB,
      incarnation: "i",
      seq: this.#seq++,
      slots: 1,
      ahead: 0,
      running,
      ...(asOfSeq === undefined ? {} : { runningAsOf: running.map(() => asOfSeq) }),
      ended,
      terms,
    } as const;
    return this.tell({ kind: "workerPolled", worker, poll });
  }
  finished(attempt: AttemptId, asOfSeq = this.#taken): EndedAttempt {
    return { attempt, outcome: { kind: "finished", output: outputOf(attempt) }, asOfSeq };
  }
  confirm(): readonly string[] {
    return this.tell({ kind: "recordAppended", seq: this.#appended });
  }
}

function short(effect: DriverEffect): readonly string[] {
  switch (effect.kind) {
    case "sendOrders": {
      const { worker, start, stop, forget } = effect;
      return [
        ...start.map(({ attempt }) => `${worker} starts ${attemptKey(attempt)}`),
        ...stop.map((attempt) => `${worker} stops ${attemptKey(attempt)}`),
        ...forget.map((attempt) => `${worker} forgets ${attemptKey(attempt)}`),
      ];
    }
    case "appendRecord":
      return effect.record.events.map((event) => {
        assert(event.kind === "taskCompleted", "nothing else is logged here");
        return `log ${attemptKey(event.attempt)}`;
      });
    case "note":
      return effect.note.kind === "attemptAdopted" ? [`adopts ${attemptKey(effect.note.attempt)}`] : [];
    case "setTimer":
    case "clearTimer":
      return /^(muster|timeout)/.test(effect.timer) ? [`${effect.kind} ${effect.timer}`] : [];
    default:
      return [effect.kind];
  }
}

describe("a driver that takes over", () => {
  test("gives out only what nobody turns out to run, and logs what runs under its own name", () => {
    const next = new Successor([]);
    expect(next.poll(A, { running: [attemptOf(0, 0)] })).toEqual(["adopts s0.p0.e1.a0"]);
    expect(next.poll(B)).toEqual(["clearTimer muster", "b starts s0.p1.e2.a0"]);
    expect(next.poll(A, { ended: [next.finished(attemptOf(0, 0))] })).toEqual(["log s0.p0.e1.a0"]);
    expect(next.confirm()).toEqual(["a forgets s0.p0.e1.a0"]);
    expect(next.poll(B, { ended: [next.finished(attemptOf(0, 1, 0, 2))] })).toEqual(["log s0.p1.e2.a0"]);
    expect(next.confirm()).toEqual(["a starts s1.p0.e2.a0", "b forgets s0.p1.e2.a0"]);
  });

  test("takes on nothing that is known to have failed, whoever says late that it runs", () => {
    const next = new Successor([]);
    const error = { code: "THREAD_DIED", message: "gone", retryable: true, details: {} } as const;
    const failed = { kind: "failed", error, lostBlocks: [] } as const;
    next.poll(A, { running: [attemptOf(0, 0)] });
    next.poll(A, { ended: [{ attempt: attemptOf(0, 0), outcome: failed, asOfSeq: 0 }] });
    expect(next.poll(A, { running: [attemptOf(0, 0)] })).toEqual(["a stops s0.p0.e1.a0"]);
  });

  test("takes what ended while nobody drove as if it had ended just now", () => {
    const next = new Successor([]);
    expect(next.poll(A, { ended: [next.finished(attemptOf(0, 1))] })).toEqual([
      "adopts s0.p1.e1.a0",
      "log s0.p1.e1.a0",
    ]);
    expect(next.poll(B)).toEqual(["clearTimer muster", "a starts s0.p0.e2.a0"]);
  });

  test("leaves what failed for the driver before it to that one", () => {
    const next = new Successor([]);
    const error = { code: "USER_FUNCTION", message: "boom", retryable: false, details: {} } as const;
    const outcome = { kind: "failed", error, lostBlocks: [] } as const;
    expect(next.poll(A, { ended: [{ attempt: attemptOf(0, 0), outcome, asOfSeq: 2 }] })).toEqual([
      "a forgets s0.p0.e1.a0",
    ]);
  });

  test("waits no longer for workers that say nothing", () => {
    const next = new Successor([]);
    expect(next.poll(A)).toEqual([]);
    expect(next.tell({ kind: "timerFired", timer: "muster" })).toEqual(["a starts s0.p0.e2.a0"]);
  });

  test("waits for nobody where there is nobody", () => {
    expect(new Successor([], { workers: [] }).poll(A)).toEqual(["a starts s0.p0.e2.a0"]);
  });

  test("lets what it hears of too late run beside its own attempt: the first that ends counts", () => {
    const next = new Successor([], { workers: [] });
    next.poll(A);
    expect(next.poll(B, { running: [attemptOf(0, 0)] })).toEqual(["adopts s0.p0.e1.a0"]);
    next.poll(B, { ended: [next.finished(attemptOf(0, 0))] });
    expect(next.confirm()).toEqual(["a stops s0.p0.e2.a0", "b forgets s0.p0.e1.a0"]);
  });

  test("lets no third attempt run beside two", () => {
    const next = new Successor([], { workers: [A, B, nodeId("c")] });
    next.poll(A, { running: [attemptOf(0, 0, 0)] });
    expect(next.poll(B, { running: [attemptOf(0, 0, 1)] })).toEqual(["adopts s0.p0.e1.a1"]);
    expect(next.poll(nodeId("c"), { running: [attemptOf(0, 0, 2)] })).toEqual([
      "c stops s0.p0.e1.a2",
      "clearTimer muster",
    ]);
  });

  test("takes what had waited for a worker out of the queue", () => {
    const next = new Successor([], { workers: [] });
    expect(next.poll(A, { running: [attemptOf(0, 0)] })).toEqual(["adopts s0.p0.e1.a0"]);
    expect(next.poll(B)).toEqual(["b starts s0.p1.e2.a0"]);
    expect(next.poll(nodeId("c"))).toEqual([]);
  });

  test("gives what it adopted its whole time, and stops it then", () => {
    const next = new Successor([], { policy: { taskTimeoutMs: 7 } });
    expect(next.poll(A, { running: [attemptOf(0, 0)] })).toContain("setTimer timeout/s0.p0.e1.a0");
    expect(next.tell({ kind: "timerFired", timer: "timeout/s0.p0.e1.a0" })).toEqual(["a stops s0.p0.e1.a0"]);
  });

  test("begins anew what its worker does not tell of any more, and never orders it under the former name", () => {
    const next = new Successor([], { workers: [] });
    next.poll(A, { running: [attemptOf(0, 0)] });
    expect(next.poll(A)).toEqual(["a starts s0.p0.e2.a0"]);
    // It had ended, and the message that said so was lost.
    expect(
      next.poll(A, { running: [attemptOf(0, 0, 0, 2)], ended: [next.finished(attemptOf(0, 0))] }),
    ).toEqual(["adopts s0.p0.e1.a0", "log s0.p0.e1.a0"]);
    expect(next.confirm()).toEqual(["a stops s0.p0.e2.a0", "a forgets s0.p0.e1.a0"]);
  });
});

describe("what an earlier driver gave out is stopped", () => {
  const reducer = attemptOf(1, 0);

  test("where its inputs stand as they stood it goes on", () => {
    const next = new Successor(MAPS);
    expect(next.poll(A, { running: [reducer], asOfSeq: 4 })).toEqual(["adopts s1.p0.e1.a0"]);
  });

  test.each([
    ["that is another driver's of the same epoch", [{ epoch: epoch(1), holder: "another" }]],
    ["of which nobody says whose it is", []],
  ])("%s", (_, terms) => {
    const next = new Successor(MAPS);
    expect(next.poll(A, { running: [reducer], asOfSeq: 4, terms })).toEqual(["a stops s1.p0.e1.a0"]);
    const ended = [next.finished(reducer, 4)];
    expect(next.poll(B, { ended, terms })).toContain("b forgets s1.p0.e1.a0");
  });

  test("where nobody says what it reads", () => {
    const next = new Successor(MAPS);
    expect(next.poll(A, { running: [reducer], asOfSeq: undefined })).toEqual(["a stops s1.p0.e1.a0"]);
  });

  test.each([
    ["were not all there as it says", MAPS, 3],
    ["are not there", MAPS.slice(1), 3],
    ["are from a log that there is not", MAPS, 6],
  ])("where its inputs %s", (_, events, asOfSeq) => {
    const next = new Successor(events);
    expect(next.poll(A, { running: [reducer], asOfSeq })).toEqual(["a stops s1.p0.e1.a0"]);
  });

  test("where its inputs were lost, and when they were made again as well", () => {
    const lost: LogEvent = { kind: "outputLost", attempt: attemptOf(0, 0) };
    const made = completionOf(attemptOf(0, 0, 1));
    for (const events of [
      [...MAPS, lost],
      [...MAPS, lost, made],
    ]) {
      const next = new Successor(events);
      expect(next.poll(A, { running: [reducer], asOfSeq: 4 })).toEqual(["a stops s1.p0.e1.a0"]);
      const ended = new Successor(events);
      expect(ended.poll(A, { ended: [ended.finished(reducer, 4)] })).toEqual(["a forgets s1.p0.e1.a0"]);
    }
    // Of what was given out after that, nothing has changed.
    const next = new Successor([...MAPS, lost, made]);
    expect(next.poll(A, { running: [reducer], asOfSeq: 6 })).toEqual(["adopts s1.p0.e1.a0"]);
  });

  test("where its task is complete, or it was what counted until its output was lost", () => {
    const [map] = MAPS;
    const lost: LogEvent = { kind: "outputLost", attempt: attemptOf(0, 0) };
    for (const events of [[map!], [map!, lost]]) {
      const next = new Successor(events);
      expect(next.poll(A, { ended: [next.finished(attemptOf(0, 0))] })).toEqual(["a forgets s0.p0.e1.a0"]);
      expect(next.poll(A, { running: [attemptOf(0, 0)] })).toEqual(["a stops s0.p0.e1.a0"]);
    }
  });

  test("where it is of no such task, or of this driver's own or a later epoch", () => {
    const next = new Successor([]);
    for (const attempt of [attemptOf(0, 2), attemptOf(2, 0), attemptOf(0, 0, 0, 2), attemptOf(0, 0, 0, 3)])
      expect(next.poll(A, { running: [attempt] })).toEqual([`a stops ${attemptKey(attempt)}`]);
  });

  test("where the job is ending", () => {
    const next = new Successor([]);
    const spoken = () => next.poll(A, { running: [attemptOf(0, 0)] });
    expect(spoken()).toEqual(["adopts s0.p0.e1.a0"]);
    next.driver.step({ kind: "cancelRequested", reason: "enough" }, 0, 0);
    expect(spoken()).toEqual(["a stops s0.p0.e1.a0"]);
  });
});
