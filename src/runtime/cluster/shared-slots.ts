/**
 * A node's slots, shared by the jobs that it works on.
 *
 * A job may use all that no other uses, and never less than its fair part. Where a job comes to a full node, the others
 * give up what is above their parts as their tasks end; what was taken beyond the slots meanwhile waits its turn, in
 * the order in which it came.
 */
import { assert } from "../../base/assert.ts";
import { type AttemptId, attemptKey, type JobId } from "../../base/ids.ts";
import type { TaskOutcome } from "../../plan/task.ts";
import type { TaskObserver, TaskRequest, TaskRunner } from "../../ports/task-runner.ts";

interface Waiting {
  readonly seat: Seat;
  readonly key: string;
  readonly request: TaskRequest;
  readonly observer: TaskObserver;
  readonly resolve: (outcome: TaskOutcome) => void;
}

export class SharedSlots {
  readonly #runner: TaskRunner;
  readonly #seats = new Set<Seat>();
  #waiting: Waiting[] = [];

  /** @param runner Closed by whoever made it. */
  constructor(runner: TaskRunner) {
    this.#runner = runner;
  }

  /** A job's part. To be closed before the job has another. */
  seat(job: JobId): TaskRunner {
    const seat: Seat = new Seat(job, {
      slots: () => this.#slotsOf(seat),
      run: (request, observer) => this.#run(seat, request, observer),
      stop: (attempt) => this.#stop(seat, attempt),
      close: () => this.#seats.delete(seat),
    });
    this.#seats.add(seat);
    return seat;
  }

  #slotsOf(seat: Seat): number {
    const { slots } = this.#runner;
    const fair = Math.max(1, Math.floor(slots / Math.max(1, this.#seats.size)));
    let others = 0;
    for (const other of this.#seats) if (other !== seat) others += other.taken;
    return Math.max(fair, slots - others);
  }

  #run(seat: Seat, request: TaskRequest, observer: TaskObserver): Promise<TaskOutcome> {
    return new Promise((resolve) => {
      const key = attemptKey(request.assignment.attempt);
      this.#waiting.push({ seat, key, request, observer, resolve });
      this.#startWaiting();
    });
  }

  #startWaiting(): void {
    while (this.#runner.room() > 0) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      const outcome = this.#runner.run(next.request, next.observer);
      if (!(outcome instanceof Promise)) next.resolve(outcome);
      else
        void outcome.then((ended) => {
          next.resolve(ended);
          this.#startWaiting();
        });
    }
  }

  #stop(seat: Seat, attempt: AttemptId): void {
    const key = attemptKey(attempt);
    const index = this.#waiting.findIndex((waiting) => waiting.seat === seat && waiting.key === key);
    if (index === -1) return this.#runner.stop(seat.job, attempt);
    const [waiting] = this.#waiting.splice(index, 1);
    waiting?.resolve({ kind: "stopped" });
  }
}

interface SeatParts {
  readonly slots: () => number;
  readonly run: (request: TaskRequest, observer: TaskObserver) => Promise<TaskOutcome>;
  readonly stop: (attempt: AttemptId) => void;
  readonly close: () => void;
}

class Seat implements TaskRunner {
  readonly job: JobId;
  readonly #parts: SeatParts;
  readonly #attempts = new Map<AttemptId, Promise<TaskOutcome>>();
  #closed = false;

  constructor(job: JobId, parts: SeatParts) {
    this.job = job;
    this.#parts = parts;
  }

  /** Tasks it runs, or has waiting. */
  get taken(): number {
    return this.#attempts.size;
  }

  get slots(): number {
    return this.#parts.slots();
  }

  room(): number {
    return this.#closed ? 0 : Math.max(0, this.slots - this.taken);
  }

  async run(request: TaskRequest, observer: TaskObserver): Promise<TaskOutcome> {
    if (this.#closed) return { kind: "stopped" };
    const { attempt } = request.assignment;
    const outcome = this.#parts.run(request, observer);
    this.#attempts.set(attempt, outcome);
    try {
      return await outcome;
    } finally {
      this.#attempts.delete(attempt);
    }
  }

  stop(job: JobId, attempt: AttemptId): void {
    assert(job === this.job, "a seat is one job's");
    this.#parts.stop(attempt);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const attempt of this.#attempts.keys()) this.#parts.stop(attempt);
    await Promise.all(this.#attempts.values());
    this.#parts.close();
  }
}
