import { describe, expect, test } from "vitest";
import { contentHash, epoch, jobId, type NodeId, nodeId, stageId } from "../base/ids.ts";
import type { TaskOutcome, TaskOutput } from "../plan/task.ts";
import { encodeRecord } from "../protocol/codec.ts";
import type { JobPolicy, JobSpec, StageShape } from "../protocol/job-spec.ts";
import type { LogRecord } from "../protocol/log-event.ts";
import type { EndedAttempt, Term } from "../protocol/message.ts";
import { JobDriver } from "./driver.ts";
import type { DriverEffect } from "./effect.ts";
import type { DriverEvent } from "./event.ts";
import { JobState } from "./job-state.ts";

const JOB = jobId("job-1");
const WORKER = nodeId("worker");

/** Two map tasks, then one reduce task. */
const STAGES: readonly StageShape[] = [
  {
    id: stageId(0),
    label: "map",
    tasks: 2,
    dependsOn: [],
    input: { kind: "source", sourceIndex: 0 },
    broadcasts: [],
    sinkPartitions: [1],
  },
  {
    id: stageId(1),
    label: "reduce",
    tasks: 1,
    dependsOn: [stageId(0)],
    input: { kind: "shuffle", sides: [[{ stage: stageId(0), sink: 0 }]] },
    broadcasts: [],
    sinkPartitions: [1],
  },
];
const POLICY: JobPolicy = {
  attemptsMax: 2,
  taskTimeoutMs: undefined,
  retryDelayMs: 100,
  retryDelayMsMax: 1_000,
};

function spec(policy: Partial<JobPolicy> = {}): JobSpec {
  return {
    version: 1,
    id: JOB,
    name: "job",
    params: {},
    constants: { seed: "s", submittedAtMs: 0, bundle: contentHash("0") },
    fingerprint: "f",
    joins: [],
    stages: STAGES,
    ends: [],
    shape: "single",
    splits: [
      [
        { kind: "items", start: 0, end: 1 },
        { kind: "items", start: 1, end: 2 },
      ],
    ],
    policy: { ...POLICY, ...policy },
  };
}

const begun: readonly LogRecord[] = [
  {
    version: 1,
    seq: 0,
    epoch: epoch(0),
    events: [{ kind: "submitted", job: JOB, spec: contentHash("1"), atMs: 0 }],
  },
  {
    version: 1,
    seq: 1,
    epoch: epoch(1),
    events: [{ kind: "epochStarted", epoch: epoch(1), driver: nodeId("d"), atMs: 0 }],
  },
];

/** A driver with a worker of so many slots, whose effects are collected as short texts. */
class Bench {
  readonly driver: JobDriver;
  nowMs = 0;
  #seq = 0;
  slots: number;
  ahead = 0;
  region: string | undefined;
  /** Whose orders the workers have followed. */
  terms: readonly Term[] = [];
  running: string[] = [];
  readonly appended: LogRecord[] = [];

  constructor(
    options: {
      readonly policy?: Partial<JobPolicy>;
      readonly slots?: number;
      readonly records?: readonly LogRecord[];
      readonly stages?: readonly StageShape[];
      readonly splits?: JobSpec["splits"];
    } = {},
  ) {
    const plain = spec(options.policy);
    const of = { ...plain, stages: options.stages ?? STAGES, splits: options.splits ?? plain.splits };
    const state = JobState.replay(of, options.records ?? begun);
    this.driver = new JobDriver(state, { workerLeaseMs: 1_000 });
    this.slots = options.slots ?? 2;
  }

  step(event: DriverEvent): readonly DriverEffect[] {
    const effects = this.driver.step(event, this.nowMs, this.nowMs);
    this.driver.checkInvariants();
    for (const effect of effects) if (effect.kind === "appendRecord") this.appended.push(effect.record);
    return effects;
  }
  tell(event: DriverEvent): readonly string[] {
    return this.step(event).map(short);
  }
  start(): readonly string[] {
    return this.tell({ kind: "driverStarted" });
  }
  poll(
    running: readonly string[],
    ended: readonly EndedAttempt[] = [],
    incarnation = "i1",
    worker: NodeId = WORKER,
  ): readonly string[] {
    const poll = {
      kind: "poll" as const,
      job: JOB,
      incarnation,
      ...(this.region === undefined ? {} : { region: this.region }),
      seq: this.#seq++,
      slots: this.slots,
      ahead: this.ahead,
      running: running.map(attempt),
      ended,
      terms: this.terms,
    };
    return this.tell({ kind: "workerPolled", worker, poll });
  }
  confirm(): readonly string[] {
    return this.tell({ kind: "recordAppended", seq: this.appended.at(-1)!.seq });
  }
}

/** `1.0.e1.a0`: stage, partition, epoch, attempt. */
function attempt(text: string) {
  const [stage, partition, of, number] = text.replace(/[ea]/g, "").split(".").map(Number);
  return { stage: stageId(stage!), partition: partition!, epoch: epoch(of!), attempt: number! };
}

function output(key: string): TaskOutput {
  return {
    block: { key, bytes: 1, checksum: 1 },
    files: [],
    rowsIn: 1,
    bytesIn: 1,
    sinkRows: [1],
    counters: {},
  };
}
const finished = (id: string): EndedAttempt => ({
  attempt: attempt(id),
  outcome: { kind: "finished", output: output(id) },
});
const failed = (id: string, retryable = true, lostBlocks: readonly string[] = []): EndedAttempt => {
  const outcome: TaskOutcome = {
    kind: "failed",
    error: { code: "USER_FUNCTION", message: "boom", retryable, details: {} },
    lostBlocks,
  };
  return { attempt: attempt(id), outcome };
};

const name = (id: ReturnType<typeof attempt>): string =>
  `${id.stage}.${id.partition}.e${id.epoch}.a${id.attempt}`;

function short(effect: DriverEffect): string {
  switch (effect.kind) {
    case "appendRecord":
      return `append ${effect.record.seq}: ${effect.record.events.map((event) => event.kind + ("attempt" in event && event.attempt !== undefined ? ` ${name(event.attempt)}` : "")).join(", ")}`;
    case "sendOrders": {
      const start = effect.start.map((task) => `start ${name(task.attempt)}`);
      const stop = effect.stop.map((id) => `stop ${name(id)}`);
      const forget = effect.forget.map((id) => `forget ${name(id)}`);
      return `${effect.worker}: ${[...start, ...stop, ...forget].join(", ")}`;
    }
    case "setTimer":
      return `timer ${effect.timer} in ${effect.delayMs}`;
    case "clearTimer":
      return `no timer ${effect.timer}`;
    case "commitOutputs":
      return `commit ${effect.outputs.length} outputs`;
    case "standAside":
      return `stand aside above ${effect.above}`;
    case "endJob":
      return `end ${effect.outcome.kind}`;
    case "note":
      return `note ${effect.note.kind}`;
  }
}

/** Brings the job to where only the reduce task is missing, and running. */
function atReduce(options: ConstructorParameters<typeof Bench>[0] = {}): Bench {
  const bench = new Bench(options);
  bench.start();
  bench.poll([]);
  bench.poll([], [finished("0.0.e1.a0"), finished("0.1.e1.a0")]);
  bench.confirm();
  return bench;
}

describe("an undisturbed job", () => {
  test("logs each completion before it counts, unlocks the next stage, commits once", () => {
    const bench = new Bench();
    expect(bench.start()).toEqual([]);
    expect(bench.poll([])).toEqual([
      "timer worker/worker/i1 in 1000",
      "worker: start 0.0.e1.a0, start 0.1.e1.a0",
    ]);
    expect(bench.poll(["0.1.e1.a0"], [finished("0.0.e1.a0")])).toEqual(["append 2: taskCompleted 0.0.e1.a0"]);
    // What ends while a record is on its way goes with the next.
    expect(bench.poll([], [finished("0.0.e1.a0"), finished("0.1.e1.a0")])).toEqual([]);
    expect(bench.confirm()).toEqual([
      "note taskCompleted",
      "worker: forget 0.0.e1.a0",
      "append 3: taskCompleted 0.1.e1.a0",
    ]);
    expect(bench.confirm()).toEqual(["note taskCompleted", "worker: start 1.0.e1.a0, forget 0.1.e1.a0"]);
    expect(bench.poll([], [finished("1.0.e1.a0")])).toEqual(["append 4: taskCompleted 1.0.e1.a0"]);
    expect(bench.confirm()).toEqual(["note taskCompleted", "commit 3 outputs", "worker: forget 1.0.e1.a0"]);
    expect(bench.tell({ kind: "outputsCommitted" })).toEqual(["append 5: committed"]);
    expect(bench.confirm()).toEqual(["end committed"]);
    expect(bench.poll([])).toEqual([]);
  });

  test("puts no more into one record than the store takes at a time", () => {
    const bench = new Bench();
    const large = (id: string): EndedAttempt => {
      const counters = Object.fromEntries(
        Array.from({ length: 1_000 }, (_, i) => [`${i}`.padEnd(100, "日"), 1.234567890123456e300]),
      );
      return { attempt: attempt(id), outcome: { kind: "finished", output: { ...output(id), counters } } };
    };
    bench.start();
    bench.poll([]);
    expect(bench.poll([], [large("0.0.e1.a0"), large("0.1.e1.a0")])).toEqual([
      "append 2: taskCompleted 0.0.e1.a0",
    ]);
    expect(bench.confirm()).toContain("append 3: taskCompleted 0.1.e1.a0");
    for (const record of bench.appended) expect(encodeRecord(record).length).toBeLessThan(1024 * 1024);
  });

  test("gives a reduce task the blocks of its producers in partition order, whatever order they came in", () => {
    const bench = new Bench();
    bench.start();
    bench.poll([]);
    bench.poll([], [finished("0.1.e1.a0"), finished("0.0.e1.a0")]);
    const effects = bench.step({ kind: "recordAppended", seq: 2 });
    const orders = effects.find((effect) => effect.kind === "sendOrders" && effect.start.length > 0);
    expect(orders).toMatchObject({
      start: [
        {
          input: {
            kind: "blocks",
            sides: [[{ stage: 0, sink: 0, blocks: [{ key: "0.0.e1.a0" }, { key: "0.1.e1.a0" }] }]],
          },
        },
      ],
    });
  });

  test("replaying the log gives the live state, and a new driver goes on from there (S3)", () => {
    const bench = atReduce();
    const takeOver: LogRecord = {
      version: 1,
      seq: 3,
      epoch: epoch(2),
      events: [{ kind: "epochStarted", epoch: epoch(2), driver: nodeId("d2"), atMs: 9 }],
    };
    const next = new Bench({ records: [...begun, ...bench.appended, takeOver] });
    expect([...next.driver.state.outputs()]).toEqual([...bench.driver.state.outputs()]);
    next.start();
    expect(next.poll([])).toEqual(["timer worker/worker/i1 in 1000", "worker: start 1.0.e2.a0"]);
  });
});

describe("messages that are lost, doubled, late or of another time", () => {
  test("an order that got lost is given again with the next poll", () => {
    const bench = new Bench();
    bench.start();
    bench.poll([]);
    expect(bench.poll(["0.1.e1.a0"])).toEqual(["worker: start 0.0.e1.a0"]);
  });

  describe("a worker that follows another driver", () => {
    const begunBy: readonly LogRecord[] = begun.map((record) => ({
      ...record,
      events: record.events.map((event) =>
        event.kind === "epochStarted" ? { ...event, holder: "this one" } : event,
      ),
    }));
    const own = { epoch: epoch(1), holder: "this one" };

    test.each([
      ["of this very epoch", [{ epoch: epoch(1), holder: "another" }], 1],
      ["of a later epoch", [own, { epoch: epoch(4), holder: "another" }], 4],
    ])("%s has this one stand aside, and do nothing more", (_, terms, above) => {
      const bench = new Bench({ records: begunBy });
      bench.start();
      bench.poll([]);
      bench.poll([], [finished("0.0.e1.a0")]);
      bench.terms = terms;
      expect(bench.poll([], [finished("0.1.e1.a0")])).toEqual([`stand aside above ${above}`]);
      expect(bench.confirm()).toEqual([]);
      bench.terms = [];
      expect(bench.poll([])).toEqual([]);
    });

    test("of an earlier epoch, or this one, changes nothing", () => {
      const bench = new Bench({ records: begunBy });
      bench.start();
      bench.terms = [{ epoch: epoch(0), holder: "another" }, own];
      expect(bench.poll([])).toContain("worker: start 0.0.e1.a0, start 0.1.e1.a0");
    });

    test("is too late where the job is ending", () => {
      const bench = new Bench({ records: begunBy });
      bench.start();
      bench.poll([]);
      bench.tell({ kind: "cancelRequested", reason: "enough" });
      bench.terms = [{ epoch: epoch(2), holder: "another" }];
      bench.poll([]);
      expect(bench.confirm()).toEqual(["end cancelled"]);
    });
  });

  test("a poll that comes after a later one is ignored", () => {
    const bench = new Bench();
    bench.start();
    bench.poll([]);
    const late = {
      kind: "poll" as const,
      job: JOB,
      incarnation: "i1",
      seq: 0,
      slots: 2,
      ahead: 0,
      running: [],
      ended: [finished("0.0.e1.a0")],
      terms: [],
    };
    expect(bench.tell({ kind: "workerPolled", worker: WORKER, poll: late })).toEqual([]);
  });

  test("a completion that is told again and again is logged once, and forgotten when it is durable", () => {
    const bench = new Bench();
    bench.start();
    bench.poll([]);
    bench.poll(["0.1.e1.a0"], [finished("0.0.e1.a0")]);
    expect(bench.poll(["0.1.e1.a0"], [finished("0.0.e1.a0")])).toEqual([]);
    bench.confirm();
    expect(bench.poll(["0.1.e1.a0"], [finished("0.0.e1.a0")])).toEqual(["worker: forget 0.0.e1.a0"]);
  });

  test("attempts of an earlier epoch are stopped, and what they made is forgotten", () => {
    const bench = new Bench({ slots: 3 });
    bench.start();
    expect(bench.poll(["0.0.e0.a0"], [finished("0.1.e0.a0")])).toEqual([
      "timer worker/worker/i1 in 1000",
      // The third slot is still taken by what is to be stopped.
      "worker: start 0.0.e1.a0, start 0.1.e1.a0, stop 0.0.e0.a0, forget 0.1.e0.a0",
    ]);
  });

  test("a worker's report of another worker's attempt changes nothing", () => {
    const bench = new Bench();
    bench.start();
    bench.poll([]);
    expect(bench.poll([], [finished("0.0.e1.a0")], "i9", nodeId("other"))).toEqual([
      "timer worker/other/i9 in 1000",
      "other: forget 0.0.e1.a0",
      // It has room, and there is nothing to do: soon it is looked for attempts that are late.
      "timer backups in 1000",
    ]);
  });
});

describe("workers that go", () => {
  test("a silent worker's tasks run elsewhere after its lease, and not before", () => {
    const bench = new Bench();
    bench.start();
    bench.poll([]);
    bench.nowMs = 600;
    bench.poll(["0.0.e1.a0", "0.1.e1.a0"]);
    bench.nowMs = 1_000;
    expect(bench.tell({ kind: "timerFired", timer: "worker/worker/i1" })).toEqual([
      "timer worker/worker/i1 in 600",
    ]);
    bench.nowMs = 1_600;
    expect(bench.tell({ kind: "timerFired", timer: "worker/worker/i1" })).toEqual(["note workerLost"]);
    expect(bench.poll([], [], "i2", nodeId("other"))).toEqual([
      "timer worker/other/i2 in 1000",
      "other: start 0.0.e1.a1, start 0.1.e1.a1",
    ]);
  });

  test("a worker that starts again has lost what it ran", () => {
    const bench = new Bench();
    bench.start();
    bench.poll([]);
    expect(bench.poll([], [], "i2")).toEqual([
      "note workerLost",
      "timer worker/worker/i2 in 1000",
      "worker: start 0.0.e1.a1, start 0.1.e1.a1",
    ]);
  });

  test("a completion on its way to the log survives its worker", () => {
    const bench = new Bench();
    bench.start();
    bench.poll([]);
    bench.poll(["0.1.e1.a0"], [finished("0.0.e1.a0")]);
    bench.poll([], [], "i2");
    expect(bench.confirm()).toEqual(["note taskCompleted", "worker: forget 0.0.e1.a0"]);
    expect(bench.driver.state.completed(stageId(0), 0)).toBeDefined();
  });

  test("a task that loses worker after worker fails the job instead of going round for ever", () => {
    const bench = new Bench({ slots: 1 });
    bench.start();
    let effects: readonly string[] = [];
    for (let start = 0; start < 20 && !effects.some((effect) => effect.startsWith("append")); start++) {
      effects = bench.poll([], [], `i${start}`);
    }
    for (let start = 20; start < 25 && !effects.some((effect) => effect.startsWith("append")); start++) {
      effects = bench.poll([], [], `i${start}`);
    }
    expect(effects).toContain("append 2: failed 0.0.e1.a19");
  });
});

describe("tasks that fail", () => {
  test("are tried again after a pause, then fail the job with their own error", () => {
    const bench = new Bench({ slots: 1 });
    bench.start();
    bench.poll([]);
    const effects = bench.poll([], [failed("0.0.e1.a0")]);
    expect(effects[0]).toBe("note taskFailed");
    const delayMs = Number(/^timer retry\/s0\.p0 in (\d+)$/.exec(effects[1]!)?.[1]);
    expect(delayMs).toBeGreaterThanOrEqual(50);
    expect(delayMs).toBeLessThanOrEqual(100);
    // Meanwhile the slot is another task's.
    expect(effects[2]).toBe("worker: start 0.1.e1.a0, forget 0.0.e1.a0");
    bench.tell({ kind: "timerFired", timer: "retry/s0.p0" });
    bench.poll([], [finished("0.1.e1.a0")]);
    bench.confirm();
    expect(bench.poll([], [failed("0.0.e1.a1")])).toEqual([
      "note taskFailed",
      "worker: forget 0.0.e1.a1",
      "append 3: failed 0.0.e1.a1",
    ]);
    expect(bench.confirm()).toEqual(["end failed"]);
    expect(bench.driver.state.status).toMatchObject({ kind: "failed", error: { message: "boom" } });
  });

  test("are not tried again where the error says that it is of no use; what else runs is stopped", () => {
    const bench = new Bench();
    bench.start();
    bench.poll([]);
    expect(bench.poll(["0.1.e1.a0"], [failed("0.0.e1.a0", false)])).toEqual([
      "note taskFailed",
      "worker: stop 0.1.e1.a0",
      "worker: stop 0.1.e1.a0, forget 0.0.e1.a0",
      "append 2: failed 0.0.e1.a0",
    ]);
  });

  test("an attempt that takes too long is stopped and counts as failed; its late success changes nothing", () => {
    const bench = new Bench({ slots: 1, policy: { taskTimeoutMs: 500 } });
    bench.start();
    bench.poll([]);
    const effects = bench.tell({ kind: "timerFired", timer: "timeout/s0.p0.e1.a0" });
    expect(effects).toContain("worker: stop 0.0.e1.a0");
    expect(effects).toContain("note taskFailed");
    // Its slot is free only when it has really ended.
    expect(bench.poll(["0.0.e1.a0"])).toEqual(["worker: stop 0.0.e1.a0"]);
    expect(bench.poll([], [finished("0.0.e1.a0")])).toEqual([
      "timer timeout/s0.p1.e1.a0 in 500",
      "worker: start 0.1.e1.a0, forget 0.0.e1.a0",
    ]);
  });

  test("a task's end calls its time limit off", () => {
    const bench = new Bench({ slots: 1, policy: { taskTimeoutMs: 500 } });
    bench.start();
    bench.poll([]);
    bench.poll([], [finished("0.0.e1.a0")]);
    expect(bench.confirm()).toContain("no timer timeout/s0.p0.e1.a0");
  });
});

describe("attempts that are late", () => {
  const B = nodeId("second");
  /** The stage's first task took 1 s at the first worker, where the second one still runs; another worker is free. */
  const waiting = (policy: Partial<JobPolicy> = {}): Bench => {
    const bench = new Bench({ policy });
    bench.start();
    bench.poll([]);
    bench.poll([], [], "i2", B);
    bench.nowMs = 1_000;
    bench.poll(["0.1.e1.a0"], [finished("0.0.e1.a0")]);
    bench.confirm();
    return bench;
  };
  /** As often as the driver wants, until so late. */
  const look = (bench: Bench, untilMs: number): readonly string[] => {
    const seen: string[] = [];
    for (; bench.nowMs < untilMs; ) {
      bench.nowMs += 1_000;
      seen.push(...bench.tell({ kind: "timerFired", timer: "backups" }));
    }
    return seen;
  };

  test("get a rival on another node after twice the time of the others, and 2 s, and no third one", () => {
    const bench = waiting();
    expect(look(bench, 2_000)).toEqual(["timer backups in 1000"]);
    expect(look(bench, 3_000)).toEqual([
      "note backupStarted",
      "second: start 0.1.e1.a1",
      "timer backups in 1000",
    ]);
    expect(look(bench, 9_000).join()).not.toContain("start");
  });

  test("the first durable completion counts, and the other is stopped", () => {
    const bench = waiting();
    look(bench, 3_000);
    expect(bench.poll([], [finished("0.1.e1.a1")], "i2", B)).toEqual(["append 3: taskCompleted 0.1.e1.a1"]);
    expect(bench.poll(["0.1.e1.a0"])).toEqual([]);
    expect(bench.confirm()).toEqual([
      "note taskCompleted",
      "note backupWon",
      "second: start 1.0.e1.a0, forget 0.1.e1.a1",
      "worker: stop 0.1.e1.a0",
    ]);
    expect(bench.poll([], [failed("0.1.e1.a0")])).toEqual(["worker: forget 0.1.e1.a0"]);
  });

  test("one that ends while its rival's completion is on the way to the log is kept until that is durable", () => {
    const bench = waiting();
    look(bench, 3_000);
    bench.poll([], [finished("0.1.e1.a0")]);
    expect(bench.poll([], [finished("0.1.e1.a1")], "i2", B)).toEqual([]);
    expect(bench.confirm()).toEqual([
      "note taskCompleted",
      "second: start 1.0.e1.a0, forget 0.1.e1.a1",
      "worker: forget 0.1.e1.a0",
    ]);
  });

  test("a task one of whose two attempts fails, for the last time even, waits for the other", () => {
    const bench = waiting({ attemptsMax: 1 });
    look(bench, 3_000);
    expect(bench.poll([], [failed("0.1.e1.a0")])).toEqual(["note taskFailed", "worker: forget 0.1.e1.a0"]);
    bench.poll([], [finished("0.1.e1.a1")], "i2", B);
    expect(bench.confirm()).toContain("note taskCompleted");
  });

  test("and fails the job where both do", () => {
    const bench = waiting({ attemptsMax: 1 });
    look(bench, 3_000);
    bench.poll([], [failed("0.1.e1.a0")]);
    expect(bench.poll([], [failed("0.1.e1.a1")], "i2", B)).toContain("append 3: failed 0.1.e1.a1");
  });

  test("a task one of whose two attempts is lost with its worker waits for the other", () => {
    const bench = waiting();
    look(bench, 3_000);
    expect(bench.poll([], [], "new").join()).not.toContain("0.1");
    bench.poll([], [finished("0.1.e1.a1")], "i2", B);
    expect(bench.confirm()).toContain("note taskCompleted");
  });

  test("are left alone before half of their stage is done, and where nobody else has room", () => {
    const early = new Bench({ slots: 1 });
    early.start();
    early.poll([]);
    early.poll([], [], "i2", B);
    early.poll([], [], "i3", nodeId("third"));
    expect(look(early, 60_000).join()).not.toContain("start");
    const alone = new Bench();
    alone.start();
    alone.poll([]);
    alone.nowMs = 1_000;
    alone.poll(["0.1.e1.a0"], [finished("0.0.e1.a0")]);
    expect(alone.confirm().join()).not.toContain("timer");
    alone.nowMs = 60_000;
    expect(alone.poll(["0.1.e1.a0"])).toEqual([]);
  });
});

describe("a node on which tasks fail that others do", () => {
  const B = nodeId("second");
  const C = nodeId("third");
  /** Of an earlier epoch: until it is stopped there is no room. */
  const BUSY = ["0.0.e0.a0"];
  const many = (tasks: number): readonly StageShape[] => [{ ...STAGES[0]!, tasks }];
  const benchOf = (tasks: number, policy: Partial<JobPolicy> = {}): Bench => {
    const splits = [
      Array.from({ length: tasks }, (_, start) => ({ kind: "items" as const, start, end: start + 1 })),
    ];
    return new Bench({ stages: many(tasks), splits, policy, slots: 1 });
  };
  const retry = (bench: Bench, task: string): readonly string[] =>
    bench.tell({ kind: "timerFired", timer: `retry/${task}` });

  test("a task that failed on a node goes to another one, even if that comes later", () => {
    const bench = benchOf(1);
    bench.start();
    bench.poll([]);
    bench.poll(BUSY, [], "i2", B);
    bench.poll([], [failed("0.0.e1.a0")]);
    expect(retry(bench, "s0.p0").join()).not.toContain("start");
    expect(bench.poll([])).toEqual([]);
    expect(bench.poll([], [], "i2", B)).toContain("second: start 0.0.e1.a1");
  });

  test("but no longer than 30 s, and failures on one node alone use up one try while there are others", () => {
    const bench = benchOf(1, { attemptsMax: 2 });
    bench.start();
    bench.poll([]);
    bench.poll(BUSY, [], "i2", B);
    bench.poll([], [failed("0.0.e1.a0")]);
    retry(bench, "s0.p0");
    bench.nowMs += 29_999;
    expect(bench.poll([])).toEqual([]);
    bench.nowMs += 1;
    expect(bench.poll([])).toEqual(["worker: start 0.0.e1.a1"]);
    expect(bench.poll([], [failed("0.0.e1.a1")]).join()).not.toContain("append");
    retry(bench, "s0.p0");
    bench.poll([], [], "i2", B);
    expect(bench.poll([], [failed("0.0.e1.a2")], "i2", B)).toContain("append 2: failed 0.0.e1.a2");
  });

  test("a node that drains is no other node to wait for", () => {
    const bench = benchOf(1);
    bench.start();
    bench.poll([]);
    bench.slots = 0;
    bench.poll([], [], "i2", B);
    bench.slots = 1;
    bench.poll([], [failed("0.0.e1.a0")]);
    expect(retry(bench, "s0.p0")).toContain("worker: start 0.0.e1.a1");
  });

  test("a task that fails everywhere fails the job after as many tries as ever", () => {
    const bench = benchOf(1, { attemptsMax: 3 });
    bench.start();
    bench.poll([]);
    bench.poll([], [], "i2", B);
    bench.poll([], [failed("0.0.e1.a0")]);
    retry(bench, "s0.p0");
    bench.poll([], [failed("0.0.e1.a1")], "i2", B);
    expect(retry(bench, "s0.p0").join()).toContain("start 0.0.e1.a2");
    expect(
      bench.poll([], [failed("0.0.e1.a2")], "i2", B).concat(bench.poll([], [failed("0.0.e1.a2")])),
    ).toContain("append 2: failed 0.0.e1.a2");
  });

  /** The first three tasks fail at the first worker, and are done by the second one. */
  const sickAfterThree = (bench: Bench): readonly string[] => {
    bench.start();
    const seen: string[] = [];
    for (const task of [0, 1, 2]) {
      bench.slots = 1;
      expect(bench.poll([])).toContain(`worker: start 0.${task}.e1.a0`);
      bench.slots = 0;
      bench.poll([], [failed(`0.${task}.e1.a0`)]);
      retry(bench, `s0.p${task}`);
      bench.slots = 1;
      expect(bench.poll([], [], "i2", B)).toContain(`second: start 0.${task}.e1.a1`);
      bench.slots = 0;
      bench.poll([], [finished(`0.${task}.e1.a1`)], "i2", B);
      seen.push(...bench.confirm());
    }
    bench.slots = 1;
    return seen;
  };

  test("is set aside after three of them for five minutes, and then has another chance", () => {
    const bench = benchOf(10);
    expect(sickAfterThree(bench)).toContain("note nodeSetAside");
    expect(bench.poll([])).toEqual([]);
    bench.nowMs += 300_000;
    bench.poll([]);
    expect(bench.tell({ kind: "timerFired", timer: "aside/worker/i1" })).toEqual([
      "note nodeBack",
      "worker: start 0.3.e1.a0",
    ]);
  });

  test("is not set aside where it has done more right than wrong since", () => {
    const bench = benchOf(10);
    bench.start();
    const seen: string[] = [];
    for (const task of [0, 3, 6]) {
      bench.slots = 1;
      bench.poll([]);
      bench.slots = 0;
      bench.poll([], [failed(`0.${task}.e1.a0`)]);
      retry(bench, `s0.p${task}`);
      bench.slots = 1;
      bench.poll([], [], "i2", B);
      bench.slots = 0;
      bench.poll([], [finished(`0.${task}.e1.a1`)], "i2", B);
      seen.push(...bench.confirm());
      for (const right of [task + 1, task + 2]) {
        bench.slots = 1;
        bench.poll([]);
        bench.slots = 0;
        bench.poll([], [finished(`0.${right}.e1.a0`)]);
        seen.push(...bench.confirm());
      }
    }
    expect(seen.filter((effect) => effect === "note taskCompleted")).toHaveLength(9);
    expect(seen).not.toContain("note nodeSetAside");
  });

  test("its failures are no tries of its tasks any more", () => {
    const bench = benchOf(10, { attemptsMax: 2 });
    bench.start();
    // This one fails there first, and is tried again only at the end.
    bench.poll([]);
    bench.slots = 0;
    bench.poll([], [failed("0.0.e1.a0")]);
    const seen: string[] = [];
    for (const task of [1, 2, 3]) {
      bench.slots = 1;
      bench.poll([]);
      bench.slots = 0;
      bench.poll([], [failed(`0.${task}.e1.a0`)]);
      retry(bench, `s0.p${task}`);
      bench.slots = 1;
      bench.poll([], [], "i2", B);
      bench.slots = 0;
      bench.poll([], [finished(`0.${task}.e1.a1`)], "i2", B);
      seen.push(...bench.confirm());
    }
    expect(seen).toContain("note nodeSetAside");
    retry(bench, "s0.p0");
    bench.slots = 1;
    expect(bench.poll([], [], "i2", B)).toContain("second: start 0.0.e1.a1");
    expect(bench.poll([], [failed("0.0.e1.a1")], "i2", B).join()).not.toContain("append");
  });

  test("comes back when so many others have gone that more than half would be set aside", () => {
    const bench = benchOf(10);
    sickAfterThree(bench);
    expect(bench.poll([])).toEqual([]);
    bench.nowMs += 999;
    bench.poll([]);
    bench.nowMs += 1;
    expect(bench.tell({ kind: "timerFired", timer: "worker/second/i2" }).join()).toContain(
      "note workerLost,no timer aside/worker/i1,note nodeBack,worker: start",
    );
  });

  test("is never the only one", () => {
    const bench = benchOf(4, { attemptsMax: 2 });
    bench.start();
    const seen: string[] = [];
    for (const task of [0, 1, 2, 3]) {
      bench.slots = 1;
      bench.poll([]);
      bench.slots = 0;
      bench.poll([], [failed(`0.${task}.e1.a0`)]);
      retry(bench, `s0.p${task}`);
      bench.slots = 1;
      expect(bench.poll([])).toContain(`worker: start 0.${task}.e1.a1`);
      bench.slots = 0;
      bench.poll([], [finished(`0.${task}.e1.a1`)]);
      seen.push(...bench.confirm());
    }
    expect(seen.filter((effect) => effect === "note taskCompleted")).toHaveLength(4);
    expect(seen).not.toContain("note nodeSetAside");
  });

  test("is not set aside where more than half of the others fail as well", () => {
    const bench = benchOf(10);
    bench.start();
    for (const [index, other] of [B, C].entries()) {
      bench.slots = 1;
      bench.poll([], [], `i${index + 2}`, other);
      bench.slots = 0;
      bench.poll([], [failed(`0.${index}.e1.a0`)], `i${index + 2}`, other);
    }
    const seen: string[] = [];
    for (const task of [2, 3, 4]) {
      bench.slots = 1;
      expect(bench.poll([])).toContain(`worker: start 0.${task}.e1.a0`);
      bench.slots = 0;
      bench.poll([], [failed(`0.${task}.e1.a0`)]);
      retry(bench, `s0.p${task}`);
      bench.slots = 1;
      expect(bench.poll([], [], "i2", B)).toContain(`second: start 0.${task}.e1.a1`);
      bench.slots = 0;
      bench.poll([], [finished(`0.${task}.e1.a1`)], "i2", B);
      seen.push(...bench.confirm());
    }
    expect(seen.filter((effect) => effect === "note taskCompleted")).toHaveLength(3);
    expect(seen).not.toContain("note nodeSetAside");
  });
});

describe("tasks that are taken ahead", () => {
  const B = nodeId("second");
  const stages = [{ ...STAGES[0]!, tasks: 8 }];
  const splits = [
    Array.from({ length: 8 }, (_, start) => ({ kind: "items" as const, start, end: start + 1 })),
  ];
  const starts = (effects: readonly string[]): readonly string[] =>
    effects.filter((effect) => effect.includes("start"));

  test("are of stages of which a task has ended: of another nobody knows how long they take", () => {
    const bench = new Bench({ stages, splits, slots: 1 });
    bench.ahead = 3;
    bench.start();
    expect(starts(bench.poll([]))).toEqual(["worker: start 0.0.e1.a0"]);
    expect(starts(bench.poll([], [], "i2", B))).toEqual(["second: start 0.1.e1.a0"]);
    expect(starts(bench.poll([], [finished("0.0.e1.a0")]))).toEqual([
      "worker: start 0.2.e1.a0, start 0.3.e1.a0, start 0.4.e1.a0, start 0.5.e1.a0",
    ]);
    expect(starts(bench.poll(["0.1.e1.a0"], [], "i2", B))).toEqual([
      "second: start 0.6.e1.a0, start 0.7.e1.a0",
    ]);
  });
});

describe("tasks go where their blocks are", () => {
  const [NEAR, EAST, WEST] = [nodeId("a-near"), nodeId("b-east"), nodeId("c-west")];
  const REDUCES: readonly StageShape[] = [STAGES[0]!, { ...STAGES[1]!, tasks: 5 }];
  const at = (id: string, node: NodeId, bytes: number): EndedAttempt => ({
    attempt: attempt(id),
    outcome: { kind: "finished", output: { ...output(id), block: { key: id, bytes, checksum: 1, node } } },
  });
  /** Three nodes of one slot each, of two regions; the blocks of the first stage lie on the first node and the last. */
  const reducing = (nearBytes: number, westBytes: number): { bench: Bench; effects: readonly string[] } => {
    const bench = new Bench({ stages: REDUCES, slots: 1 });
    bench.start();
    bench.region = "east";
    bench.poll([], [], "i1", NEAR);
    bench.region = "west";
    bench.poll([], [], "i3", WEST);
    bench.region = "east";
    bench.poll([], [], "i2", EAST);
    bench.poll([], [at("0.0.e1.a0", NEAR, nearBytes)], "i1", NEAR);
    bench.region = "west";
    bench.poll([], [at("0.1.e1.a0", WEST, westBytes)], "i3", WEST);
    bench.confirm();
    return { bench, effects: bench.confirm() };
  };
  const startsOf = (effects: readonly string[]): readonly string[] =>
    effects.filter((effect) => effect.includes("start"));

  test("at once to the node that has most of them; to its region after 300 ms, and anywhere after 3 s", () => {
    const { bench, effects } = reducing(100, 10);
    expect(startsOf(effects)).toEqual(["a-near: start 1.0.e1.a0"]);
    expect(effects).toContain("timer held in 300");
    bench.nowMs = 300;
    expect(bench.tell({ kind: "timerFired", timer: "held" })).toEqual([
      "b-east: start 1.1.e1.a0",
      "timer held in 2700",
    ]);
    bench.nowMs = 3_000;
    expect(bench.tell({ kind: "timerFired", timer: "held" })).toEqual(["c-west: start 1.2.e1.a0"]);
  });

  test("a node that has waited once takes the next of them without", () => {
    const { bench } = reducing(100, 10);
    bench.nowMs = 300;
    bench.tell({ kind: "timerFired", timer: "held" });
    bench.region = "east";
    expect(bench.poll([], [finished("1.1.e1.a0")], "i2", EAST)).toContain("b-east: start 1.2.e1.a0");
  });

  test("all nodes that have at least half as much as the best are as near", () => {
    const { effects } = reducing(100, 50);
    expect(startsOf(effects)).toEqual([
      "a-near: start 1.0.e1.a0",
      "c-west: start 1.1.e1.a0, forget 0.1.e1.a0",
    ]);
  });

  test("nobody waits for a node that takes nothing", () => {
    const bench = new Bench({ stages: REDUCES, slots: 1 });
    bench.start();
    bench.poll([], [], "i1", NEAR);
    bench.poll([], [at("0.0.e1.a0", NEAR, 100)], "i1", NEAR);
    bench.confirm();
    bench.slots = 0;
    bench.poll([], [at("0.1.e1.a0", NEAR, 100)], "i1", NEAR);
    bench.confirm();
    bench.slots = 1;
    expect(bench.poll([], [], "i2", EAST)).toContain("b-east: start 1.0.e1.a0");
  });
});

describe("blocks that are lost", () => {
  test("their task runs again first, then the one that missed them", () => {
    const bench = atReduce();
    expect(bench.poll([], [failed("1.0.e1.a0", true, ["0.1.e1.a0"])])).toEqual([
      "worker: forget 1.0.e1.a0",
      "append 3: outputLost 0.1.e1.a0",
    ]);
    // Nothing starts before the loss is durable: the reduce task would only miss the block again.
    expect(bench.poll([])).toEqual([]);
    expect(bench.confirm()).toEqual(["note outputLost", "worker: start 0.1.e1.a1"]);
    bench.poll([], [finished("0.1.e1.a1")]);
    expect(bench.confirm()).toEqual(["note taskCompleted", "worker: start 1.0.e1.a1, forget 0.1.e1.a1"]);
  });

  test("a stage that reads a split, and blocks beside it, waits and comes back for them all the same", () => {
    const [small] = STAGES as [StageShape];
    const large: StageShape = {
      ...small,
      id: stageId(1),
      dependsOn: [stageId(0)],
      broadcasts: [[{ stage: stageId(0), sink: 0 }]],
    };
    const bench = new Bench({ stages: [small, large] });
    bench.start();
    expect(bench.poll([])).toContain("worker: start 0.0.e1.a0, start 0.1.e1.a0");
    bench.poll([], [finished("0.0.e1.a0"), finished("0.1.e1.a0")]);
    const effects = bench.step({ kind: "recordAppended", seq: 2 });
    const orders = effects.find((effect) => effect.kind === "sendOrders" && effect.start.length > 0);
    expect(orders).toMatchObject({
      start: [0, 1].map((start) => ({
        input: { kind: "split", split: { start } },
        broadcasts: [[{ stage: 0, sink: 0, blocks: [{ key: "0.0.e1.a0" }, { key: "0.1.e1.a0" }] }]],
      })),
    });
    expect(bench.poll(["1.1.e1.a0"], [failed("1.0.e1.a0", true, ["0.1.e1.a0"])])).toEqual([
      "worker: forget 1.0.e1.a0",
      "append 3: outputLost 0.1.e1.a0",
    ]);
    expect(bench.confirm()).toEqual(["note outputLost", "worker: start 0.1.e1.a1"]);
    // The other task of the stage has read the block already, and goes on.
    bench.poll(["1.1.e1.a0"], [finished("0.1.e1.a1")]);
    expect(bench.confirm()).toEqual(["note taskCompleted", "worker: start 1.0.e1.a1, forget 0.1.e1.a1"]);
  });

  test("a report of a block that was made again already only sends the reporter round again", () => {
    const bench = atReduce();
    expect(bench.poll([], [failed("1.0.e1.a0", true, ["0.1.e1.a7"])])).toEqual([
      "worker: start 1.0.e1.a1, forget 1.0.e1.a0",
    ]);
  });

  test("a result that cannot be read at the end is made again before the commit", () => {
    const bench = atReduce();
    bench.poll([], [finished("1.0.e1.a0")]);
    expect(bench.confirm()).toContain("commit 3 outputs");
    expect(bench.tell({ kind: "resultBlocksLost", keys: ["1.0.e1.a0"] })).toEqual([
      "append 4: outputLost 1.0.e1.a0",
    ]);
    expect(bench.confirm()).toEqual(["note outputLost", "worker: start 1.0.e1.a1"]);
    bench.poll([], [finished("1.0.e1.a1")]);
    expect(bench.confirm()).toContain("commit 3 outputs");
  });
});

describe("a block that is lost whenever it was made", () => {
  test("fails the job in the end, naming the task that made it", () => {
    const bench = atReduce();
    let effects: readonly string[] = [];
    for (let round = 0; round < 20; round++) {
      effects = bench.poll([], [failed(`1.0.e1.a${round}`, true, [`0.1.e1.a${round}`])]);
      if (round === 19) break;
      bench.confirm();
      bench.poll([], [finished(`0.1.e1.a${round + 1}`)]);
      bench.confirm();
    }
    expect(effects.join()).toContain("failed");
    bench.confirm();
    expect(bench.driver.state.status).toMatchObject({ error: { message: expect.stringContaining("s0.p1") } });
  });

  test("does no harm to a task that misses one after another of many", () => {
    const many = STAGES.map((stage) => ({ ...stage, tasks: stage.id === 0 ? 30 : 1 }));
    const splits = [Array.from({ length: 30 }, (_, i) => ({ kind: "items", start: i, end: i + 1 }) as const)];
    const bench = new Bench({ stages: many, splits, slots: 30 });
    bench.start();
    bench.poll([]);
    bench.poll(
      [],
      splits[0]!.map((_, i) => finished(`0.${i}.e1.a0`)),
    );
    bench.confirm();
    for (let i = 0; i < 30; i++) {
      bench.poll([], [failed(`1.0.e1.a${i}`, true, [`0.${i}.e1.a0`])]);
      bench.confirm();
      bench.poll([], [finished(`0.${i}.e1.a1`)]);
      expect(bench.confirm().join()).toContain(`start 1.0.e1.a${i + 1}`);
    }
  });
});

describe("a worker whose disk is full", () => {
  const B = nodeId("second");
  const full = (id: string): EndedAttempt => ({
    attempt: attempt(id),
    outcome: {
      kind: "failed",
      error: { code: "DISK_FULL", message: "no space", retryable: true, details: {} },
      lostBlocks: [],
    },
  });

  test("rests a while, and its tasks go to others without a try of theirs", () => {
    const bench = new Bench({ slots: 1 });
    bench.start();
    expect(bench.poll([])).toContain("worker: start 0.0.e1.a0");
    expect(bench.poll([], [], "i1", B)).toContain("second: start 0.1.e1.a0");
    expect(bench.poll([], [full("0.0.e1.a0")])).toEqual(["note taskFailed", "worker: forget 0.0.e1.a0"]);
    expect(bench.poll([])).toEqual([]);
    bench.poll([], [finished("0.1.e1.a0")], "i1", B);
    expect(bench.appended.at(-1)!.events).toMatchObject([{ kind: "taskCompleted" }]);
    bench.nowMs = 600;
    // The other one has it by now, so that there is nothing to do when the rest is over but to look who is late.
    expect(bench.poll([])).toEqual(["timer backups in 1000"]);
  });

  test("has them again once its rest is over", () => {
    const bench = new Bench({ slots: 1 });
    bench.start();
    bench.poll([]);
    bench.poll([], [], "i1", B);
    bench.poll([], [full("0.0.e1.a0")]);
    bench.nowMs = 499;
    expect(bench.poll([])).toEqual([]);
    bench.nowMs = 500;
    expect(bench.poll([])).toEqual(["worker: start 0.0.e1.a1"]);
    // The next rest is longer.
    bench.poll([], [full("0.0.e1.a1")]);
    bench.nowMs = 1_499;
    expect(bench.poll([])).toEqual([]);
    bench.nowMs = 1_500;
    expect(bench.poll([])).toEqual(["worker: start 0.0.e1.a2"]);
  });

  test("goes on where the others have gone", () => {
    const bench = new Bench({ slots: 1 });
    bench.start();
    bench.poll([]);
    bench.poll([], [], "i1", B);
    bench.nowMs = 900;
    bench.poll([], [full("0.0.e1.a0")]);
    bench.nowMs = 1_000;
    expect(bench.tell({ kind: "timerFired", timer: "worker/second/i1" }).join()).toContain(
      "worker: start 0.0.e1.a1",
    );
  });

  test("and who has no other to do its tasks has them fail", () => {
    const bench = new Bench({ slots: 1 });
    bench.start();
    bench.poll([]);
    const effects = bench.poll([], [full("0.0.e1.a0")]);
    expect(effects).toContain("note taskFailed");
    expect(effects.join()).toContain("timer retry/s0.p0");
  });
});

describe("blocks on a node that cannot be reached", () => {
  const FAR = nodeId("far");
  const B = nodeId("second");
  const at = (id: string, node: NodeId): EndedAttempt => ({
    attempt: attempt(id),
    outcome: { kind: "finished", output: { ...output(id), block: { ...output(id).block!, node } } },
  });
  const unreachable = (id: string): EndedAttempt => ({
    attempt: attempt(id),
    outcome: {
      kind: "failed",
      error: { code: "PEER_UNREACHABLE", message: "no answer", retryable: true, details: { node: "far" } },
      lostBlocks: [],
    },
  });
  /** The one reduce task runs at `WORKER`, and its inputs lie on the node that is far. */
  const reducing = (): Bench => {
    const bench = new Bench();
    bench.start();
    bench.poll([]);
    bench.poll([], [at("0.0.e1.a0", FAR), at("0.1.e1.a0", FAR)]);
    expect(bench.confirm().join()).toContain("start 1.0.e1.a0");
    return bench;
  };

  test("are given up at once where it is no worker any more", () => {
    const bench = reducing();
    const effects = bench.poll([], [unreachable("1.0.e1.a0")]);
    expect(effects).toContain("append 3: outputLost 0.0.e1.a0, outputLost 0.1.e1.a0");
    expect(bench.confirm()).toContain("worker: start 0.0.e1.a1, start 0.1.e1.a1");
  });

  test("are not given up because one worker says so: its task waits a while, and is tried again", () => {
    const bench = reducing();
    bench.poll([], [], "i1", FAR);
    const effects = bench.poll([], [unreachable("1.0.e1.a0")]);
    expect(effects.join()).not.toContain("outputLost");
    expect(effects.find((effect) => effect.startsWith("timer retry"))).toBeDefined();
    const timer = effects.find((effect) => effect.startsWith("timer retry"))!.split(" ")[1]!;
    expect(bench.tell({ kind: "timerFired", timer }).join()).toContain("start 1.0.e1.a1");
  });

  test.each([
    [1_000, true],
    [60_000, false],
  ])("and a second worker says the same after %i ms: given up is %s", (laterMs, givenUp) => {
    const bench = reducing();
    bench.slots = 0;
    bench.poll([], [], "i1", FAR);
    bench.slots = 1;
    const first = bench.poll([], [unreachable("1.0.e1.a0")]);
    const timer = first.find((effect) => effect.startsWith("timer retry"))!.split(" ")[1]!;
    bench.poll([], [], "i1", B);
    bench.nowMs += laterMs;
    expect(bench.tell({ kind: "timerFired", timer })).toEqual(["second: start 1.0.e1.a1"]);
    const second = bench.poll([], [unreachable("1.0.e1.a1")], "i1", B).join();
    expect(second.includes("outputLost 0.0.e1.a0, outputLost 0.1.e1.a0")).toBe(givenUp);
  });
});

describe("a job whose results are lost whenever they were made", () => {
  test("fails instead of going round for ever", () => {
    const bench = atReduce();
    bench.poll([], [finished("1.0.e1.a0")]);
    bench.confirm();
    for (let round = 0; round < 19; round++) {
      expect(bench.tell({ kind: "resultBlocksLost", keys: [`1.0.e1.a${round}`] })).toEqual([
        `append ${4 + 2 * round}: outputLost 1.0.e1.a${round}`,
      ]);
      bench.confirm();
      bench.poll([], [finished(`1.0.e1.a${round + 1}`)]);
      expect(bench.confirm()).toContain("commit 3 outputs");
    }
    expect(bench.tell({ kind: "resultBlocksLost", keys: ["1.0.e1.a19"] })).toEqual(["append 42: failed"]);
    expect(bench.confirm()).toEqual(["end failed"]);
    expect(bench.driver.state.status).toMatchObject({ error: { code: "BLOB_CORRUPT", retryable: true } });
  });
});

describe("a cancelled job", () => {
  test("keeps what had been completed when it was cancelled", () => {
    const bench = new Bench();
    bench.start();
    bench.poll([]);
    bench.poll(["0.1.e1.a0"], [finished("0.0.e1.a0")]);
    bench.tell({ kind: "cancelRequested", reason: "Ctrl-C" });
    expect(bench.confirm()).toEqual(["note taskCompleted", "append 3: cancelled"]);
    expect(bench.confirm()).toEqual(["end cancelled"]);
    expect(bench.driver.state.completed(stageId(0), 0)).toBeDefined();
  });

  test("stops what runs and ends when the log says so", () => {
    const bench = new Bench();
    bench.start();
    bench.poll([]);
    expect(bench.tell({ kind: "cancelRequested", reason: "Ctrl-C" })).toEqual([
      "worker: stop 0.0.e1.a0, stop 0.1.e1.a0",
      "append 2: cancelled",
    ]);
    expect(bench.confirm()).toEqual(["end cancelled"]);
  });

  test("commits all the same where its outputs are being shown already", () => {
    const bench = atReduce();
    bench.poll([], [finished("1.0.e1.a0")]);
    bench.confirm();
    expect(bench.tell({ kind: "cancelRequested", reason: "Ctrl-C" })).toEqual([]);
    expect(bench.tell({ kind: "outputsCommitted" })).toEqual(["append 4: committed"]);
  });

  test("ends as cancelled where its results turn out to be lost", () => {
    const bench = atReduce();
    bench.poll([], [finished("1.0.e1.a0")]);
    bench.confirm();
    bench.tell({ kind: "cancelRequested", reason: "Ctrl-C" });
    expect(bench.tell({ kind: "resultBlocksLost", keys: ["1.0.e1.a0"] })).toEqual(["append 4: cancelled"]);
  });
});

describe("an output that was lost and comes out different when it is made again (S6)", () => {
  const twoReducers = STAGES.map((stage) => (stage.id === 1 ? { ...stage, tasks: 2 } : stage));
  const other = (id: string): EndedAttempt => {
    const block = { key: id, bytes: 1, checksum: 2 };
    return { attempt: attempt(id), outcome: { kind: "finished", output: { ...output(id), block } } };
  };
  /** The first reduce task is complete, the second runs, and then a map output is lost, and runs again. */
  function lostAfterUse(): Bench {
    const bench = atReduce({ stages: twoReducers });
    bench.poll(["1.1.e1.a0"], [finished("1.0.e1.a0")]);
    bench.confirm();
    bench.poll([], [failed("1.1.e1.a0", true, ["0.0.e1.a0"])]);
    expect(bench.confirm()).toEqual(["note outputLost", "worker: start 0.0.e1.a1"]);
    return bench;
  }
  const failure = (bench: Bench) => bench.appended.at(-1)?.events[0];

  test("fails the job where it was used, and says why", () => {
    const bench = lostAfterUse();
    bench.poll([], [other("0.0.e1.a1")]);
    expect(bench.confirm()).toContain("append 6: failed 0.0.e1.a1");
    expect(failure(bench)).toMatchObject({
      kind: "failed",
      error: { code: "OUTPUT_DIFFERS", retryable: false, details: { stage: 0, partition: 0 } },
    });
    expect(bench.confirm()).toEqual(["end failed"]);
  });

  test("fails the job where an attempt of the same task still runs elsewhere, and stops that", () => {
    const second = nodeId("second");
    const bench = lostAfterUse();
    bench.poll([], [], "i2", second);
    bench.nowMs = 3_000;
    expect(bench.tell({ kind: "timerFired", timer: "backups" })).toContain("second: start 0.0.e1.a2");
    bench.poll([], [other("0.0.e1.a1")]);
    const effects = bench.confirm();
    expect(effects).toContain("append 6: failed 0.0.e1.a1");
    expect(effects).toContain("second: stop 0.0.e1.a2");
    expect(bench.confirm()).toEqual(["end failed"]);
  });

  test("fails it again when it is resumed: who had read what is not known any more", () => {
    const bench = lostAfterUse();
    bench.poll([], [other("0.0.e1.a1")]);
    bench.confirm();
    bench.confirm();
    const takeOver: LogRecord = {
      version: 1,
      seq: bench.appended.at(-1)!.seq + 1,
      epoch: epoch(2),
      events: [{ kind: "epochStarted", epoch: epoch(2), driver: nodeId("d2"), atMs: 9 }],
    };
    const next = new Bench({ stages: twoReducers, records: [...begun, ...bench.appended, takeOver] });
    expect(next.start()).toEqual([`append ${takeOver.seq + 1}: failed 0.0.e1.a1`]);
    expect(failure(next)).toMatchObject({ error: { code: "OUTPUT_DIFFERS" } });
  });

  test("goes on where it comes out as it was", () => {
    const bench = lostAfterUse();
    bench.poll([], [finished("0.0.e1.a1")]);
    expect(bench.confirm()).toContain("worker: start 1.1.e1.a1, forget 0.0.e1.a1");
  });

  test("goes on where nothing that used it is complete, and takes nothing that read it", () => {
    const bench = atReduce({ stages: twoReducers });
    bench.poll(["1.0.e1.a0"], [failed("1.1.e1.a0", true, ["0.0.e1.a0"])]);
    bench.confirm();
    // The first reduce task read the output before it was lost, and ends when another is on its way to the log.
    expect(bench.poll([], [other("0.0.e1.a1"), finished("1.0.e1.a0")])).toEqual([
      "worker: forget 1.0.e1.a0",
      "append 4: taskCompleted 0.0.e1.a1",
    ]);
    const effects = bench.confirm();
    expect(effects).toContain("worker: start 1.0.e1.a1, start 1.1.e1.a1, forget 0.0.e1.a1");
    expect(bench.driver.state.mixed).toBeUndefined();
  });

  test("takes nothing that read it later either, and counts what had ended before", () => {
    const bench = atReduce({ stages: twoReducers });
    bench.poll(["1.0.e1.a0"], [failed("1.1.e1.a0", true, ["0.0.e1.a0"])]);
    bench.confirm();
    bench.poll(["1.0.e1.a0"], [other("0.0.e1.a1")]);
    bench.confirm();
    expect(bench.poll(["1.1.e1.a1"], [finished("1.0.e1.a0")])).toEqual([
      "worker: start 1.0.e1.a1, forget 1.0.e1.a0",
    ]);
    bench.poll([], [finished("1.0.e1.a1"), finished("1.1.e1.a1")]);
    expect(bench.confirm()).toContain("commit 4 outputs");
  });

  test("fails the job also where what had used it went to the log just before", () => {
    const bench = atReduce({ stages: twoReducers });
    bench.poll(["1.0.e1.a0"], [failed("1.1.e1.a0", true, ["0.0.e1.a0"])]);
    bench.confirm();
    bench.poll(["0.0.e1.a1"], [finished("1.0.e1.a0")]);
    bench.poll([], [finished("1.0.e1.a0"), other("0.0.e1.a1")]);
    bench.confirm();
    expect(bench.confirm()).toContain("append 6: failed 0.0.e1.a1");
  });
});
