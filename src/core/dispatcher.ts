/**
 * Which task is ready, and which worker gets it.
 *
 * Owns the ready queue, what is remembered of each task, the workers and their attempts, and the timers that belong
 * to attempts. Decides nothing about the job: what an outcome means is the driver's business.
 */
import type { AttemptId, NodeId, StageId, TaskId } from "../base/ids.ts";
import type { TaskAssignment } from "../plan/task.ts";
import type { WorkerPoll } from "../protocol/message.ts";
import { assignmentFor } from "./assign.ts";
import { BACKUP_LOOK_MS, lateAttempts } from "./backups.ts";
import type { JobState } from "./job-state.ts";
import { NodeHealth, SET_ASIDE_MS } from "./node-health.ts";
import { Placement } from "./placement.ts";
import { ReadyQueue } from "./ready-queue.ts";
import type { Step } from "./step.ts";
import { Phase, TaskTable } from "./task-table.ts";
import { TaskTimes } from "./task-times.ts";
import type { Timers } from "./timers.ts";
import {
  byAttempt,
  type LiveAttempt,
  type NewAttempt,
  type WorkerState,
  WorkerTable,
} from "./worker-table.ts";

/** What there is to say to one worker. */
export interface Orders {
  readonly start: TaskAssignment[];
  readonly stop: AttemptId[];
  readonly forget: AttemptId[];
}

/** How long a worker rests; doubles from one rest to the next, up to the most. */
const REST_MS_FIRST = 500;
const REST_MS_MAX = 30_000;

export const noOrders = (): Orders => ({ start: [], stop: [], forget: [] });

export class Dispatcher {
  readonly tasks: TaskTable;
  readonly workers = new WorkerTable();
  readonly health = new NodeHealth(this.workers);
  readonly #state: JobState;
  readonly #step: Step;
  readonly #timers: Timers;
  readonly #ready: ReadyQueue;
  readonly #times: TaskTimes;
  readonly #placement: Placement;
  #lookDue = false;
  /** When the first of the workers that wait for tasks they are near to has waited long enough. */
  #heldUntilMs = Number.POSITIVE_INFINITY;
  #open = true;
  /** Before, nothing is queued: workers may still run some of it, and are to say so first. */
  #begun = false;

  constructor(state: JobState, step: Step, timers: Timers) {
    this.#state = state;
    this.#step = step;
    this.#timers = timers;
    this.tasks = new TaskTable(state);
    this.#ready = new ReadyQueue(state.spec.stages.length);
    this.#placement = new Placement(state, this.workers);
    this.#times = new TaskTimes(state.spec.stages.length);
  }

  /** Whether tasks are still given out: false once the job is ending. */
  get isOpen(): boolean {
    return this.#open;
  }

  /** Queues every task of the stage that is to be run, if the stage has all it needs. */
  enqueueStage(stage: StageId): void {
    if (!this.#begun || !this.#isUnlocked(stage) || this.#state.isStageComplete(stage)) return;
    for (const partition of this.tasks.idlePartitions(stage)) {
      if (this.#state.completed(stage, partition) === undefined) this.enqueue({ stage, partition });
    }
  }

  /** Queues all that is to be run, from now on. */
  begin(): void {
    this.#begun = true;
    for (const { id } of this.#state.spec.stages) this.enqueueStage(id);
    this.giveTasksToAll();
  }

  /** Queues the task; one whose stage waits for others stays idle until that unlocks. */
  enqueue(task: TaskId): void {
    if (!this.#open || !this.#begun || !this.#isUnlocked(task.stage)) return;
    this.tasks.setPhase(task, [Phase.idle, Phase.delayed], Phase.queued);
    this.#ready.push(task.stage, task.partition, this.health.ready(task, this.#step.nowMs));
  }

  #isUnlocked(stage: StageId): boolean {
    const { dependsOn } = this.#state.spec.stages[stage]!;
    return dependsOn.length === 0 || dependsOn.every((id) => this.#state.isStageComplete(id));
  }

  /** The next task for this worker, whose inputs are all there; of those that others are nearer to, once it has waited. */
  #nextReady(worker: WorkerState): TaskId | undefined {
    const ready = this.#ready;
    let waitMs = Number.POSITIVE_INFINITY;
    for (let stage = ready.stageFrom(0); stage !== undefined; stage = ready.stageFrom(stage + 1)) {
      if (!this.#isUnlocked(stage)) {
        this.#idleAll(stage);
        continue;
      }
      if (!this.#mayWaitThere(stage, worker)) continue;
      const leftMs = this.#placement.waitMs(stage, worker) - this.#heldMs(worker);
      if (leftMs > 0) {
        waitMs = Math.min(waitMs, leftMs);
        continue;
      }
      const task = this.#popFor(worker, stage);
      if (task === undefined) continue;
      // From the first one that it is near to on it waits again for the next; else it has waited for all of them.
      if (this.#placement.waitMs(stage, worker) === 0) worker.heldSinceMs = undefined;
      return task;
    }
    this.#hold(worker, waitMs);
    return undefined;
  }

  /**
   * Whether a task of the stage may go to this worker now, also where it would wait for a slot. How many a worker takes
   * ahead it judges by those that ended last, which may be another stage's: long tasks must not gather on one worker
   * while others have nothing to do.
   */
  #mayWaitThere(stage: StageId, worker: WorkerState): boolean {
    return this.workers.hasFreeSlot(worker) || this.#times.has(stage);
  }

  #popFor({ id }: WorkerState, stage: StageId): TaskId | undefined {
    const { nowMs } = this.#step;
    const avoids = (partition: number): boolean => this.health.avoids({ stage, partition }, id, nowMs);
    for (;;) {
      const partition = this.#ready.pop(stage, avoids);
      if (partition === undefined) return undefined;
      const task = { stage, partition };
      // What was adopted while it was queued is still in there.
      if (this.tasks.phase(task) === Phase.queued) return task;
    }
  }

  #heldMs({ heldSinceMs }: WorkerState): number {
    return heldSinceMs === undefined ? 0 : this.#step.nowMs - heldSinceMs;
  }

  /** Nothing is left for this worker; for some it has to wait, or there is none at all. */
  #hold(worker: WorkerState, waitMs: number): void {
    if (waitMs === Number.POSITIVE_INFINITY) {
      worker.heldSinceMs = undefined;
      return;
    }
    const { nowMs } = this.#step;
    worker.heldSinceMs ??= nowMs;
    if (this.#heldUntilMs <= nowMs + waitMs) return;
    this.#heldUntilMs = nowMs + waitMs;
    // Whole milliseconds: a remainder smaller than the clock can show would come back at the same moment for ever.
    this.#timers.set({ kind: "held" }, Math.ceil(waitMs));
  }

  /** A worker has waited long enough. */
  giveHeld(): void {
    this.#heldUntilMs = Number.POSITIVE_INFINITY;
    this.giveTasksToAll();
  }

  /** Inputs were lost while these tasks waited for a worker. */
  #idleAll(stage: StageId): void {
    for (;;) {
      const partition = this.#ready.pop(stage, () => false);
      if (partition === undefined) return;
      const task = { stage, partition };
      if (this.tasks.phase(task) === Phase.queued) this.tasks.setPhase(task, [Phase.queued], Phase.idle);
    }
  }

  /** @param orders By worker, what else there is to say to it. */
  giveTasksToAll(orders: ReadonlyMap<NodeId, Orders> = new Map()): void {
    const hungry = this.#ready.size === 0 ? [] : this.workers.hungry();
    if (orders.size === 0) {
      for (const worker of hungry) this.giveTasks(worker, noOrders());
      return;
    }
    const ids = new Set(orders.keys());
    for (const { id } of hungry) ids.add(id);
    for (const id of [...ids].sort()) {
      const worker = this.workers.get(id);
      if (worker !== undefined) this.giveTasks(worker, orders.get(id) ?? noOrders());
    }
  }

  /** Fills the worker's free room, and sends what there is to say. */
  giveTasks(worker: WorkerState, orders: Orders): void {
    while (this.#open && this.workers.freeRoom(worker) > 0) {
      const task = this.#nextReady(worker);
      if (task === undefined) break;
      orders.start.push(this.#assign(worker, task));
    }
    this.workers.noteRoom(worker);
    if (orders.start.length + orders.stop.length + orders.forget.length === 0) return;
    const { id, incarnation } = worker;
    this.#step.want({ kind: "sendOrders", worker: id, incarnation, ...orders });
  }

  // ---- Rests ----------------------------------------------------------------------------------------------------

  /**
   * Gives the worker nothing for a while, longer from time to time: what failed there was no fault of the task's, and
   * whoever fails soon has always room for more. False where no other worker could take its tasks.
   */
  rest(worker: WorkerState): boolean {
    if (!this.workers.hasOtherAwake(worker)) return false;
    const forMs = Math.min(REST_MS_FIRST * 2 ** worker.rests++, REST_MS_MAX);
    worker.restsUntilMs = this.#step.nowMs + forMs;
    this.workers.noteRoom(worker);
    return true;
  }

  /** The worker is heard of: a rest that is over ends. */
  wake(worker: WorkerState): void {
    if (worker.restsUntilMs !== undefined && this.#step.nowMs >= worker.restsUntilMs)
      worker.restsUntilMs = undefined;
  }

  /** What workers rested for may be over. */
  wakeAll(): void {
    for (const worker of this.workers.all()) {
      worker.restsUntilMs = undefined;
      this.workers.noteRoom(worker);
    }
  }

  get #hasTimeout(): boolean {
    return this.#state.spec.policy.taskTimeoutMs !== undefined;
  }

  /** How many tasks this worker may have. A task that has a time limit must not wait behind others while it runs out. */
  roomOf({ slots, ahead }: WorkerPoll): number {
    return this.#hasTimeout ? slots : slots + ahead;
  }

  #assign(worker: WorkerState, task: TaskId): TaskAssignment {
    this.tasks.setPhase(task, [Phase.queued], Phase.running);
    return this.#attempt(worker, task, undefined);
  }

  #attempt(worker: WorkerState, task: TaskId, rival: LiveAttempt | undefined): TaskAssignment {
    const { stage, partition } = task;
    const attempt = { stage, partition, epoch: this.#state.epoch, attempt: this.tasks.nextAttempt(task) };
    const assignment = assignmentFor(this.#state, attempt);
    this.watch(worker, { assignment, rival, adopted: false });
    return assignment;
  }

  /** The attempt is under way. */
  watch(worker: WorkerState, attempt: NewAttempt): void {
    this.workers.assign(worker, attempt, this.#step.nowMs);
    const { taskTimeoutMs } = this.#state.spec.policy;
    const { assignment } = attempt;
    if (taskTimeoutMs !== undefined)
      this.#timers.set({ kind: "taskTimeout", attempt: assignment.attempt }, taskTimeoutMs);
  }

  // ---- Backups ------------------------------------------------------------------------------------------------

  /** The attempt ended well: its time tells which others are late, and that those of its stage are known. */
  countTime({ id, sinceMs, adopted }: LiveAttempt): void {
    if (!adopted) this.#times.count(id.stage, this.#step.nowMs - sinceMs);
  }

  /** While there are slots that no task waits for, it is looked for attempts that are late. */
  lookLater(): void {
    if (this.#lookDue || !this.#hasSpareRoom || this.workers.liveCount === 0) return;
    this.#lookDue = true;
    this.#timers.set({ kind: "backups" }, BACKUP_LOOK_MS);
  }

  get #hasSpareRoom(): boolean {
    const { hungryCount, workerCount } = this.workers;
    return this.#open && workerCount > 1 && hungryCount > 0 && this.#ready.size === 0;
  }

  /** Gives attempts that are late a rival each, as far as there is room. */
  look(): void {
    this.#lookDue = false;
    if (!this.#hasSpareRoom) return;
    for (const late of lateAttempts(
      this.workers.liveAttempts(),
      this.#state,
      this.#times,
      this.#step.nowMs,
    )) {
      if (this.workers.hungryCount === 0) return;
      const worker = this.#isUnlocked(late.id.stage) ? this.#pickFor(late) : undefined;
      if (worker === undefined) continue;
      const assignment = this.#attempt(worker, late.id, late);
      this.#step.note({ kind: "backupStarted", attempt: assignment.attempt, worker: worker.id });
      this.giveTasks(worker, { start: [assignment], stop: [], forget: [] });
    }
  }

  /** Who is nearest, then who has the most room, of the nodes where the task does not run; of those, the first by name. */
  #pickFor({ id, worker: other }: LiveAttempt): WorkerState | undefined {
    let best: WorkerState | undefined;
    const isBetter = (a: WorkerState, b: WorkerState): boolean => {
      const nearer = this.#placement.waitMs(id.stage, b) - this.#placement.waitMs(id.stage, a);
      return nearer > 0 || (nearer === 0 && this.workers.freeRoom(a) > this.workers.freeRoom(b));
    };
    for (const worker of this.workers.hungry()) {
      if (worker.id === other || this.health.avoids(id, worker.id, this.#step.nowMs)) continue;
      if (best === undefined || isBetter(worker, best)) best = worker;
    }
    return best;
  }

  // ---- Nodes that are set aside ---------------------------------------------------------------------------------

  /** The task is complete, by this node: nodes at which it failed may be to blame. */
  judge(task: TaskId, by: NodeId): void {
    for (const worker of this.health.complete(task, by)) this.#setAside(worker);
  }

  /** The node gets nothing new for a while; what it runs goes on. Never more than half of the nodes. */
  #setAside(worker: WorkerState): void {
    if (2 * (this.#asideCount() + 1) > this.workers.workerCount) return;
    const { id, incarnation } = worker;
    worker.aside = true;
    this.workers.noteRoom(worker);
    this.health.pardonTasks(id);
    this.#timers.set({ kind: "setAside", worker: id, incarnation }, SET_ASIDE_MS);
    this.#step.note({ kind: "nodeSetAside", worker: id, forMs: SET_ASIDE_MS });
  }

  /** Gives the node another chance. */
  takeBack(worker: WorkerState): void {
    const { id, incarnation } = worker;
    worker.aside = false;
    this.workers.noteRoom(worker);
    this.health.forget(id);
    this.#timers.clear({ kind: "setAside", worker: id, incarnation });
    this.#step.note({ kind: "nodeBack", worker: id });
  }

  #asideCount(): number {
    let count = 0;
    for (const { aside } of this.workers.each()) if (aside) count++;
    return count;
  }

  /** A node is gone: of the others still no more than half are set aside. */
  #takeBackSome(): void {
    if (2 * this.#asideCount() <= this.workers.workerCount) return;
    for (const worker of this.workers.all()) {
      if (2 * this.#asideCount() <= this.workers.workerCount) return;
      if (worker.aside) this.takeBack(worker);
    }
  }

  // ---- Ends ---------------------------------------------------------------------------------------------------

  /** The attempt is no longer under way. */
  settle(attempt: AttemptId): LiveAttempt {
    if (this.#hasTimeout) this.#timers.clear({ kind: "taskTimeout", attempt });
    return this.workers.settle(attempt);
  }

  /** Forgets a worker; gives its attempts that had not ended. */
  removeWorker(worker: WorkerState): readonly LiveAttempt[] {
    const lost = this.workers.remove(worker);
    this.health.forget(worker.id);
    if (worker.aside) {
      this.#timers.clear({ kind: "setAside", worker: worker.id, incarnation: worker.incarnation });
      this.#step.note({ kind: "nodeBack", worker: worker.id });
    }
    this.#takeBackSome();
    if (!this.workers.hasOtherAwake(worker)) this.wakeAll();
    if (this.#hasTimeout) for (const { id } of lost) this.#timers.clear({ kind: "taskTimeout", attempt: id });
    return lost;
  }

  /** Gives out nothing more, and tells every worker to stop what it runs. */
  close(): void {
    this.#open = false;
    this.#ready.clear();
    this.health.clear();
    for (const worker of this.workers.all()) {
      const stop = [...worker.running].sort(byAttempt).map(({ id }) => id);
      this.giveTasks(worker, { start: [], stop, forget: [] });
    }
    this.workers.settleAll();
  }

  /** Nothing waits, runs or is known. */
  get isEmpty(): boolean {
    return this.#ready.size + this.workers.liveCount + this.workers.workerCount === 0;
  }
}
