/**
 * The driver among workers, messages, timers and a log that do their worst: polls are lost, doubled and late, workers
 * start again, blocks are lost, records are confirmed late, drivers are replaced. Every random choice comes from one
 * seed. After each step its invariants hold; then the faults stop, and the job must be committed.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { assert } from "../base/assert.ts";
import {
  type AttemptId,
  attemptKey,
  contentHash,
  epoch,
  jobId,
  type NodeId,
  nodeId,
  stageId,
} from "../base/ids.ts";
import { Prng } from "../base/prng.ts";
import type { TaskAssignment, TaskOutcome } from "../plan/task.ts";
import { decodeRecord, encodeRecord } from "../protocol/codec.ts";
import type { JobSpec, StageShape } from "../protocol/job-spec.ts";
import type { LogEvent, LogRecord } from "../protocol/log-event.ts";
import type { EndedAttempt, WorkerPoll } from "../protocol/message.ts";
import { auditLog } from "../sim/check/check.ts";
import { JobDriver } from "./driver.ts";
import type { DriverEffect } from "./effect.ts";
import type { DriverEvent } from "./event.ts";
import { JobState } from "./job-state.ts";

const JOB = jobId("job-1");
/** A short one has workers given up, a long one leaves time for attempts to be late. */
const WORKER_LEASES_MS = [1_000, 1_000_000];
/** How far time goes at a step; the longest is over every wait. */
const PASSES_MS = [400, 400, 400, 400, 4_000, 4_000, 400_000];
const FAULTY_STEPS_MAX = 400;
/** Far more than any job here needs; what has not ended then never will. */
const CALM_STEPS_MAX = 20_000;

function drawSpec(random: Prng): JobSpec {
  const stages: StageShape[] = [];
  const count = 1 + random.below(4);
  for (let index = 0; index < count; index++) {
    const earlier = stages.filter(() => random.chance(0.6)).map(({ id }) => id);
    const fromSource = earlier.length === 0;
    const producers = earlier.map((stage) => ({ stage, sink: 0 }));
    stages.push({
      id: stageId(index),
      label: `stage ${index}`,
      tasks: random.below(random.chance(0.3) ? 20 : 5),
      dependsOn: earlier,
      input: fromSource ? { kind: "source", sourceIndex: index } : { kind: "shuffle", sides: [producers] },
      broadcasts: [],
      sinkPartitions: [1],
    });
  }
  const splits = stages.map(({ tasks }) =>
    Array.from({ length: tasks }, (_, start) => ({ kind: "items" as const, start, end: start + 1 })),
  );
  const taskTimeoutMs = random.chance(0.5) ? undefined : 1 + random.below(3_000);
  return {
    version: 1,
    id: JOB,
    name: "job",
    params: {},
    constants: { seed: "s", submittedAtMs: 0, bundle: contentHash("0") },
    fingerprint: "f",
    joins: [],
    stages,
    ends: [],
    shape: "single",
    splits,
    policy: { attemptsMax: 1 + random.below(4), taskTimeoutMs, retryDelayMs: 50, retryDelayMsMax: 400 },
  };
}

interface FakeWorker {
  readonly id: NodeId;
  incarnation: string;
  seq: number;
  slots: number;
  ahead: number;
  readonly running: Map<string, TaskAssignment>;
  readonly ended: Map<string, EndedAttempt>;
  readonly forgotten: Set<string>;
}
type Orders = Extract<DriverEffect, { kind: "sendOrders" }>;
type Mail =
  | { readonly to: "driver"; readonly from: NodeId; readonly poll: WorkerPoll }
  | { readonly to: "worker"; readonly orders: Orders };

class Cluster {
  readonly random: Prng;
  readonly spec: JobSpec;
  readonly log: LogRecord[] = [];
  readonly met = new Set<string>();
  readonly #workers: FakeWorker[];
  #mail: Mail[] = [];
  #driver!: JobDriver;
  readonly #timers = new Map<string, number>();
  readonly #given = new Map<string, TaskAssignment>();
  readonly #completed = new Set<string>();
  /** Timers that were called off or replaced, whose firing may be on its way all the same. */
  readonly #ghosts: string[] = [];
  #appending: LogRecord | undefined;
  #committing = false;
  #nowMs = 0;
  readonly #workerLeaseMs: number;
  /** The one worker at which functions fail; without one they do now and then at all of them. */
  readonly #sick: NodeId | undefined;
  #starts = 0;
  #ended: string | undefined;
  #calm = false;
  /** A worker that ends nothing as long as it may be slow. */
  readonly #slow: NodeId | undefined;
  /** Whether drivers, workers and the job are stopped in between: what needs a while never happens then. */
  readonly #isTroubled: boolean;

  constructor(seed: number) {
    this.random = new Prng(`driver/${seed}`);
    this.spec = drawSpec(this.random);
    this.#slow = this.random.chance(0.5) ? nodeId("w1") : undefined;
    this.#isTroubled = this.random.chance(0.5);
    this.#sick = this.random.chance(0.5) ? nodeId("w0") : undefined;
    this.#workerLeaseMs = this.random.pick(WORKER_LEASES_MS);
    this.#workers = Array.from({ length: 1 + this.random.below(3) }, (_, index) =>
      this.#newWorker(`w${index}`),
    );
    this.#write(epoch(0), { kind: "submitted", job: JOB, spec: contentHash("1"), atMs: 0 });
    this.#takeOver();
  }

  #newWorker(name: string): FakeWorker {
    const incarnation = `i${this.#starts++}`;
    const slots = 1 + this.random.below(3);
    return {
      id: nodeId(name),
      incarnation,
      seq: 0,
      slots,
      ahead: this.random.below(3),
      running: new Map(),
      ended: new Map(),
      forgotten: new Set(),
    };
  }

  #write(of: LogRecord["epoch"], ...events: readonly LogEvent[]): void {
    const record: LogRecord = { version: 1, seq: this.log.length, epoch: of, events };
    this.log.push(decodeRecord(encodeRecord(record), "the log"));
  }

  /** What the old driver had on its way is lost with it, or was durable a moment before. */
  #takeOver(): void {
    if (this.#appending !== undefined && this.random.chance(0.5)) {
      this.log.push(this.#appending);
      this.met.add("appended, and never confirmed");
    }
    this.#appending = undefined;
    this.#committing = false;
    this.#timers.clear();
    if (this.log.at(-1)!.events.at(-1)!.kind === "committed") {
      this.#ended = "committed";
      return;
    }
    const next = epoch(this.log.at(-1)!.epoch + 1);
    this.#write(next, { kind: "epochStarted", epoch: next, driver: nodeId("d"), atMs: 0 });
    this.#ended = undefined;
    const workers = this.#workers.map(({ id }) => id).filter(() => this.random.chance(0.8));
    this.#driver = new JobDriver(JobState.replay(this.spec, this.log), {
      workerLeaseMs: this.#workerLeaseMs,
      muster: { workers, waitMs: 300 },
    });
    this.#tell({ kind: "driverStarted" });
  }

  #tell(event: DriverEvent): void {
    const effects = this.#driver.step(event, this.#nowMs, this.#nowMs);
    this.#driver.checkInvariants();
    if (this.#ended !== undefined) expect(effects).toEqual([]);
    for (const effect of effects) this.#perform(effect);
  }

  #perform(effect: DriverEffect): void {
    switch (effect.kind) {
      case "appendRecord":
        assert(this.#appending === undefined, "one record at a time is on its way");
        this.#appending = decodeRecord(encodeRecord(effect.record), "a record");
        return;
      case "sendOrders":
        for (const task of effect.start) {
          this.#checkStart(task);
          this.#given.set(attemptKey(task.attempt), task);
        }
        this.#mail.push({ to: "worker", orders: effect });
        return;
      case "setTimer":
        assert(effect.delayMs > 0, "a timer waits");
        this.#timers.set(effect.timer, this.#nowMs + effect.delayMs);
        return;
      case "clearTimer":
        this.#timers.delete(effect.timer);
        this.#ghosts.push(effect.timer);
        return;
      case "commitOutputs":
        assert(!this.#committing, "outputs are committed once at a time");
        expect(effect.outputs).toHaveLength(this.spec.stages.reduce((sum, stage) => sum + stage.tasks, 0));
        this.#committing = true;
        return;
      case "endJob":
        expect(this.#driver.state.status.kind).toBe(effect.outcome.kind);
        this.#ended = effect.outcome.kind;
        this.met.add(`ended ${effect.outcome.kind}`);
        return;
      case "note":
        this.met.add(effect.note.kind);
        if (effect.note.kind === "attemptAdopted") this.#checkAdopted(effect.note.attempt);
        if (effect.note.kind === "taskCompleted") this.#checkCompleted(effect.note.completed.attempt);
        return;
    }
  }

  /** Nothing starts that is done, and what starts is given blocks that the log has, in partition order (S5). */
  #checkStart({ attempt, input }: TaskAssignment): void {
    expect(this.#driver.state.completed(attempt.stage, attempt.partition)).toBeUndefined();
    expect(attempt.epoch).toBe(this.#driver.state.epoch);
    if (input.kind === "split") return;
    for (const { stage, blocks } of input.sides.flat()) {
      expect(blocks).toHaveLength(this.spec.stages[stage]!.tasks);
      blocks.forEach(({ key }, partition) => {
        expect(key.startsWith(`s${stage}.p${partition}.`)).toBe(true);
      });
    }
  }

  /** What an earlier driver gave out reads what this one would have it read (S5). */
  #checkAdopted(attempt: AttemptId): void {
    const { state } = this.#driver;
    expect(attempt.epoch).toBeLessThan(state.epoch);
    const { input } = this.#given.get(attemptKey(attempt))!;
    if (input.kind === "split") return;
    this.met.add("adopted, and reads blocks");
    for (const { stage, blocks } of input.sides.flat()) expect(blocks).toEqual(state.blocksOf(stage));
  }

  /** An attempt becomes effective once, and not again after its output was lost (S4). */
  #checkCompleted(attempt: AttemptId): void {
    const key = attemptKey(attempt);
    expect(this.#completed.has(key)).toBe(false);
    this.#completed.add(key);
    if (attempt.epoch < this.#driver.state.epoch) this.met.add("adopted, and counted");
  }

  // ---- What may happen ------------------------------------------------------------------------------------------

  #resize(worker: FakeWorker): void {
    worker.slots = 1 + this.random.below(3);
    worker.ahead = this.random.below(3);
  }

  #poll(worker: FakeWorker): void {
    const { incarnation, slots, running, ended } = worker;
    const assignments = [...running.values()];
    const epochs = new Set([...assignments, ...ended.values()].map(({ attempt }) => attempt.epoch));
    const poll: WorkerPoll = {
      kind: "poll",
      job: JOB,
      incarnation,
      region: worker.id === "w0" ? "east" : "west",
      seq: worker.seq++,
      slots,
      ahead: worker.ahead,
      running: assignments.map(({ attempt }) => attempt),
      runningAsOf: assignments.map(({ asOfSeq }) => asOfSeq!),
      ended: [...ended.values()],
      terms: [...epochs].sort((a, b) => a - b).map((of) => ({ epoch: of, holder: "" })),
    };
    this.#mail.push({ to: "driver", from: worker.id, poll });
  }

  #deliver(): void {
    if (this.#mail.length === 0) return;
    const [mail] = this.#mail.splice(this.#calm ? 0 : this.random.below(this.#mail.length), 1);
    if (!this.#calm && this.random.chance(0.1)) return;
    if (!this.#calm && this.random.chance(0.1)) this.#mail.push(mail!);
    if (mail!.to === "driver") this.#tell({ kind: "workerPolled", worker: mail!.from, poll: mail!.poll });
    else this.#obey(mail!.orders);
  }

  #obey({ worker: id, incarnation, start, stop, forget }: Orders): void {
    const worker = this.#workers.find((candidate) => candidate.id === id)!;
    if (worker.incarnation !== incarnation) return;
    for (const attempt of forget) {
      if (worker.ended.delete(attemptKey(attempt))) worker.forgotten.add(attemptKey(attempt));
    }
    for (const attempt of stop) this.#endAttempt(worker, attemptKey(attempt), { kind: "stopped" });
    for (const assignment of start) {
      const key = attemptKey(assignment.attempt);
      const known = worker.running.has(key) || worker.ended.has(key) || worker.forgotten.has(key);
      if (!known && worker.running.size < worker.slots + worker.ahead) worker.running.set(key, assignment);
    }
  }

  #endAttempt(worker: FakeWorker, key: string, outcome: TaskOutcome): void {
    const assignment = worker.running.get(key);
    if (assignment === undefined) return;
    worker.running.delete(key);
    const { attempt, asOfSeq } = assignment;
    worker.ended.set(key, { attempt, outcome, asOfSeq: asOfSeq! });
  }

  #work(): void {
    const worker = this.random.pick(this.#workers);
    if (worker.id === this.#slow && !this.#calm) return;
    const keys = [...worker.running.keys()];
    if (keys.length === 0) return;
    const key = this.random.pick(keys);
    this.#endAttempt(worker, key, this.#drawOutcome(worker, worker.running.get(key)!));
    if (this.#calm || this.random.chance(0.7)) this.#poll(worker);
  }

  #drawOutcome({ id }: FakeWorker, { attempt, input }: TaskAssignment): TaskOutcome {
    const luck = this.#calm ? 1 : this.random.next();
    if (luck < 0.05) return { kind: "stopped" };
    const error = { code: "USER_FUNCTION", message: "boom", retryable: luck > 0.06, details: {} } as const;
    const fails = this.#sick === undefined ? luck < 0.15 : luck < 1 && id === this.#sick;
    if (fails) return { kind: "failed", error, lostBlocks: [] };
    const keys =
      input.kind === "blocks" ? input.sides.flat().flatMap(({ blocks }) => blocks.map(({ key }) => key)) : [];
    if (luck < 0.4 && keys.length > 0) {
      const lostBlocks = [this.random.pick(keys), this.random.pick(keys)];
      return { kind: "failed", error, lostBlocks };
    }
    const output = {
      // The same rows from every attempt: what happens where they differ has tests of its own.
      block: { key: attemptKey(attempt), bytes: 7 * attempt.partition, checksum: attempt.stage, node: id },
      files: [],
      rowsIn: 1,
      bytesIn: 1,
      sinkRows: [1],
      counters: {},
    };
    return { kind: "finished", output };
  }

  #confirm(): void {
    const record = this.#appending;
    if (record === undefined) return;
    this.#appending = undefined;
    this.log.push(record);
    this.#tell({ kind: "recordAppended", seq: record.seq });
  }

  #answerCommit(): void {
    if (!this.#committing) return;
    this.#committing = false;
    const keys = [...this.#driver.state.outputs()].map(({ output }) => output.block!.key);
    const luck = this.#calm ? 1 : this.random.next();
    if (luck < 0.5 && keys.length > 0) {
      this.met.add("results lost");
      return this.#tell({ kind: "resultBlocksLost", keys: [this.random.pick(keys)] });
    }
    const error = { code: "OUTPUT_FAILED", message: "no", retryable: false, details: {} } as const;
    this.#tell(luck < 0.6 ? { kind: "outputsFailed", error } : { kind: "outputsCommitted" });
  }

  #passTime(mostMs: number): void {
    this.#nowMs += this.random.next() * mostMs;
    const due = [...this.#timers].filter(([, atMs]) => atMs <= this.#nowMs);
    for (const [timer, atMs] of due) {
      // An earlier one may have replaced it or called it off.
      if (this.#timers.get(timer) !== atMs) continue;
      this.#timers.delete(timer);
      this.#tell({ kind: "timerFired", timer });
    }
  }

  #restartWorker(): void {
    const index = this.random.below(this.#workers.length);
    this.#workers[index] = this.#newWorker(this.#workers[index]!.id);
    this.#poll(this.#workers[index]!);
  }

  // ---- The two phases ---------------------------------------------------------------------------------------------

  misbehave(): void {
    const steps = this.random.below(FAULTY_STEPS_MAX);
    for (let step = 0; step < steps && this.#ended !== "committed"; step++) {
      const luck = this.random.next();
      if (luck < 0.2) this.#poll(this.random.pick(this.#workers));
      else if (luck < 0.5) this.#deliver();
      else if (luck < 0.7) this.#work();
      else if (luck < 0.83) this.#confirm();
      else if (luck < 0.88) this.#answerCommit();
      else if (luck < 0.94) this.#passTime(this.random.pick(PASSES_MS));
      else if (luck < 0.98) this.#trouble(luck);
      else if (luck < 0.99) this.#resize(this.random.pick(this.#workers));
      else if (this.#ghosts.length > 0)
        this.#tell({ kind: "timerFired", timer: this.random.pick(this.#ghosts) });
      // An ended job is resumed by whoever wants to, at some time.
      if (this.#ended !== undefined && this.random.chance(0.05)) this.#takeOver();
      this.#checkReplay();
    }
  }

  #trouble(luck: number): void {
    if (!this.#isTroubled) return;
    if (luck < 0.955) this.#restartWorker();
    else if (luck < 0.96) this.#tell({ kind: "cancelRequested", reason: "Ctrl-C" });
    else this.#takeOver();
  }

  /** From here on nothing goes wrong any more; whatever was on its way still comes. */
  calmDown(): void {
    this.#calm = true;
    for (let step = 0; this.#ended !== "committed"; step++) {
      assert(step < CALM_STEPS_MAX, "a job ends once nothing goes wrong any more (L15)");
      if (this.#ended !== undefined) this.#takeOver();
      for (const worker of this.#workers) this.#poll(worker);
      while (this.#mail.length > 0) this.#deliver();
      this.#work();
      this.#confirm();
      this.#answerCommit();
      // Where no worker is given up for it, now and then so long that all waits are over.
      this.#passTime(this.#workerLeaseMs > 1_000 && this.random.chance(0.1) ? 1_000_000 : 200);
    }
    this.#checkReplay();
  }

  /** S3: what a new driver would read is what this one acts on. */
  #checkReplay(): void {
    const { state } = this.#driver;
    if (state.nextSeq !== this.log.length) return;
    const replayed = JobState.replay(this.spec, this.log);
    expect([...replayed.outputs()]).toEqual([...state.outputs()]);
    expect([replayed.status, replayed.epoch]).toEqual([state.status, state.epoch]);
  }
}

test("whatever happens, the log is sound, a replay of it gives the live state, and the job ends", () => {
  const met = new Set<string>();
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const cluster = new Cluster(seed);
      cluster.misbehave();
      cluster.calmDown();
      expect(auditLog(cluster.log)).toEqual([]);
      for (const situation of cluster.met) met.add(situation);
    }),
    { numRuns: 400 },
  );
  // What never happened was not tried.
  expect([...met].sort()).toEqual([
    "adopted, and counted",
    "adopted, and reads blocks",
    "appended, and never confirmed",
    "attemptAdopted",
    "backupStarted",
    "backupWon",
    "ended cancelled",
    "ended committed",
    "ended failed",
    "nodeBack",
    "nodeSetAside",
    "outputLost",
    "results lost",
    "taskCompleted",
    "taskFailed",
    "workerLost",
  ]);
});
