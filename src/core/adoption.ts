/**
 * What a driver that takes over goes on with of what an earlier one gave out.
 *
 * Workers go on while nobody drives, and tell of it. An attempt they tell of is this driver's own from then on where it can still
 * count: what that means, the log says (`JobState.isAdoptable`). So that nothing is given out a second time that runs, every
 * worker there may be is waited for first, as long as that does not take long.
 */
import { assert } from "../base/assert.ts";
import { type AttemptId, attemptKey, type Epoch, type NodeId } from "../base/ids.ts";
import type { EndedAttempt, Term, WorkerPoll } from "../protocol/message.ts";
import { assignmentFor } from "./assign.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { JobState } from "./job-state.ts";
import type { Step } from "./step.ts";
import { Phase } from "./task-table.ts";
import type { Timers } from "./timers.ts";
import type { WorkerState } from "./worker-table.ts";

/** Who may still run attempts of an earlier driver: nothing is given out before all have spoken, or so much time has passed. */
export interface Muster {
  readonly workers: readonly NodeId[];
  readonly waitMs: number;
}

export interface AdoptionParts {
  readonly state: JobState;
  readonly step: Step;
  readonly timers: Timers;
  readonly dispatcher: Dispatcher;
}

export class Adoption {
  readonly #state: JobState;
  readonly #step: Step;
  readonly #timers: Timers;
  readonly #dispatcher: Dispatcher;
  /** Workers that are waited for. */
  readonly #awaited = new Set<NodeId>();
  /** Attempts of earlier drivers that are known to have ended with nothing: what was sent before that, and comes later, counts for nothing. */
  readonly #over = new Set<string>();

  constructor({ state, step, timers, dispatcher }: AdoptionParts) {
    this.#state = state;
    this.#step = step;
    this.#timers = timers;
    this.#dispatcher = dispatcher;
  }

  /** Has the dispatcher begin, at once where nobody can be running anything. */
  begin({ workers, waitMs }: Muster): void {
    if (this.#state.epoch === 1 || workers.length === 0) return this.#dispatcher.begin();
    for (const worker of workers) this.#awaited.add(worker);
    this.#timers.set({ kind: "muster" }, waitMs);
  }

  /** The worker has said what it runs. */
  onHeard(worker: NodeId): void {
    if (!this.#awaited.delete(worker) || this.#awaited.size > 0) return;
    this.#timers.clear({ kind: "muster" });
    this.#dispatcher.begin();
  }

  /** Who has said nothing is waited for no longer. */
  onTimer(): void {
    this.#awaited.clear();
    this.#dispatcher.begin();
  }

  /**
   * The epoch of a driver that the worker follows, where that is another of this epoch or a later one: it heeds no order of this
   * one, and may have attempts of the names that this one would give.
   */
  overtakenBy({ terms }: WorkerPoll): Epoch | undefined {
    const { epoch, holder } = this.#state.term;
    const isAnother = (of: Term): boolean => of.epoch > epoch || (of.epoch === epoch && of.holder !== holder);
    return terms.findLast(isAnother)?.epoch;
  }

  /** Takes on what ended and nobody was told of. Only what it made is of use: a failure is the earlier driver's. */
  takeEnded(worker: WorkerState, poll: WorkerPoll, { attempt, outcome, asOfSeq }: EndedAttempt): void {
    if (outcome.kind !== "finished" && attempt.epoch < this.#state.epoch) this.#over.add(attemptKey(attempt));
    if (outcome.kind !== "finished" || this.#dispatcher.workers.live(attempt) !== undefined) return;
    if (this.#isAdoptable(poll, attempt, asOfSeq)) this.#take(worker, attempt, true);
  }

  /** Takes on what runs; false where it is not wanted any more. */
  takeRunning(worker: WorkerState, poll: WorkerPoll, index: number): boolean {
    const attempt = poll.running[index];
    assert(attempt !== undefined, "the poll tells of it");
    const mayCount =
      !this.#over.has(attemptKey(attempt)) && this.#isAdoptable(poll, attempt, poll.runningAsOf?.[index]);
    return mayCount && this.#take(worker, attempt, false);
  }

  #isAdoptable({ terms }: WorkerPoll, attempt: AttemptId, asOfSeq: number | undefined): boolean {
    const term = terms.find(({ epoch }) => epoch === attempt.epoch);
    if (!this.#dispatcher.isOpen || term === undefined || asOfSeq === undefined) return false;
    return this.#state.isAdoptable(attempt, asOfSeq, term.holder);
  }

  #take(worker: WorkerState, attempt: AttemptId, hasEnded: boolean): boolean {
    const { tasks, workers } = this.#dispatcher;
    const { stage, partition } = attempt;
    const task = { stage, partition };
    const phase = tasks.phase(task);
    if (phase === Phase.recording) return false;
    const rival = phase === Phase.running ? workers.liveOf(task) : undefined;
    // A third one would be too many; and of two, one must be out of reach of what holds the other up.
    if (rival !== undefined && (rival.rival !== undefined || (rival.worker === worker.id && !hasEnded)))
      return false;
    if (phase === Phase.delayed) this.#timers.clear({ kind: "retry", task });
    if (rival === undefined) tasks.setPhase(task, [Phase.idle, Phase.queued, Phase.delayed], Phase.running);
    this.#dispatcher.watch(worker, {
      assignment: assignmentFor(this.#state, attempt),
      rival,
      adopted: true,
    });
    this.#step.note({ kind: "attemptAdopted", attempt, worker: worker.id });
    return true;
  }
}
