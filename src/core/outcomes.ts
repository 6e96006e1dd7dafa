/**
 * What the outcome of an attempt means for its task: whether it completes, is tried again, and when.
 *
 * Owns what is remembered of failures. Decides nothing about the job but that a task has failed for good.
 */
import type { ErrorInfo } from "../base/errors.ts";
import { type AttemptId, nodeId, taskKey } from "../base/ids.ts";
import type { TaskOutput } from "../plan/task.ts";
import type { EndedAttempt } from "../protocol/message.ts";
import type { Decisions } from "./decisions.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { isSameContent, type JobState } from "./job-state.ts";
import { retryDelayMs } from "./retry-delay.ts";
import type { Step } from "./step.ts";
import { Suspects } from "./suspects.ts";
import { Phase } from "./task-table.ts";
import type { Timers } from "./timers.ts";
import type { LiveAttempt, WorkerState } from "./worker-table.ts";

/** Attempts of one task lost to dead workers or missing blocks, before the job fails rather than go round for ever. */
const LOSSES_PER_TASK_MAX = 20;

export interface OutcomeParts {
  readonly state: JobState;
  readonly step: Step;
  readonly timers: Timers;
  readonly decisions: Decisions;
  readonly dispatcher: Dispatcher;
  /** The job fails, because of this attempt; harmless where it is ending. */
  readonly fail: (attempt: AttemptId, error: ErrorInfo) => void;
}

export class Outcomes {
  readonly #state: JobState;
  readonly #step: Step;
  readonly #timers: Timers;
  readonly #decisions: Decisions;
  readonly #dispatcher: Dispatcher;
  readonly #fail: OutcomeParts["fail"];
  readonly #suspects = new Suspects();
  /** Keys of lost blocks that were made again, and came out different: in the log, or on the way there. */
  readonly #outdated = new Set<string>();

  constructor({ state, step, timers, decisions, dispatcher, fail }: OutcomeParts) {
    this.#state = state;
    this.#step = step;
    this.#timers = timers;
    this.#decisions = decisions;
    this.#dispatcher = dispatcher;
    this.#fail = fail;
  }

  /** Takes in an outcome; true where the worker must keep it until the log has it. */
  onEnded(worker: WorkerState, { attempt, outcome }: EndedAttempt): boolean {
    const { workers, tasks } = this.#dispatcher;
    const live = workers.live(attempt);
    if (live === undefined || live.worker !== worker.id) return false;
    if (live.recording) return true;
    if (outcome.kind === "finished") {
      worker.rests = 0;
      if (this.#readOutdated(live)) {
        this.#dispatcher.settle(attempt);
        this.onLost(live);
        return false;
      }
      this.#noteOutdated(live.id, outcome.output);
      this.#dispatcher.countTime(live);
      workers.startRecording(live);
      // Its rival was faster: this one is kept in case that is never durable, and forgotten once it is.
      if (live.rival?.recording === true) return true;
      tasks.setPhase(attempt, [Phase.running], Phase.recording);
      this.#decisions.add({ kind: "taskCompleted", attempt: live.id, output: outcome.output });
      return true;
    }
    this.#dispatcher.settle(attempt);
    if (outcome.kind === "stopped") this.onLost(live);
    else if (outcome.lostBlocks.length > 0) this.#onInputLost(live, outcome.lostBlocks);
    else if (outcome.error.code === "PEER_UNREACHABLE") this.#onPeerUnreachable(worker, live, outcome.error);
    else if (outcome.error.code === "DISK_FULL" && this.#dispatcher.rest(worker))
      this.#onNoSpace(live, outcome.error);
    else this.#onTaskFailed(live, outcome.error);
    return false;
  }

  /** An output that takes the place of another that was lost: whoever read that one must not count beside who reads this. */
  #noteOutdated(id: AttemptId, { block }: TaskOutput): void {
    const former = this.#state.formerBlock(id);
    if (former !== undefined && !isSameContent(former, block)) this.#outdated.add(former.key);
  }

  #readOutdated({ assignment }: LiveAttempt): boolean {
    if (this.#outdated.size === 0) return false;
    const { input, broadcasts } = assignment;
    const sides = input.kind === "blocks" ? [...input.sides, ...broadcasts] : broadcasts;
    return sides.some((side) => side.some(({ blocks }) => blocks.some(({ key }) => this.#outdated.has(key))));
  }

  #onTaskFailed({ id: attempt, worker, rival }: LiveAttempt, error: ErrorInfo): void {
    const { tasks, health } = this.#dispatcher;
    const { attemptsMax: triesMax } = this.#state.spec.policy;
    const { tries, failures } = health.fail(attempt, worker, this.#step.nowMs);
    // What the task is to give is on its way to the log.
    if (rival?.recording === true) return;
    const last = !error.retryable || (tries >= triesMax && rival === undefined);
    const retryInMs = last
      ? undefined
      : rival === undefined
        ? retryDelayMs(this.#state, attempt, failures)
        : 0;
    this.#step.note({ kind: "taskFailed", attempt, tries, triesMax, error, retryInMs });
    if (retryInMs === undefined) {
      if (rival === undefined) tasks.setPhase(attempt, [Phase.running], Phase.idle);
      return this.#fail(attempt, error);
    }
    if (rival !== undefined) return;
    tasks.setPhase(attempt, [Phase.running], Phase.delayed);
    const { stage, partition } = attempt;
    this.#timers.set({ kind: "retry", task: { stage, partition } }, retryInMs);
  }

  /** The disk of one node is full, and others may have room: that is no fault of the task's. */
  #onNoSpace(live: LiveAttempt, error: ErrorInfo): void {
    const tries = this.#dispatcher.health.triesOf(live.id);
    const { attemptsMax: triesMax } = this.#state.spec.policy;
    this.#step.note({ kind: "taskFailed", attempt: live.id, tries, triesMax, error, retryInMs: 0 });
    this.onLost(live);
    this.#dispatcher.giveTasksToAll();
  }

  /**
   * The blocks this attempt was to read are gone: whoever made them runs again first. Of a node that lost many, one
   * attempt may find out again and again: it is the losses of the tasks that made them that are counted.
   */
  #onInputLost(live: LiveAttempt, keys: readonly string[]): void {
    const { known, newly } = this.#decisions.addLostBlocks(keys);
    if (!known) return this.onLost(live);
    // It stays idle: the loss locks its stage, and the stage brings it back when it unlocks.
    if (live.rival === undefined) this.#dispatcher.tasks.setPhase(live.id, [Phase.running], Phase.idle);
    for (const maker of newly) this.#boundLosses(maker);
  }

  /**
   * The node that has an input could not be asked. Whoever says so may be cut off itself, and what is well must not be
   * lost for its sake: the node's outputs are given up once it is no worker here any more, or a second one says the same.
   */
  #onPeerUnreachable(worker: WorkerState, live: LiveAttempt, { details }: ErrorInfo): void {
    this.#countLoss(live);
    if (!this.#dispatcher.isOpen) return;
    this.#dispatcher.health.cutOff(live.id, live.worker);
    const { node } = details;
    if (typeof node === "string") {
      const agreed = this.#suspects.report(node, live.worker, this.#step.nowMs);
      if (agreed || this.#dispatcher.workers.get(nodeId(node)) === undefined) {
        this.#suspects.forget(node);
        this.#decisions.addLostBlocks(this.#state.neededBlocksAt(nodeId(node)));
        this.#dispatcher.wakeAll();
      } else {
        // Another is to try: it reaches the node, or says the same.
        this.#dispatcher.rest(worker);
      }
    }
    if (live.rival !== undefined) return;
    const { tasks } = this.#dispatcher;
    tasks.setPhase(live.id, [Phase.idle], Phase.delayed);
    const { stage, partition } = live.id;
    const retryInMs = retryDelayMs(this.#state, live.id, tasks.losses(live.id));
    this.#timers.set({ kind: "retry", task: { stage, partition } }, retryInMs);
  }

  /** An attempt went down with no fault of its own. */
  onLost(live: LiveAttempt): void {
    this.#countLoss(live);
    if (live.rival === undefined) this.#dispatcher.enqueue(live.id);
  }

  /** Where its rival goes on, the task is still under way. */
  #countLoss({ id, rival }: LiveAttempt): void {
    const { tasks } = this.#dispatcher;
    if (rival !== undefined) return void tasks.countLoss(id);
    tasks.setPhase(id, [Phase.running], Phase.idle);
    this.#boundLosses(id);
  }

  #boundLosses(id: AttemptId): void {
    const losses = this.#dispatcher.tasks.countLoss(id);
    if (losses < LOSSES_PER_TASK_MAX) return;
    const message = `Task ${taskKey(id)} was lost ${losses} times with its worker, its input or its output. Look at the workers' own logs, then resume the job.`;
    this.#fail(id, { code: "JOB_FAILED", message, retryable: true, details: {} });
  }

  onTimeout(attempt: AttemptId): void {
    const live = this.#dispatcher.workers.live(attempt);
    if (live === undefined || live.recording) return;
    this.#dispatcher.settle(attempt);
    const worker = this.#dispatcher.workers.get(live.worker);
    if (worker !== undefined) {
      worker.unwanted++;
      this.#dispatcher.giveTasks(worker, { start: [], stop: [attempt], forget: [] });
    }
    const ms = this.#state.spec.policy.taskTimeoutMs ?? 0;
    const message = `Task ${taskKey(attempt)} had not ended after ${ms} ms and was stopped. Raise taskTimeoutMs (--task-timeout), or look for a loop that does not end.`;
    this.#onTaskFailed(live, {
      code: "TASK_TIMEOUT",
      message,
      retryable: true,
      details: { taskTimeoutMs: ms },
    });
  }
}
