/**
 * The driver of one job: a pure machine, `step(event, now) -> effects`.
 *
 * Owns: what the log says next, what unlocks what, when the outputs are shown. What an outcome means for its task and when
 * that is tried again is said in outcomes.ts, who gets a task in dispatcher.ts, what goes on of an earlier driver's in adoption.ts.
 * Does not own: time, the store, messages, files. Whoever holds it performs its effects and brings it the events.
 *
 * Invariants
 * 1. A decision counts when the log has it: `JobState` changes only when a record is confirmed. So what a new driver
 *    reads in the log is exactly what this one acted on (S3).
 * 2. At most one record is on its way; what is decided meanwhile waits and goes together in the next.
 * 3. Reports are matched against the live attempts; any other is answered "forget" or "stop" and changes nothing (S4).
 * 4. After a record that ends the job nothing is appended in this epoch.
 * 5. When the job has ended, every collection is empty.
 */
import { assert, unreachable } from "../base/assert.ts";
import type { ErrorInfo } from "../base/errors.ts";
import { type AttemptId, type Epoch, type NodeId, type StageId, taskKey } from "../base/ids.ts";
import type { TaskAssignment } from "../plan/task.ts";
import type { LogEvent } from "../protocol/log-event.ts";
import type { WorkerPoll } from "../protocol/message.ts";
import { Adoption, type Muster } from "./adoption.ts";
import { Decisions } from "./decisions.ts";
import { Dispatcher, noOrders, type Orders } from "./dispatcher.ts";
import type { DriverEffect, JobEnd } from "./effect.ts";
import type { DriverEvent } from "./event.ts";
import type { JobState } from "./job-state.ts";
import { Outcomes } from "./outcomes.ts";
import { Step } from "./step.ts";
import { Phase } from "./task-table.ts";
import type { Timer } from "./timer.ts";
import { Timers } from "./timers.ts";
import { byAttempt, type LiveAttempt, type WorkerState } from "./worker-table.ts";

/** Losses of one task's results when they were to be read, before the job fails: the disk they lie on is broken. */
const RESULT_LOSSES_MAX = 20;

export interface DriverOptions {
  /** A worker not heard of for so long is taken for lost. */
  readonly workerLeaseMs: number;
  /** Who may still run attempts of an earlier driver. Default: nobody. */
  readonly muster?: Muster;
}

/** working: tasks run · committing: outputs are being shown · ending: the last record is on its way · ended · aside: it goes on elsewhere */
type Mode = "working" | "committing" | "ending" | "ended" | "aside";

export class JobDriver {
  readonly state: JobState;
  readonly #options: DriverOptions;
  readonly #step = new Step();
  readonly #timers = new Timers(this.#step);
  readonly #decisions: Decisions;
  readonly #dispatcher: Dispatcher;
  readonly #outcomes: Outcomes;
  readonly #adoption: Adoption;
  #mode: Mode = "working";
  #cancelReason: string | undefined;

  /** @param state The job as its log says, with this driver's own epoch as the last thing in it. */
  constructor(state: JobState, options: DriverOptions) {
    assert(state.status.kind === "running", "a driver starts on a running job");
    this.state = state;
    this.#options = options;
    this.#decisions = new Decisions(state, this.#step);
    this.#dispatcher = new Dispatcher(state, this.#step, this.#timers);
    const parts = { state, step: this.#step, timers: this.#timers, dispatcher: this.#dispatcher };
    this.#adoption = new Adoption(parts);
    this.#outcomes = new Outcomes({
      ...parts,
      decisions: this.#decisions,
      fail: (attempt, error) => this.#fail(attempt, error),
    });
  }

  /** Takes in one event. `nowMs` is monotonic; `wallMs` is for the log's readers only. */
  step(event: DriverEvent, nowMs: number, wallMs: number): readonly DriverEffect[] {
    if (this.#mode === "ended" || this.#mode === "aside") return [];
    this.#step.begin(nowMs, wallMs);
    this.#on(event);
    if (this.#isAside()) return this.#step.effects;
    this.#dispatcher.lookLater();
    this.#decisions.send();
    return this.#step.effects;
  }

  #on(event: DriverEvent): void {
    switch (event.kind) {
      case "driverStarted":
        this.#adoption.begin(this.#options.muster ?? { workers: [], waitMs: 0 });
        return this.#commitIfComplete();
      case "workerPolled":
        return this.#onWorkerPolled(event.worker, event.poll);
      case "recordAppended":
        return this.#onRecordAppended(event.seq);
      case "timerFired":
        return this.#onTimerFired(event.timer);
      case "outputsCommitted":
        assert(this.#mode === "committing", "outputs are committed when that was asked for");
        return this.#end({ kind: "committed", atMs: this.#step.wallMs });
      case "outputsFailed":
        assert(this.#mode === "committing", "outputs fail when they were to be committed");
        return this.#fail(undefined, event.error);
      case "resultBlocksLost":
        return this.#onResultBlocksLost(event.keys, event.node);
      case "cancelRequested":
        return this.#onCancelRequested(event.reason);
      default:
        return unreachable(event);
    }
  }

  // ---- Workers ------------------------------------------------------------------------------------------------

  #onWorkerPolled(id: NodeId, poll: WorkerPoll): void {
    // Where a job is ending anyway, the log will tell whose end it is.
    const above = this.#mode === "working" ? this.#adoption.overtakenBy(poll) : undefined;
    if (above !== undefined) return this.#standAside(above);
    const worker = this.#meet(id, poll);
    if (poll.seq <= worker.seq) return;
    worker.seq = poll.seq;
    worker.slots = poll.slots;
    worker.room = this.#dispatcher.roomOf(poll);
    worker.lastSeenMs = this.#step.nowMs;
    this.#dispatcher.wake(worker);
    this.#dispatcher.workers.noteRoom(worker);
    const orders = noOrders();
    for (const ended of poll.ended) {
      this.#adoption.takeEnded(worker, poll, ended);
      if (!this.#outcomes.onEnded(worker, ended)) orders.forget.push(ended.attempt);
    }
    let known = 0;
    poll.running.forEach((attempt, index) => {
      const live = this.#dispatcher.workers.live(attempt);
      const isWanted =
        live === undefined
          ? this.#adoption.takeRunning(worker, poll, index)
          : live.worker === id && !live.recording;
      if (isWanted) known++;
      else orders.stop.push(attempt);
    });
    worker.unwanted = orders.stop.length;
    if (known < worker.running.size) orders.start.push(...this.#unheardOf(worker, poll));
    this.#dispatcher.giveTasks(worker, orders);
    this.#adoption.onHeard(id);
  }

  #standAside(above: Epoch): void {
    this.#mode = "aside";
    this.#step.want({ kind: "standAside", above });
  }

  #isAside(): boolean {
    return this.#mode === "aside";
  }

  /** What the worker was told to start, and does not know of: the orders were lost, or are on their way. */
  #unheardOf(worker: WorkerState, poll: WorkerPoll): readonly TaskAssignment[] {
    const known = new Set(poll.running.map((attempt) => this.#dispatcher.workers.live(attempt)));
    const missing = [...worker.running].filter((live) => !known.has(live)).sort(byAttempt);
    const again: TaskAssignment[] = [];
    for (const live of missing) {
      if (!live.adopted) {
        again.push(live.assignment);
        continue;
      }
      // It ended, and what it came to is told again later or was told to the earlier driver: nobody may begin it a second time.
      this.#dispatcher.settle(live.id);
      this.#outcomes.onLost(live);
    }
    return again;
  }

  /** The worker's state, new for a new incarnation. */
  #meet(id: NodeId, poll: WorkerPoll): WorkerState {
    const known = this.#dispatcher.workers.get(id);
    if (known?.incarnation === poll.incarnation) return known;
    if (known !== undefined) this.#loseWorker(known);
    const { incarnation } = poll;
    this.#timers.set({ kind: "workerLease", worker: id, incarnation }, this.#options.workerLeaseMs);
    return this.#dispatcher.workers.join(id, poll, this.#step.nowMs);
  }

  #loseWorker(worker: WorkerState): void {
    this.#step.note({ kind: "workerLost", worker: worker.id });
    for (const live of this.#dispatcher.removeWorker(worker)) this.#outcomes.onLost(live);
    this.#dispatcher.giveTasksToAll();
  }

  // ---- Log ----------------------------------------------------------------------------------------------------

  #onRecordAppended(seq: number): void {
    const orders = new Map<NodeId, Orders>();
    const lossyStages = new Set<StageId>();
    for (const event of this.#decisions.confirm(seq)) {
      if (event.kind === "outputLost") lossyStages.add(event.attempt.stage);
      else this.#onDurable(event, orders);
    }
    // Tasks that failed for want of these outputs are idle, and wait until their stage unlocks.
    for (const stage of lossyStages) this.#dispatcher.enqueueStage(stage);
    this.#dispatcher.giveTasksToAll(orders);
  }

  /** @param orders Collects what each worker can forget, and is to stop. */
  #onDurable(event: Exclude<LogEvent, { readonly kind: "outputLost" }>, orders: Map<NodeId, Orders>): void {
    switch (event.kind) {
      case "taskCompleted":
        return this.#onCompletionDurable(event.attempt, orders);
      case "committed":
        return this.#finish({ kind: "committed" });
      case "failed":
        return this.#finish({ kind: "failed", error: event.error });
      case "cancelled":
        return this.#finish({ kind: "cancelled", reason: event.reason });
      case "submitted":
      case "epochStarted":
        return assert(false, "only a take-over or a submission writes this");
      default:
        return unreachable(event);
    }
  }

  #onCompletionDurable(attempt: AttemptId, orders: Map<NodeId, Orders>): void {
    const completed = this.state.completed(attempt.stage, attempt.partition);
    assert(completed !== undefined, "what the log has is complete");
    this.#step.note({ kind: "taskCompleted", completed });
    const { workers, tasks } = this.#dispatcher;
    // Where the job is ending every live attempt was let go of already.
    const live = workers.live(attempt);
    if (live !== undefined) this.#dispatcher.settle(attempt);
    tasks.setPhase(attempt, [Phase.recording], Phase.idle);
    if (live !== undefined) this.#dismiss(live, orders);
    // Last, as it may be the end of the job, which lets go of every attempt.
    if (this.state.isStageComplete(attempt.stage)) this.#onStageComplete(attempt.stage);
  }

  /** The log has what this attempt gave: its worker need not keep it, and nobody needs its rival. */
  #dismiss(live: LiveAttempt, orders: Map<NodeId, Orders>): void {
    this.#dispatcher.judge(live.id, live.worker);
    ordersFor(live.worker, orders).forget.push(live.id);
    if (live.rival !== undefined) this.#dropRival(live, live.rival, orders);
  }

  /** The other attempt of a task that is complete: it counts for nothing, ended or not. */
  #dropRival(winner: LiveAttempt, rival: LiveAttempt, orders: Map<NodeId, Orders>): void {
    const { id, worker } = rival;
    const ended = rival.recording;
    if (rival.backedUp) this.#step.note({ kind: "backupWon", attempt: winner.id, worker: winner.worker });
    this.#dispatcher.settle(id);
    if (ended) return void ordersFor(worker, orders).forget.push(id);
    const runs = this.#dispatcher.workers.get(worker);
    if (runs === undefined) return;
    runs.unwanted++;
    ordersFor(worker, orders).stop.push(id);
  }

  #onStageComplete(complete: StageId): void {
    for (const { id, dependsOn } of this.state.spec.stages) {
      if (dependsOn.includes(complete)) this.#dispatcher.enqueueStage(id);
    }
    this.#commitIfComplete();
  }

  // ---- End ----------------------------------------------------------------------------------------------------

  #commitIfComplete(): void {
    if (this.#mode === "working" && this.state.mixed !== undefined) return this.#failMixed(this.state.mixed);
    // A loss that waits for the log makes a complete job incomplete again.
    if (this.#mode !== "working" || !this.state.isComplete() || this.#decisions.waitingCount > 0) return;
    this.#mode = "committing";
    this.#step.want({ kind: "commitOutputs", outputs: [...this.state.outputs()] });
  }

  /** Which of its consumers read what is not known any more: there is no way on from here, in no epoch (S6). */
  #failMixed(made: AttemptId): void {
    const { label } = this.state.spec.stages[made.stage]!;
    const message = `Task ${taskKey(made)} (${label}) gave other rows when it had to run again, after its output was lost and others had used it; going on would mix the two. Look for what differs from one call to the next in the functions of this stage, such as Math.random, the clock or the environment (ctx.random and ctx.now do not), then run the job again from the start.`;
    const details = { stage: made.stage, partition: made.partition };
    this.#fail(made, { code: "OUTPUT_DIFFERS", message, retryable: false, details });
  }

  #onResultBlocksLost(keys: readonly string[], node: NodeId | undefined): void {
    assert(this.#mode === "committing", "results are read when outputs are to be committed");
    this.#mode = "working";
    if (this.#cancelReason !== undefined) return this.#cancel(this.#cancelReason);
    const all = node === undefined ? keys : [...keys, ...this.state.neededBlocksAt(node)];
    const { tasks } = this.#dispatcher;
    for (const key of all) {
      const maker = this.state.attemptOfBlock(key);
      if (maker === undefined || tasks.losses(maker) + 1 < RESULT_LOSSES_MAX) continue;
      const message = `The results of task ${taskKey(maker)} could not be read back ${RESULT_LOSSES_MAX} times. Look at the disk under the data directory, then resume the job.`;
      return this.#fail(undefined, { code: "BLOB_CORRUPT", message, retryable: true, details: {} });
    }
    const { known, newly } = this.#decisions.addLostBlocks(all);
    assert(known, "a result block that is lost was an effective attempt's");
    for (const maker of newly) tasks.countLoss(maker);
  }

  /** Outputs that are being shown can no longer be stopped half-way: the wish waits for how that ends. */
  #onCancelRequested(reason: string): void {
    if (this.#mode === "ending") return;
    this.#cancelReason = reason;
    if (this.#mode === "working") this.#cancel(reason);
  }

  #cancel(reason: string): void {
    this.#end({ kind: "cancelled", atMs: this.#step.wallMs, reason });
  }

  #fail(attempt: AttemptId | undefined, error: ErrorInfo): void {
    if (this.#mode === "ending") return;
    this.#end({ kind: "failed", atMs: this.#step.wallMs, attempt, error });
  }

  /** Stops all work; the job has ended when this event is durable. */
  #end(event: LogEvent): void {
    assert(this.#mode !== "ending" && this.#mode !== "ended", "a job ends once in an epoch");
    this.#mode = "ending";
    this.#decisions.add(event);
    this.#timers.forgetAll();
    this.#dispatcher.close();
  }

  #finish(outcome: JobEnd): void {
    this.#mode = "ended";
    this.#timers.forgetAll();
    this.#dispatcher.workers.clear();
    this.#step.want({ kind: "endJob", outcome });
    assert(this.#decisions.isEmpty && this.#dispatcher.isEmpty, "an ended job holds nothing");
  }

  // ---- Time ---------------------------------------------------------------------------------------------------

  #onTimerFired(name: string): void {
    const timer = this.#timers.take(name);
    switch (timer?.kind) {
      case undefined:
        return;
      case "retry":
        this.#dispatcher.tasks.setPhase(timer.task, [Phase.delayed], Phase.idle);
        this.#dispatcher.enqueue(timer.task);
        return this.#dispatcher.giveTasksToAll();
      case "setAside": {
        const worker = this.#dispatcher.workers.get(timer.worker);
        if (worker?.incarnation !== timer.incarnation || !worker.aside) return;
        this.#dispatcher.takeBack(worker);
        return this.#dispatcher.giveTasksToAll();
      }
      case "held":
        return this.#dispatcher.giveHeld();
      case "backups":
        return this.#dispatcher.look();
      case "muster":
        return this.#adoption.onTimer();
      case "taskTimeout":
        return this.#outcomes.onTimeout(timer.attempt);
      case "workerLease":
        return this.#onWorkerLeaseTimer(timer);
      default:
        return unreachable(timer);
    }
  }

  #onWorkerLeaseTimer(timer: Extract<Timer, { kind: "workerLease" }>): void {
    const worker = this.#dispatcher.workers.get(timer.worker);
    if (worker === undefined || worker.incarnation !== timer.incarnation) return;
    const silentMs = this.#step.nowMs - worker.lastSeenMs;
    if (silentMs >= this.#options.workerLeaseMs) return this.#loseWorker(worker);
    // Whole milliseconds: a remainder smaller than the clock can show would come back at the same moment for ever.
    this.#timers.set(timer, Math.ceil(this.#options.workerLeaseMs - silentMs));
  }

  /** For tests and the simulator: what must hold between steps. */
  checkInvariants(): void {
    if (this.#isAside()) return;
    if (this.#mode === "ended") {
      const empty = this.#decisions.isEmpty && this.#dispatcher.isEmpty && this.#timers.size === 0;
      return assert(empty, "an ended job holds nothing");
    }
    const { tasks, workers } = this.#dispatcher;
    const underWay = tasks.checkAgainst(this.state);
    if (this.#mode === "working") {
      assert(
        underWay === workers.checkRivals(),
        "each task under way has a live attempt, or two that are rivals",
      );
    }
  }
}

/** What there is to say to this worker, to be added to. */
function ordersFor(worker: NodeId, all: Map<NodeId, Orders>): Orders {
  let orders = all.get(worker);
  if (orders === undefined) {
    orders = noOrders();
    all.set(worker, orders);
  }
  return orders;
}
