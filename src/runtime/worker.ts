/**
 * The worker's side of one job: asks the driver for tasks, runs them, keeps each outcome until the driver has it.
 *
 * A poll says all that runs, and what ended since the last one; every heartbeat says all that ended and is not
 * forgotten. So lost, late and doubled messages do no harm. An order to start something known here, ended or
 * forgotten, changes nothing; that it has ended is then told once more.
 *
 * Tasks that take microseconds must not each wait for the driver's answer: the worker takes as many ahead as it is
 * about to end in the next moments, judged by how many it ended in the last ones, and then also tells of many at once.
 * Tasks that take long are not hoarded, as another worker may be free for them.
 */

import { type AttemptId, attemptHandle, type Epoch, type JobId, type NodeId } from "../base/ids.ts";
import { Queue } from "../base/queue.ts";
import type { TaskAssignment, TaskOutcome } from "../plan/task.ts";
import type { Clock } from "../ports/clock.ts";
import type {
  TaskLogEntry,
  TaskObserver,
  TaskProgress,
  TaskRequest,
  TaskRunner,
} from "../ports/task-runner.ts";
import type { Transport } from "../ports/transport.ts";
import type { DriverOrders, EndedAttempt, Message, Term } from "../protocol/message.ts";

/** At least so many attempts are remembered after they were forgotten, in case an old order to start them comes late. */
const FORGOTTEN_MIN = 8_192;
const AHEAD_MAX = 4_096;
/** Shortest pause between polls while there is enough to do. */
const POLL_GAP_MS = 10;
/** Shortest time over which ended tasks are counted. */
const RATE_WINDOW_MS = 2;

type Handle = ReturnType<typeof attemptHandle>;

export interface WorkerOptions {
  readonly job: JobId;
  /** Where polls go: the driver, as far as this worker knows. */
  readonly driver: () => NodeId;
  /** Unique to this start of the worker. */
  readonly incarnation: string;
  /** Where it stands; default: nobody asks. */
  readonly region?: string;
  readonly transport: Transport<Message>;
  readonly runner: TaskRunner;
  readonly clock: Clock;
  readonly heartbeatMs: number;
  /** Tasks are taken ahead as far as so many milliseconds of work, judged by those that ended last. */
  readonly aheadMs: number;
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
  /** Ordered and not ended. */
  readonly #running = new Map<Handle, TaskAssignment>();
  /** Those of them that wait for the runner. */
  readonly #waiting = new Queue<TaskRequest>();
  readonly #ended = new Map<Handle, EndedAttempt>();
  /** Those of them that the next poll tells of. */
  readonly #untold = new Map<Handle, EndedAttempt>();
  #forgotten = new Set<Handle>();
  /** Those before: all dropped at once, as to find the oldest of a set means to pass by all that it dropped. */
  #forgottenBefore: ReadonlySet<Handle> = new Set();
  /** See `WorkerPoll.terms`. */
  #terms: readonly Term[] = [];
  #seq = 0;
  #pollDue = false;
  #cancelHeartbeat: (() => void) | undefined;
  /** The next poll, where one is due before the heartbeat. */
  #nextPoll: { readonly atMs: number; readonly cancel: () => void } | undefined;
  #lastPollMs = Number.NEGATIVE_INFINITY;
  readonly #pace: Pace;
  #draining = false;
  #closed = false;

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#pace = new Pace(options.aheadMs, options.clock.monotonicMs());
  }

  /** Sends the first poll. Orders come in through `onOrders`. */
  start(): void {
    this.#heartbeat();
  }

  onOrders(orders: DriverOrders): void {
    if (this.#closed || orders.incarnation !== this.#options.incarnation || !this.#follow(orders)) return;
    for (const attempt of orders.forget) this.#forget(attemptHandle(attempt));
    if (orders.stop.length > 0) this.#stop(orders.stop);
    for (const assignment of orders.start) this.#take(orders, assignment);
    this.#startWaiting();
  }

  /**
   * Whether the orders are of the latest driver there was; from now on it is followed. In a store that was set back an epoch's number
   * comes again: whose orders came first is followed, and the other one hears that in the next poll, and takes over above it. So
   * no two attempts here ever have the same name.
   */
  #follow({ epoch, holder }: DriverOrders): boolean {
    const followed = this.#terms.at(-1);
    if (followed !== undefined && epoch <= followed.epoch)
      return epoch === followed.epoch && holder === followed.holder;
    // Another driver has not heard what its predecessor was told.
    if (followed !== undefined) this.#tellAgain(this.#ended.keys());
    const named = new Set<Epoch>();
    for (const { attempt } of this.#running.values()) named.add(attempt.epoch);
    for (const { attempt } of this.#ended.values()) named.add(attempt.epoch);
    this.#terms = [...this.#terms.filter((term) => named.has(term.epoch)), { epoch, holder }];
    return true;
  }

  /** Tells now of what ended and would be told of in a moment. */
  report(): void {
    if (this.#untold.size > 0) this.#poll();
  }

  /** Tells the driver at once of all there is: another one has begun, and does not know this worker. */
  greet(): void {
    if (this.#closed) return;
    this.#cancelHeartbeat?.();
    this.#heartbeat();
  }

  /**
   * Takes nothing new from now on: what has not begun goes back at once, and so does what orders that were on their way say
   * to start. What runs ends as it would.
   */
  drain(): void {
    this.#draining = true;
    for (const { assignment } of this.#waiting.drain()) this.#end(assignment, { kind: "stopped" });
    this.greet();
  }

  /** Nothing runs, and the driver has all that ended. */
  get isIdle(): boolean {
    return this.#running.size + this.#ended.size === 0;
  }

  #take(orders: DriverOrders, assignment: TaskAssignment): void {
    const { attempt } = assignment;
    const key = attemptHandle(attempt);
    if (this.#ended.has(key)) return this.#tellAgain([key]);
    if (this.#running.has(key) || this.#forgotten.has(key) || this.#forgottenBefore.has(key)) return;
    // Without an answer the driver would wait for it for as long as this worker is heard of.
    if (this.#draining) return this.#end(assignment, { kind: "stopped" });
    // More than there is room for come only when orders crossed; what is not taken is ordered again.
    if (this.#running.size >= this.#options.runner.slots + this.#pace.ahead) return;
    this.#running.set(key, assignment);
    this.#waiting.push({ job: orders.context, assignment });
  }

  #startWaiting(): void {
    const { runner } = this.#options;
    while (runner.room() > 0) {
      const request = this.#waiting.shift();
      if (request === undefined) return;
      this.#start(request);
    }
  }

  #start(request: TaskRequest): void {
    const { assignment } = request;
    const { observer, runner } = this.#options;
    const outcome = runner.run(request, new AttemptObserver(assignment.attempt, observer));
    if (!(outcome instanceof Promise)) return this.#end(assignment, outcome);
    void outcome.then((ended) => {
      this.#end(assignment, ended);
      this.#startWaiting();
    });
  }

  #end({ attempt, asOfSeq }: TaskAssignment, outcome: TaskOutcome): void {
    const key = attemptHandle(attempt);
    this.#running.delete(key);
    if (this.#closed) return;
    if (outcome.kind !== "finished") this.#options.observer.onTaskDropped(attempt);
    const ended = { attempt, outcome, ...(asOfSeq === undefined ? {} : { asOfSeq }) };
    this.#ended.set(key, ended);
    this.#untold.set(key, ended);
    this.#pace.count();
    this.#pollSoon();
  }

  #stop(attempts: readonly AttemptId[]): void {
    const keys = new Set(attempts.map(attemptHandle));
    const waiting = this.#waiting.drain();
    for (const request of waiting) {
      const { attempt } = request.assignment;
      if (keys.has(attemptHandle(attempt))) this.#end(request.assignment, { kind: "stopped" });
      else this.#waiting.push(request);
    }
    for (const attempt of attempts) this.#options.runner.stop(this.#options.job, attempt);
  }

  #tellAgain(keys: Iterable<Handle>): void {
    for (const key of keys) {
      const ended = this.#ended.get(key);
      if (ended !== undefined) this.#untold.set(key, ended);
    }
    if (this.#untold.size > 0) this.#pollSoon();
  }

  #forget(key: Handle): void {
    if (!this.#ended.delete(key)) return;
    this.#untold.delete(key);
    this.#forgotten.add(key);
    if (this.#forgotten.size < FORGOTTEN_MIN) return;
    this.#forgottenBefore = this.#forgotten;
    this.#forgotten = new Set();
  }

  /** One poll for everything that changes in this turn, or, while there is enough to do, in the next moments. */
  #pollSoon(): void {
    if (this.#pollDue) return;
    const { clock, runner } = this.#options;
    const dueMs = this.#lastPollMs + POLL_GAP_MS;
    if (this.#running.size >= runner.slots && clock.monotonicMs() < dueMs) return this.#pollAt(dueMs);
    this.#pollDue = true;
    queueMicrotask(() => this.#poll());
  }

  /** Where a sooner one is to come, that will do. */
  #pollAt(atMs: number): void {
    if (this.#nextPoll !== undefined && this.#nextPoll.atMs <= atMs) return;
    this.#nextPoll?.cancel();
    const { clock } = this.#options;
    const cancel = clock.setTimer(atMs - clock.monotonicMs(), () => this.#poll());
    this.#nextPoll = { atMs, cancel };
  }

  /** Tells of everything, now and whenever so much time has passed. */
  #heartbeat(): void {
    const { clock, heartbeatMs } = this.#options;
    this.#cancelHeartbeat = clock.setTimer(heartbeatMs, () => this.#heartbeat());
    for (const [key, ended] of this.#ended) this.#untold.set(key, ended);
    this.#poll();
  }

  #poll(): void {
    this.#pollDue = false;
    if (this.#closed) return;
    const { job, driver, incarnation, region, transport, runner, clock } = this.#options;
    this.#lastPollMs = clock.monotonicMs();
    this.#pace.look(this.#lastPollMs);
    const assignments = [...this.#running.values()];
    const asOf = assignments.flatMap(({ asOfSeq }) => asOfSeq ?? []);
    transport.send(driver(), {
      kind: "poll",
      job,
      incarnation,
      ...(region === undefined ? {} : { region }),
      seq: this.#seq++,
      slots: this.#draining ? 0 : runner.slots,
      ahead: this.#draining ? 0 : this.#pace.ahead,
      running: assignments.map(({ attempt }) => attempt),
      ...(asOf.length === assignments.length ? { runningAsOf: asOf } : {}),
      ended: [...this.#untold.values()],
      terms: this.#terms,
    });
    this.#untold.clear();
    this.#nextPoll?.cancel();
    this.#nextPoll = undefined;
  }

  /** Says nothing more and stops what runs. */
  close(): void {
    this.#closed = true;
    this.#cancelHeartbeat?.();
    this.#nextPoll?.cancel();
    this.#waiting.drain();
    const { runner, job } = this.#options;
    for (const { attempt } of this.#running.values()) runner.stop(job, attempt);
  }
}

/** Of one attempt, for whoever watches all of them. */
class AttemptObserver implements TaskObserver {
  readonly #attempt: AttemptId;
  readonly #observer: WorkerObserver;

  constructor(attempt: AttemptId, observer: WorkerObserver) {
    this.#attempt = attempt;
    this.#observer = observer;
  }

  onProgress(progress: TaskProgress): void {
    this.#observer.onTaskProgress(this.#attempt, progress);
  }
  onLog(entry: TaskLogEntry): void {
    this.#observer.onTaskLog(this.#attempt, entry);
  }
}

/** How many tasks end in the time that is looked ahead, as far as the last moments tell. */
class Pace {
  ahead = 0;
  #ended = 0;
  readonly #aheadMs: number;
  #sinceMs: number;

  constructor(aheadMs: number, nowMs: number) {
    this.#aheadMs = aheadMs;
    this.#sinceMs = nowMs;
  }

  count(): void {
    this.#ended++;
  }

  look(nowMs: number): void {
    const passedMs = nowMs - this.#sinceMs;
    if (passedMs < RATE_WINDOW_MS) return;
    const seen = (this.#ended / passedMs) * this.#aheadMs;
    // What was seen in shorter times counts half; in a time as long as that which is looked ahead, it is all there is to know.
    const weight = Math.min(1, Math.max(0.5, passedMs / this.#aheadMs));
    this.ahead = Math.min(AHEAD_MAX, Math.floor(this.ahead * (1 - weight) + seen * weight));
    this.#ended = 0;
    this.#sinceMs = nowMs;
  }
}
