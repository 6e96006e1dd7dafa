/**
 * The driver of one job: a pure machine, `step(event, now) -> effects`.
 *
 * Owns: which task runs where, when it is tried again, what the log says next, when the outputs are shown.
 * Does not own: time, the store, messages, files. Whoever holds it performs its effects and brings it the events.
 *
 * Invariants
 * 1. A decision counts when the log has it: `JobState` changes only in `#onRecordAppended`. So what a new driver
 *    reads in the log is exactly what this one acted on (S3).
 * 2. At most one record is on its way; what is decided meanwhile waits and goes together in the next.
 * 3. Reports are matched against the live attempts; any other is answered "forget" or "stop" and changes nothing (S4).
 * 4. After a record that ends the job nothing is appended in this epoch.
 * 5. When the job has ended, every collection is empty.
 */
import { assert, unreachable } from "../base/assert.ts";
import type { ErrorInfo } from "../base/errors.ts";
import {
  type AttemptId,
  attemptKey,
  type NodeId,
  type StageId,
  stageId,
  type TaskId,
  taskKey,
} from "../base/ids.ts";
import { Prng } from "../base/prng.ts";
import type { TaskAssignment } from "../plan/task.ts";
import type { LogEvent, LogRecord } from "../protocol/log-event.ts";
import type { EndedAttempt, WorkerPoll } from "../protocol/message.ts";
import { assignmentFor } from "./assign.ts";
import type { DriverEffect } from "./effect.ts";
import type { DriverEvent } from "./event.ts";
import type { JobState } from "./job-state.ts";
import { ReadyQueue } from "./ready-queue.ts";
import { Phase, TaskTable } from "./task-table.ts";
import { type Timer, timerName } from "./timer.ts";
import { type LiveAttempt, type WorkerState, WorkerTable } from "./worker-table.ts";

/** Keeps a record far below what one transaction of the store may hold. */
const EVENTS_PER_RECORD_MAX = 256;
/** Attempts of one task lost to dead workers or missing blocks, before the job fails rather than go round for ever. */
const LOSSES_PER_TASK_MAX = 20;

export interface DriverOptions {
  /** A worker not heard of for so long is taken for lost. */
  readonly workerLeaseMs: number;
}

interface Orders {
  readonly start: TaskAssignment[];
  readonly stop: AttemptId[];
  readonly forget: AttemptId[];
}

/** working: tasks run · committing: outputs are being shown · ending: the last record is on its way · ended */
type Mode = "working" | "committing" | "ending" | "ended";

export class JobDriver {
  readonly state: JobState;
  readonly #options: DriverOptions;
  readonly #ready = new ReadyQueue();
  readonly #tasks: TaskTable;
  readonly #workers = new WorkerTable();
  readonly #timers = new Map<string, Timer>();
  readonly #undecided: LogEvent[] = [];
  readonly #blocksReportedLost = new Set<string>();
  #inFlight: LogRecord | undefined;
  #mode: Mode = "working";
  #cancelReason: string | undefined;
  #effects: DriverEffect[] = [];
  #nowMs = 0;
  #wallMs = 0;

  /** @param state The job as its log says, with this driver's own epoch as the last thing in it. */
  constructor(state: JobState, options: DriverOptions) {
    assert(state.status.kind === "running", "a driver starts on a running job");
    this.state = state;
    this.#options = options;
    this.#tasks = new TaskTable(state);
  }

  /** Takes in one event. `nowMs` is monotonic; `wallMs` is for the log's readers only. */
  step(event: DriverEvent, nowMs: number, wallMs: number): readonly DriverEffect[] {
    if (this.#mode === "ended") return [];
    this.#effects = [];
    this.#nowMs = nowMs;
    this.#wallMs = wallMs;
    this.#on(event);
    this.#append();
    return this.#effects;
  }

  #on(event: DriverEvent): void {
    switch (event.kind) {
      case "driverStarted":
        for (const stage of this.state.spec.stages) this.#enqueueStage(stage.id);
        return this.#commitIfComplete();
      case "workerPolled":
        return this.#onWorkerPolled(event.worker, event.poll);
      case "recordAppended":
        return this.#onRecordAppended(event.seq);
      case "timerFired":
        return this.#onTimerFired(event.timer);
      case "outputsCommitted":
        assert(this.#mode === "committing", "outputs are committed when that was asked for");
        return this.#end({ kind: "committed", atMs: this.#wallMs });
      case "outputsFailed":
        assert(this.#mode === "committing", "outputs fail when they were to be committed");
        return this.#fail(undefined, event.error);
      case "resultBlocksLost":
        return this.#onResultBlocksLost(event.keys);
      case "cancelRequested":
        return this.#onCancelRequested(event.reason);
      default:
        return unreachable(event);
    }
  }

  // ---- Workers ------------------------------------------------------------------------------------------------

  #onWorkerPolled(id: NodeId, poll: WorkerPoll): void {
    const worker = this.#meet(id, poll);
    if (poll.seq <= worker.seq) return;
    worker.seq = poll.seq;
    worker.slots = poll.slots;
    worker.lastSeenMs = this.#nowMs;
    const orders: Orders = { start: [], stop: [], forget: [] };
    const known = new Set<string>();
    for (const ended of poll.ended) {
      known.add(attemptKey(ended.attempt));
      if (!this.#onAttemptEnded(worker, ended)) orders.forget.push(ended.attempt);
    }
    for (const attempt of poll.running) {
      known.add(attemptKey(attempt));
      if (!worker.running.has(attemptKey(attempt))) orders.stop.push(attempt);
    }
    worker.unwanted = orders.stop.length;
    for (const key of [...worker.running].sort()) {
      if (!known.has(key)) orders.start.push(this.#workers.liveByKey(key)!.assignment);
    }
    this.#giveTasks(worker, orders);
  }

  /** The worker's state, new for a new incarnation. */
  #meet(id: NodeId, poll: WorkerPoll): WorkerState {
    const known = this.#workers.get(id);
    if (known?.incarnation === poll.incarnation) return known;
    if (known !== undefined) this.#loseWorker(known);
    const worker = this.#workers.join(id, poll, this.#nowMs);
    this.#setTimer(
      { kind: "workerLease", worker: id, incarnation: poll.incarnation },
      this.#options.workerLeaseMs,
    );
    return worker;
  }

  #loseWorker(worker: WorkerState): void {
    this.#note({ kind: "workerLost", worker: worker.id });
    for (const live of this.#workers.remove(worker)) {
      this.#clearTimer({ kind: "taskTimeout", attempt: live.id });
      this.#retryLost(live);
    }
    this.#giveTasksToAll();
  }

  /** An attempt went down with no fault of its own. */
  #retryLost(live: LiveAttempt): void {
    this.#countLoss(live);
    if (this.#mode === "working") this.#enqueue(live.id);
  }

  #countLoss(live: LiveAttempt): void {
    this.#tasks.setPhase(live.id, [Phase.running], Phase.idle);
    const losses = this.#tasks.countLoss(live.id);
    if (losses < LOSSES_PER_TASK_MAX) return;
    const message = `Task ${taskKey(live.id)} was lost ${losses} times with its worker or its input. Look at the workers' own logs, then resume the job.`;
    this.#fail(live.id, { code: "JOB_FAILED", message, retryable: true, details: {} });
  }

  #giveTasksToAll(): void {
    if (this.#ready.size === 0) return;
    for (const worker of this.#workers.all()) this.#giveTasks(worker, { start: [], stop: [], forget: [] });
  }

  /** Fills the worker's free slots, and sends what there is to say. */
  #giveTasks(worker: WorkerState, orders: Orders): void {
    while (this.#mode === "working" && this.#workers.freeSlots(worker) > 0) {
      const task = this.#nextReady();
      if (task === undefined) break;
      const attempt = { ...task, epoch: this.state.epoch, attempt: this.#tasks.nextAttempt(task) };
      const assignment = assignmentFor(this.state, attempt);
      this.#tasks.setPhase(task, [Phase.queued], Phase.running);
      this.#workers.assign(worker, assignment);
      const { taskTimeoutMs } = this.state.spec.policy;
      if (taskTimeoutMs !== undefined) this.#setTimer({ kind: "taskTimeout", attempt }, taskTimeoutMs);
      orders.start.push(assignment);
    }
    if (orders.start.length + orders.stop.length + orders.forget.length === 0) return;
    this.#effects.push({ kind: "sendOrders", worker: worker.id, incarnation: worker.incarnation, ...orders });
  }

  // ---- Tasks --------------------------------------------------------------------------------------------------

  /** The next task whose inputs are all there; queued ones whose inputs were lost meanwhile go back to idle. */
  #nextReady(): TaskId | undefined {
    for (;;) {
      const task = this.#ready.pop();
      if (task === undefined || this.#isUnlocked(task.stage)) return task;
      this.#tasks.setPhase(task, [Phase.queued], Phase.idle);
    }
  }

  #isUnlocked(stage: StageId): boolean {
    return this.state.spec.stages[stage]!.dependsOn.every((id) => this.state.isStageComplete(id));
  }

  #enqueue(task: TaskId): void {
    if (!this.#isUnlocked(task.stage)) return;
    this.#tasks.setPhase(task, [Phase.idle, Phase.delayed], Phase.queued);
    this.#ready.push(task.stage, task.partition);
  }

  #enqueueStage(stage: StageId): void {
    if (!this.#isUnlocked(stage) || this.state.isStageComplete(stage)) return;
    for (const partition of this.#tasks.idlePartitions(stage)) {
      if (this.state.completed(stage, partition) === undefined) this.#enqueue({ stage, partition });
    }
  }

  /** Takes in an outcome; true where the worker must keep it until the log has it. */
  #onAttemptEnded(worker: WorkerState, { attempt, outcome }: EndedAttempt): boolean {
    const live = this.#workers.live(attempt);
    if (live === undefined || live.worker !== worker.id) return false;
    if (live.recording) return true;
    switch (outcome.kind) {
      case "finished":
        this.#workers.startRecording(live);
        this.#tasks.setPhase(attempt, [Phase.running], Phase.recording);
        this.#undecided.push({ kind: "taskCompleted", attempt: live.id, output: outcome.output });
        return true;
      case "stopped":
        this.#retryLost(this.#settle(attempt));
        return false;
      case "failed":
        this.#settle(attempt);
        if (outcome.lostBlocks.length > 0) this.#onInputLost(live, outcome.lostBlocks);
        else this.#onTaskFailed(live.id, outcome.error);
        return false;
      default:
        return unreachable(outcome);
    }
  }

  #onTaskFailed(attempt: AttemptId, error: ErrorInfo): void {
    const { attemptsMax } = this.state.spec.policy;
    const tries = this.#tasks.countFailure(attempt);
    const last = !error.retryable || tries >= attemptsMax;
    const retryInMs = last ? undefined : this.#retryDelayMs(attempt, tries);
    this.#note({ kind: "taskFailed", attempt, tries, triesMax: attemptsMax, error, retryInMs });
    if (retryInMs === undefined) {
      this.#tasks.setPhase(attempt, [Phase.running], Phase.idle);
      this.#fail(attempt, error);
      return;
    }
    this.#tasks.setPhase(attempt, [Phase.running], Phase.delayed);
    this.#setTimer(
      { kind: "retry", task: { stage: attempt.stage, partition: attempt.partition } },
      retryInMs,
    );
  }

  /** Doubles with each failure, half of it drawn by chance so that tasks that failed together do not return together. */
  #retryDelayMs(task: TaskId, failures: number): number {
    const { retryDelayMs, retryDelayMsMax } = this.state.spec.policy;
    const ceiling = Math.min(retryDelayMs * 2 ** (failures - 1), retryDelayMsMax);
    const chance = new Prng(
      `${this.state.spec.constants.seed}/${this.state.epoch}/${taskKey(task)}/${failures}`,
    ).next();
    return Math.ceil(ceiling * (0.5 + 0.5 * chance));
  }

  /** The blocks this attempt was to read are gone: whoever made them runs again first. */
  #onInputLost(live: LiveAttempt, keys: readonly string[]): void {
    if (!this.#reportLost(keys)) return this.#retryLost(live);
    // It stays idle: the loss locks its stage, and the stage brings it back when it unlocks.
    this.#countLoss(live);
  }

  /** True where the loss of one of these blocks is on its way to the log; false where others have replaced them. */
  #reportLost(keys: readonly string[]): boolean {
    let lost = false;
    for (const key of keys) {
      const attempt = this.state.attemptOfBlock(key);
      if (attempt === undefined) continue;
      lost = true;
      if (this.#blocksReportedLost.has(key)) continue;
      this.#blocksReportedLost.add(key);
      this.#undecided.push({ kind: "outputLost", attempt });
    }
    return lost;
  }

  // ---- Log ----------------------------------------------------------------------------------------------------

  #append(): void {
    if (this.#inFlight !== undefined || this.#undecided.length === 0) return;
    const events = this.#undecided.splice(0, EVENTS_PER_RECORD_MAX);
    this.#inFlight = { version: 1, seq: this.state.nextSeq, epoch: this.state.epoch, events };
    this.#effects.push({ kind: "appendRecord", record: this.#inFlight });
  }

  #onRecordAppended(seq: number): void {
    const record = this.#inFlight;
    assert(record?.seq === seq, `the record that is confirmed is the one on its way, ${seq}`);
    this.#inFlight = undefined;
    for (const event of record.events) {
      if (event.kind === "outputLost") this.#noteLoss(event.attempt);
    }
    this.state.applyRecord(record);
    for (const event of record.events) this.#onDurable(event);
    if (this.#mode !== "ended") this.#giveTasksToAll();
  }

  #onDurable(event: LogEvent): void {
    switch (event.kind) {
      case "taskCompleted":
        return this.#onCompletionDurable(event.attempt);
      case "outputLost":
        return this.#onLossDurable(event.attempt);
      case "committed":
        return this.#finish({ kind: "endJob", outcome: { kind: "committed" } });
      case "failed":
        return this.#finish({ kind: "endJob", outcome: { kind: "failed", error: event.error } });
      case "cancelled":
        return this.#finish({ kind: "endJob", outcome: { kind: "cancelled", reason: event.reason } });
      case "submitted":
      case "epochStarted":
        return assert(false, "only a take-over or a submission writes this");
      default:
        return unreachable(event);
    }
  }

  #onCompletionDurable(attempt: AttemptId): void {
    const completed = this.state.completed(attempt.stage, attempt.partition);
    assert(completed !== undefined, "what the log has is complete");
    this.#note({ kind: "taskCompleted", completed });
    const live = this.#workers.live(attempt);
    if (live !== undefined) {
      this.#settle(attempt);
      this.#tasks.setPhase(attempt, [Phase.recording], Phase.idle);
    }
    if (this.state.isStageComplete(attempt.stage)) this.#onStageComplete(attempt.stage);
    // Where the job is ending every live attempt was let go of already.
    const worker = live === undefined ? undefined : this.#workers.get(live.worker);
    if (worker !== undefined) this.#giveTasks(worker, { start: [], stop: [], forget: [attempt] });
  }

  #onStageComplete(complete: StageId): void {
    for (const stage of this.state.spec.stages) {
      if (stage.dependsOn.includes(complete)) this.#enqueueStage(stage.id);
    }
    this.#commitIfComplete();
  }

  #noteLoss(attempt: AttemptId): void {
    const lost = this.state.completed(attempt.stage, attempt.partition);
    assert(lost !== undefined, "what is lost was complete");
    this.#note({ kind: "outputLost", lost });
  }

  #onLossDurable(attempt: AttemptId): void {
    this.#blocksReportedLost.clear();
    for (const event of this.#undecided) {
      if (event.kind === "outputLost") this.#blocksReportedLost.add(this.#blockKeyOf(event.attempt));
    }
    const task = { stage: attempt.stage, partition: attempt.partition };
    if (this.#tasks.phase(task) === Phase.idle) this.#enqueue(task);
    // Tasks that failed for want of this block are idle again, and wait until their stage unlocks.
  }

  #blockKeyOf(attempt: AttemptId): string {
    return this.state.completed(attempt.stage, attempt.partition)?.output.block?.key ?? "";
  }

  // ---- End ----------------------------------------------------------------------------------------------------

  #commitIfComplete(): void {
    if (this.#mode !== "working" || !this.state.isComplete()) return;
    if (this.#undecided.length > 0) return;
    this.#mode = "committing";
    this.#effects.push({ kind: "commitOutputs", outputs: [...this.state.outputs()] });
  }

  #onResultBlocksLost(keys: readonly string[]): void {
    assert(this.#mode === "committing", "results are read when outputs are to be committed");
    this.#mode = "working";
    if (this.#cancelReason !== undefined) return this.#cancel(this.#cancelReason);
    assert(this.#reportLost(keys), "a result block that is lost was an effective attempt's");
  }

  /** Outputs that are being shown can no longer be stopped half-way: the wish waits for how that ends. */
  #onCancelRequested(reason: string): void {
    if (this.#mode === "ending") return;
    this.#cancelReason = reason;
    if (this.#mode === "working") this.#cancel(reason);
  }

  #cancel(reason: string): void {
    this.#end({ kind: "cancelled", atMs: this.#wallMs, reason });
  }

  #fail(attempt: AttemptId | undefined, error: ErrorInfo): void {
    if (this.#mode === "ending") return;
    this.#end({ kind: "failed", atMs: this.#wallMs, attempt, error });
  }

  /** Stops all work; the job has ended when this event is durable. */
  #end(event: LogEvent): void {
    assert(this.#mode !== "ending" && this.#mode !== "ended", "a job ends once in an epoch");
    this.#mode = "ending";
    this.#undecided.push(event);
    this.#ready.clear();
    this.#timers.clear();
    for (const worker of this.#workers.all()) {
      const stop = [...worker.running].sort().map((key) => this.#workers.liveByKey(key)!.id);
      this.#giveTasks(worker, { start: [], stop, forget: [] });
    }
    this.#workers.settleAll();
  }

  #finish(effect: DriverEffect): void {
    assert(this.#undecided.length === 0, "nothing is decided after the end");
    this.#mode = "ended";
    this.#ready.clear();
    this.#timers.clear();
    this.#workers.clear();
    this.#blocksReportedLost.clear();
    this.#effects.push(effect);
  }

  // ---- Time ---------------------------------------------------------------------------------------------------

  #setTimer(timer: Timer, delayMs: number): void {
    const name = timerName(timer);
    this.#timers.set(name, timer);
    this.#effects.push({ kind: "setTimer", timer: name, delayMs });
  }

  #clearTimer(timer: Timer): void {
    const name = timerName(timer);
    if (this.#timers.delete(name)) this.#effects.push({ kind: "clearTimer", timer: name });
  }

  /** The attempt is no longer under way. */
  #settle(attempt: AttemptId): LiveAttempt {
    this.#clearTimer({ kind: "taskTimeout", attempt });
    return this.#workers.settle(attemptKey(attempt));
  }

  #onTimerFired(name: string): void {
    const timer = this.#timers.get(name);
    if (timer === undefined) return;
    this.#timers.delete(name);
    switch (timer.kind) {
      case "retry":
        this.#tasks.setPhase(timer.task, [Phase.delayed], Phase.idle);
        this.#enqueue(timer.task);
        return this.#giveTasksToAll();
      case "taskTimeout":
        return this.#onTaskTimeout(timer.attempt);
      case "workerLease":
        return this.#onWorkerLeaseTimer(timer);
      default:
        return unreachable(timer);
    }
  }

  #onTaskTimeout(attempt: AttemptId): void {
    const live = this.#workers.live(attempt);
    if (live === undefined || live.recording) return;
    this.#settle(attempt);
    const worker = this.#workers.get(live.worker);
    if (worker !== undefined) {
      worker.unwanted++;
      this.#giveTasks(worker, { start: [], stop: [attempt], forget: [] });
    }
    const ms = this.state.spec.policy.taskTimeoutMs ?? 0;
    const message = `Task ${taskKey(attempt)} had not ended after ${ms} ms and was stopped. Raise taskTimeoutMs (--task-timeout), or look for a loop that does not end.`;
    this.#onTaskFailed(attempt, {
      code: "TASK_TIMEOUT",
      message,
      retryable: true,
      details: { taskTimeoutMs: ms },
    });
  }

  #onWorkerLeaseTimer(timer: Extract<Timer, { kind: "workerLease" }>): void {
    const worker = this.#workers.get(timer.worker);
    if (worker === undefined || worker.incarnation !== timer.incarnation) return;
    const silentMs = this.#nowMs - worker.lastSeenMs;
    if (silentMs >= this.#options.workerLeaseMs) return this.#loseWorker(worker);
    // Whole milliseconds: a remainder smaller than the clock can show would come back at the same moment for ever.
    this.#setTimer(timer, Math.ceil(this.#options.workerLeaseMs - silentMs));
  }

  #note(note: Extract<DriverEffect, { kind: "note" }>["note"]): void {
    this.#effects.push({ kind: "note", note });
  }

  /** For tests and the simulator: what must hold between steps. */
  checkInvariants(): void {
    if (this.#mode === "ended") {
      const left = this.#ready.size + this.#timers.size + this.#undecided.length + this.#workers.liveCount;
      assert(
        left + this.#workers.workerCount === 0 && this.#inFlight === undefined,
        "an ended job holds nothing",
      );
      return;
    }
    let unsettled = 0;
    for (const { id, tasks } of this.state.spec.stages) {
      for (let partition = 0; partition < tasks; partition++) {
        const phase = this.#tasks.phase({ stage: stageId(id), partition });
        if (phase === Phase.running || phase === Phase.recording) unsettled++;
        const done = this.state.completed(id, partition) !== undefined;
        assert(!done || phase === Phase.idle, "a complete task has no other attempt under way");
      }
    }
    if (this.#mode === "working")
      assert(unsettled === this.#workers.liveCount, "each task under way has one live attempt");
  }
}
