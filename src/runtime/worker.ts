/**
 * The worker's side of one job: asks the driver for tasks, runs them, keeps each outcome until the driver has it.
 *
 * Every poll says the whole state, so that lost, late and doubled messages do no harm. An order to start something
 * known here, ended or forgotten, changes nothing.
 */
import { type AttemptId, attemptKey, type Epoch, epoch, type JobId, type NodeId } from "../base/ids.ts";
import type { TaskAssignment } from "../plan/task.ts";
import type { Clock } from "../ports/clock.ts";
import type { TaskLogEntry, TaskProgress, TaskRunner } from "../ports/task-runner.ts";
import type { Transport } from "../ports/transport.ts";
import type { DriverOrders, EndedAttempt, Message } from "../protocol/message.ts";

/** Attempts remembered after they were forgotten, in case an old order to start them comes late. */
const FORGOTTEN_MAX = 4_096;

export interface WorkerOptions {
  readonly job: JobId;
  /** Where polls go: the driver, as far as this worker knows. */
  readonly driver: () => NodeId;
  /** Unique to this start of the worker. */
  readonly incarnation: string;
  readonly transport: Transport<Message>;
  readonly runner: TaskRunner;
  readonly clock: Clock;
  readonly heartbeatMs: number;
  readonly observer: WorkerObserver;
}

export interface WorkerObserver {
  onTaskProgress(attempt: AttemptId, progress: TaskProgress): void;
  onTaskLog(attempt: AttemptId, entry: TaskLogEntry): void;
  /** The attempt ended with nothing to show: what it said of its progress counts for nothing. */
  onTaskDropped(attempt: AttemptId): void;
}

export class Worker {
  readonly #options: WorkerOptions;
  readonly #running = new Map<string, AttemptId>();
  readonly #ended = new Map<string, EndedAttempt>();
  readonly #forgotten = new Set<string>();
  #epoch: Epoch = epoch(0);
  #seq = 0;
  #pollDue = false;
  #cancelHeartbeat: (() => void) | undefined;
  #closed = false;

  constructor(options: WorkerOptions) {
    this.#options = options;
  }

  /** Sends the first poll. Orders come in through `onOrders`. */
  start(): void {
    this.#poll();
  }

  onOrders(orders: DriverOrders): void {
    if (this.#closed || orders.incarnation !== this.#options.incarnation || orders.epoch < this.#epoch)
      return;
    this.#epoch = orders.epoch;
    for (const attempt of orders.forget) this.#forget(attemptKey(attempt));
    for (const attempt of orders.stop) this.#options.runner.stop(attempt);
    for (const assignment of orders.start) this.#start(orders, assignment);
  }

  #start(orders: DriverOrders, assignment: TaskAssignment): void {
    const { attempt } = assignment;
    const key = attemptKey(attempt);
    if (this.#running.has(key) || this.#ended.has(key) || this.#forgotten.has(key)) return;
    // More than there are slots come only when orders crossed; what is not taken is ordered again.
    if (this.#running.size >= this.#options.runner.slots) return;
    this.#running.set(key, attempt);
    const { observer, runner } = this.#options;
    const watched = {
      onProgress: (progress: TaskProgress) => observer.onTaskProgress(attempt, progress),
      onLog: (entry: TaskLogEntry) => observer.onTaskLog(attempt, entry),
    };
    void runner.run({ job: orders.context, assignment }, watched).then((outcome) => {
      this.#running.delete(key);
      if (this.#closed) return;
      if (outcome.kind !== "finished") observer.onTaskDropped(attempt);
      this.#ended.set(key, { attempt, outcome });
      this.#pollSoon();
    });
  }

  #forget(key: string): void {
    if (!this.#ended.delete(key)) return;
    this.#forgotten.add(key);
    if (this.#forgotten.size <= FORGOTTEN_MAX) return;
    for (const oldest of this.#forgotten) {
      this.#forgotten.delete(oldest);
      return;
    }
  }

  /** One poll for everything that changes in this turn. */
  #pollSoon(): void {
    if (this.#pollDue) return;
    this.#pollDue = true;
    queueMicrotask(() => this.#poll());
  }

  #poll(): void {
    this.#pollDue = false;
    if (this.#closed) return;
    const { job, driver, incarnation, transport, runner, clock, heartbeatMs } = this.#options;
    transport.send(driver(), {
      kind: "poll",
      job,
      incarnation,
      seq: this.#seq++,
      slots: runner.slots,
      running: [...this.#running.values()],
      ended: [...this.#ended.values()],
    });
    this.#cancelHeartbeat?.();
    this.#cancelHeartbeat = clock.setTimer(heartbeatMs, () => this.#poll());
  }

  /** Says nothing more and stops what runs. */
  close(): void {
    this.#closed = true;
    this.#cancelHeartbeat?.();
    for (const attempt of this.#running.values()) this.#options.runner.stop(attempt);
  }
}
