/**
 * A job of very many tasks on very many nodes, for what its driver costs: the shipped driver among workers that only
 * pretend to work, in virtual time, without promises. Some nodes are slow, and on
 * one everything fails.
 *
 * What is measured is the time spent in the driver's steps and nothing else.
 */
import { assert } from "../../base/assert.ts";
import { type AttemptId, attemptKey, contentHash, epoch, jobId, nodeId, stageId } from "../../base/ids.ts";
import { Prng } from "../../base/prng.ts";
import { JobDriver } from "../../core/driver.ts";
import type { DriverEffect } from "../../core/effect.ts";
import type { DriverEvent } from "../../core/event.ts";
import { JobState } from "../../core/job-state.ts";
import type { TaskAssignment, TaskOutput } from "../../plan/task.ts";
import type { JobSpec, StageShape } from "../../protocol/job-spec.ts";
import type { LogRecord } from "../../protocol/log-event.ts";
import type { EndedAttempt } from "../../protocol/message.ts";
import { Scheduler } from "../scheduler.ts";

const JOB = jobId("scale-1");
const SLOTS = 2;
/** Of all tasks, those of the second stage. */
const REDUCE_SHARE = 0.2;
const TASK_MS = 1_000;
const HEARTBEAT_MS = 3_000;
const WORKER_LEASE_MS = 10_000;
const MESSAGE_MS = 1;
const APPEND_MS = 5;
/** Of all nodes, those on which everything takes `SLOW_FACTOR` times as long. */
const SLOW_SHARE = 0.01;
const SLOW_FACTOR = 20;
/** The node on which everything fails, at once. */
const SICK = 0;
const FAIL_MS = 50;
/** No job here takes longer: one that does is stuck. */
const VIRTUAL_MS_MAX = 3_600_000;

export interface ScaleOptions {
  readonly nodes: number;
  readonly tasks: number;
  readonly seed: string;
  /** Reads a clock, in milliseconds: the simulator has none of its own. */
  readonly nowMs: () => number;
}

export interface ScaleResult {
  /** Spent in the driver's steps. */
  readonly driverMs: number;
  readonly steps: number;
  readonly virtualMs: number;
  readonly attempts: number;
  /** How often the driver had each thing to tell. */
  readonly notes: ReadonlyMap<string, number>;
}

interface ScaleWorker {
  readonly index: number;
  readonly factor: number;
  readonly isSick: boolean;
  seq: number;
  readonly running: Map<string, TaskAssignment>;
  readonly ended: Map<string, EndedAttempt>;
  pollDue: boolean;
}

/** Runs the job to its end. */
export function runScale(options: ScaleOptions): ScaleResult {
  return new Scale(options).run();
}

class Scale {
  readonly #options: ScaleOptions;
  readonly #scheduler = new Scheduler();
  readonly #random: Prng;
  readonly #driver: JobDriver;
  readonly #workers: readonly ScaleWorker[];
  readonly #timers = new Map<string, () => void>();
  readonly #notes = new Map<string, number>();
  #driverMs = 0;
  #steps = 0;
  #attempts = 0;
  #ended: string | undefined;

  constructor(options: ScaleOptions) {
    this.#options = options;
    this.#random = new Prng(options.seed);
    const state = JobState.replay(specOf(options.tasks), BEGUN);
    this.#driver = new JobDriver(state, { workerLeaseMs: WORKER_LEASE_MS });
    this.#workers = Array.from({ length: options.nodes }, (_, index) => ({
      index,
      factor: this.#random.chance(SLOW_SHARE) ? SLOW_FACTOR : 1,
      isSick: index === SICK,
      seq: 0,
      running: new Map(),
      ended: new Map(),
      pollDue: false,
    }));
  }

  run(): ScaleResult {
    this.#tell({ kind: "driverStarted" });
    for (const worker of this.#workers)
      this.#scheduler.after(this.#random.below(HEARTBEAT_MS), () => this.#heartbeat(worker));
    const done = this.#scheduler.playThrough(() => this.#ended !== undefined, VIRTUAL_MS_MAX);
    assert(done && this.#ended === "committed", "a job that nothing disturbs commits");
    return {
      driverMs: this.#driverMs,
      steps: this.#steps,
      virtualMs: this.#scheduler.nowMs,
      attempts: this.#attempts,
      notes: this.#notes,
    };
  }

  #tell(event: DriverEvent): void {
    const { nowMs } = this.#options;
    const beganMs = nowMs();
    const effects = this.#driver.step(event, this.#scheduler.nowMs, this.#scheduler.nowMs);
    this.#driverMs += nowMs() - beganMs;
    this.#steps++;
    for (const effect of effects) this.#perform(effect);
  }

  #perform(effect: DriverEffect): void {
    switch (effect.kind) {
      case "appendRecord":
        return this.#later(APPEND_MS, () => this.#tell({ kind: "recordAppended", seq: effect.record.seq }));
      case "sendOrders":
        return this.#later(MESSAGE_MS, () => this.#obey(effect));
      case "setTimer":
        this.#timers.get(effect.timer)?.();
        this.#timers.set(
          effect.timer,
          this.#scheduler.after(effect.delayMs, () => {
            this.#timers.delete(effect.timer);
            this.#tell({ kind: "timerFired", timer: effect.timer });
          }),
        );
        return;
      case "clearTimer":
        this.#timers.get(effect.timer)?.();
        this.#timers.delete(effect.timer);
        return;
      case "commitOutputs":
        return this.#later(1, () => this.#tell({ kind: "outputsCommitted" }));
      case "endJob":
        this.#ended = effect.outcome.kind;
        return;
      case "note":
        this.#notes.set(effect.note.kind, (this.#notes.get(effect.note.kind) ?? 0) + 1);
        return;
    }
  }

  #later(delayMs: number, run: () => void): void {
    this.#scheduler.after(delayMs, run);
  }

  // ---- Workers ------------------------------------------------------------------------------------------------

  #heartbeat(worker: ScaleWorker): void {
    this.#poll(worker);
    this.#later(HEARTBEAT_MS, () => this.#heartbeat(worker));
  }

  #pollSoon(worker: ScaleWorker): void {
    if (worker.pollDue) return;
    worker.pollDue = true;
    this.#later(MESSAGE_MS, () => this.#poll(worker));
  }

  #poll(worker: ScaleWorker): void {
    worker.pollDue = false;
    const poll = {
      kind: "poll" as const,
      job: JOB,
      incarnation: "i",
      seq: worker.seq++,
      slots: SLOTS,
      ahead: 0,
      running: [...worker.running.values()].map(({ attempt }) => attempt),
      ended: [...worker.ended.values()],
      terms: [],
    };
    this.#tell({ kind: "workerPolled", worker: nameOf(worker.index), poll });
  }

  #obey({ worker: id, start, stop, forget }: Extract<DriverEffect, { kind: "sendOrders" }>): void {
    const worker = this.#workers[Number(id.slice(1))]!;
    for (const attempt of forget) worker.ended.delete(attemptKey(attempt));
    for (const attempt of stop) this.#end(worker, attempt, { kind: "stopped" });
    for (const assignment of start) this.#begin(worker, assignment);
  }

  #begin(worker: ScaleWorker, assignment: TaskAssignment): void {
    const { attempt } = assignment;
    const key = attemptKey(attempt);
    if (worker.running.has(key) || worker.ended.has(key)) return;
    worker.running.set(key, assignment);
    this.#attempts++;
    if (worker.isSick) return this.#later(FAIL_MS, () => this.#end(worker, attempt, FAILED));
    const tookMs = TASK_MS * worker.factor * (0.5 + this.#random.next());
    const output = outputOf(attempt, worker.index);
    this.#later(tookMs, () => this.#end(worker, attempt, { kind: "finished", output }));
  }

  #end(worker: ScaleWorker, attempt: AttemptId, outcome: EndedAttempt["outcome"]): void {
    const key = attemptKey(attempt);
    if (!worker.running.delete(key)) return;
    worker.ended.set(key, { attempt, outcome });
    this.#pollSoon(worker);
  }
}

const FAILED: EndedAttempt["outcome"] = {
  kind: "failed",
  error: { code: "THREAD_DIED", message: "sick", retryable: true, details: {} },
  lostBlocks: [],
};

const nameOf = (index: number) => nodeId(`n${String(index).padStart(6, "0")}`);

const outputOf = (attempt: AttemptId, node: number): TaskOutput => ({
  block: { key: attemptKey(attempt), bytes: 1_000, checksum: 1, node: nameOf(node) },
  files: [],
  rowsIn: 1,
  bytesIn: 1,
  sinkRows: [1],
  counters: {},
});

const BEGUN: readonly LogRecord[] = [
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

/** Two stages: one that reads, and one that reads all of its blocks. */
function specOf(tasks: number): JobSpec {
  const reduces = Math.max(1, Math.floor(tasks * REDUCE_SHARE));
  const maps = tasks - reduces;
  const map: StageShape = {
    id: stageId(0),
    label: "map",
    tasks: maps,
    dependsOn: [],
    input: { kind: "source", sourceIndex: 0 },
    broadcasts: [],
    sinkPartitions: [reduces],
  };
  const reduce: StageShape = {
    id: stageId(1),
    label: "reduce",
    tasks: reduces,
    dependsOn: [map.id],
    input: { kind: "shuffle", sides: [[{ stage: map.id, sink: 0 }]] },
    broadcasts: [],
    sinkPartitions: [1],
  };
  return {
    version: 1,
    id: JOB,
    name: "scale",
    params: {},
    constants: { seed: "s", submittedAtMs: 0, bundle: contentHash("0") },
    fingerprint: "f",
    joins: [],
    stages: [map, reduce],
    ends: [],
    shape: "single",
    splits: [Array.from({ length: maps }, (_, start) => ({ kind: "items", start, end: start + 1 }))],
    policy: { attemptsMax: 3, taskTimeoutMs: undefined, retryDelayMs: 100, retryDelayMsMax: 10_000 },
  };
}
