/**
 * What the log says of a job: its whole durable state, and nothing else (S3). The live driver changes it only by
 * applying events that the store has confirmed, so replaying the log on any node gives the same state.
 */
import { assert, unreachable } from "../base/assert.ts";
import type { ErrorInfo } from "../base/errors.ts";
import {
  type AttemptId,
  attemptHandle,
  attemptKey,
  type Epoch,
  epoch,
  type NodeId,
  type StageId,
  sameAttempt,
  type TaskId,
  taskKey,
} from "../base/ids.ts";
import type { BlockRef, TaskOutput } from "../plan/task.ts";
import type { JobSpec } from "../protocol/job-spec.ts";
import type { LogEvent, LogRecord } from "../protocol/log-event.ts";
import type { Term } from "../protocol/message.ts";

/** The effective attempt of a task (S4). */
export interface Completed {
  readonly attempt: AttemptId;
  readonly output: TaskOutput;
}

export type JobStatus =
  | { readonly kind: "running" }
  | { readonly kind: "committed"; readonly atMs: number }
  | {
      readonly kind: "failed";
      readonly atMs: number;
      readonly attempt: AttemptId | undefined;
      readonly error: ErrorInfo;
    }
  | { readonly kind: "cancelled"; readonly atMs: number; readonly reason: string };

interface LoggedTerm {
  readonly holder: string;
  /** Where the log of this epoch ends: with the record that began the next one. Undefined of the last. */
  endSeq: number | undefined;
}

export class JobState {
  readonly spec: JobSpec;
  #status: JobStatus = { kind: "running" };
  #epoch: Epoch = epoch(0);
  /** By epoch. */
  readonly #terms = new Map<Epoch, LoggedTerm>();
  #nextSeq = 0;
  readonly #completed: (Completed | undefined)[][];
  readonly #remaining: number[];
  /** Blocks of a stage in partition order; dropped whenever one of them changes. */
  readonly #blocks: (readonly BlockRef[] | undefined)[];
  readonly #taskOfBlock = new Map<string, AttemptId>();
  /** What was lost last, of each task that lost an output. */
  readonly #former = new Map<string, BlockRef>();
  /** Attempts that were effective once, and whose output was lost. */
  readonly #lost = new Set<number | string>();
  /** By stage: the record that changed its outputs last. */
  readonly #changedSeq: number[];
  #mixed: AttemptId | undefined;

  constructor(spec: JobSpec) {
    this.spec = spec;
    this.#completed = spec.stages.map((stage) =>
      new Array<Completed | undefined>(stage.tasks).fill(undefined),
    );
    this.#remaining = spec.stages.map((stage) => stage.tasks);
    this.#blocks = spec.stages.map(() => undefined);
    this.#changedSeq = spec.stages.map(() => 0);
  }

  static replay(spec: JobSpec, records: Iterable<LogRecord>): JobState {
    const state = new JobState(spec);
    for (const record of records) state.applyRecord(record);
    return state;
  }

  get status(): JobStatus {
    return this.#status;
  }
  get epoch(): Epoch {
    return this.#epoch;
  }
  /** Whose the epoch is. */
  get term(): Term {
    return { epoch: this.#epoch, holder: this.#terms.get(this.#epoch)?.holder ?? "" };
  }
  /** Sequence number of the record to append next. */
  get nextSeq(): number {
    return this.#nextSeq;
  }

  /**
   * An attempt whose output took the place of one that was lost, and is another, when tasks that had read the former one
   * were complete (S6): what the job would give is made of both. Undefined as long as there is none.
   */
  get mixed(): AttemptId | undefined {
    return this.#mixed;
  }
  /** The block that this task lost last, if it lost one. */
  formerBlock(task: TaskId): BlockRef | undefined {
    return this.#former.size === 0 ? undefined : this.#former.get(taskKey(task));
  }

  applyRecord(record: LogRecord): void {
    assert(record.seq === this.#nextSeq, `record ${record.seq} follows ${this.#nextSeq - 1} (S2)`);
    assert(record.epoch >= this.#epoch, "epochs never decrease (S2)");
    assert(
      record.seq > 0 || record.events[0]?.kind === "submitted",
      "a log begins with the submission, so nothing else is of epoch 0",
    );
    this.#nextSeq++;
    for (const event of record.events) this.#apply(event);
    assert(record.epoch === this.#epoch, "only the driver of the epoch appends (S2)");
  }

  completed(stage: StageId, partition: number): Completed | undefined {
    return this.#completed[stage]![partition];
  }
  isStageComplete(stage: StageId): boolean {
    return this.#remaining[stage] === 0;
  }
  isComplete(): boolean {
    return this.#remaining.every((count) => count === 0);
  }
  tasksRemaining(stage: StageId): number {
    return this.#remaining[stage]!;
  }

  /**
   * Whether an attempt that a driver of an earlier epoch gave out may still become the effective one: its task is open, it
   * never was effective before, what its driver went by is in this log, and what it reads is what a new attempt would read.
   *
   * The log has no assignments. But a driver gives tasks out by what the log says, and only of stages whose inputs are
   * complete: as long as no record since has changed one of those stages, the same blocks still stand there.
   * @param asOfSeq How many records the log had then.
   * @param holder Whose the attempt's epoch was.
   */
  isAdoptable(attempt: AttemptId, asOfSeq: number, holder: string): boolean {
    const { stage, partition, epoch: of } = attempt;
    const shape = this.spec.stages[stage];
    if (shape === undefined || partition >= shape.tasks || !this.#hasAll(of, asOfSeq, holder)) return false;
    if (this.completed(stage, partition) !== undefined || this.#lost.has(attemptHandle(attempt)))
      return false;
    return shape.dependsOn.every((from) => this.isStageComplete(from) && this.#changedSeq[from]! < asOfSeq);
  }

  /**
   * Whether this log begins with the records that the log of a former epoch's driver had, so many of them. In a store that was set
   * back it may not: they are gone, or others stand there.
   */
  #hasAll(of: Epoch, asOfSeq: number, holder: string): boolean {
    const term = this.#terms.get(of);
    return term?.endSeq !== undefined && term.holder === holder && asOfSeq <= term.endSeq;
  }

  /** Every effective output, by stage and then partition. */
  *outputs(): Generator<Completed> {
    for (const stage of this.#completed) for (const task of stage) if (task !== undefined) yield task;
  }

  /** The blocks of a complete stage, in partition order. */
  blocksOf(stage: StageId): readonly BlockRef[] {
    assert(this.isStageComplete(stage), `blocks are taken from complete stages, and stage ${stage} is not`);
    let blocks = this.#blocks[stage];
    if (blocks === undefined) {
      // An attempt that had nothing to hand on has no block.
      blocks = this.#completed[stage]!.flatMap((task) => task?.output.block ?? []);
      this.#blocks[stage] = blocks;
    }
    return blocks;
  }

  /** Keys of the blocks that this node has and that somebody still reads: a stage that is not complete, or an end. */
  neededBlocksAt(node: NodeId): readonly string[] {
    const keys: string[] = [];
    for (const { id } of this.spec.stages) {
      if (!this.#isNeeded(id)) continue;
      for (const task of this.#completed[id]!) {
        if (task?.output.block?.node === node) keys.push(task.output.block.key);
      }
    }
    return keys;
  }

  #isNeeded(stage: StageId): boolean {
    const { stages, ends } = this.spec;
    return (
      stages.some(({ id, dependsOn }) => dependsOn.includes(stage) && !this.isStageComplete(id)) ||
      ends.some(({ producers }) => producers.some((producer) => producer.stage === stage))
    );
  }

  /** The effective attempt that made this block; undefined where another one has taken its place. */
  attemptOfBlock(key: string): AttemptId | undefined {
    return this.#taskOfBlock.get(key);
  }

  #apply(event: LogEvent): void {
    switch (event.kind) {
      case "submitted":
        assert(this.#nextSeq === 1, "`submitted` stands in the first record");
        return;
      case "epochStarted":
        return this.#startEpoch(event);
      case "taskCompleted":
        this.#complete(event);
        return;
      case "outputLost":
        this.#lose(event.attempt);
        return;
      case "committed":
        assert(this.isComplete(), "a job commits when every task is complete");
        return this.#end(event);
      case "failed":
      case "cancelled":
        return this.#end(event);
      default:
        unreachable(event);
    }
  }

  #startEpoch({ epoch: next, holder = "" }: Extract<LogEvent, { readonly kind: "epochStarted" }>): void {
    assert(next > this.#epoch, "each take-over raises the epoch (S2)");
    assert(this.#status.kind !== "committed", "a committed job is not taken over");
    const ended = this.#terms.get(this.#epoch);
    if (ended !== undefined) ended.endSeq = this.#nextSeq - 1;
    this.#epoch = next;
    this.#terms.set(next, { holder, endSeq: undefined });
    this.#status = { kind: "running" };
  }

  #end(event: Exclude<JobStatus, { readonly kind: "running" }>): void {
    assert(this.#status.kind === "running", "a job ends once in an epoch");
    this.#status = event;
  }

  #complete({ attempt, output }: Completed): void {
    assert(this.#status.kind === "running", "tasks complete only while the job runs");
    const stage = this.#completed[attempt.stage];
    assert(stage !== undefined && attempt.partition < stage.length, "the plan has the task that completed");
    if (stage[attempt.partition] !== undefined)
      assert(false, `one attempt of a task is effective (S4): ${attemptKey(attempt)}`);
    stage[attempt.partition] = { attempt, output };
    this.#remaining[attempt.stage]!--;
    this.#noteChange(attempt.stage);
    if (output.block !== undefined) this.#taskOfBlock.set(output.block.key, attempt);
    const former = this.formerBlock(attempt);
    if (former !== undefined && !isSameContent(former, output.block) && this.#wasRead(attempt.stage))
      this.#mixed ??= attempt;
  }

  /** By the record that is being applied. */
  #noteChange(stage: StageId): void {
    this.#blocks[stage] = undefined;
    this.#changedSeq[stage] = this.#nextSeq - 1;
  }

  /** Whether a task that reads this stage is complete. */
  #wasRead(stage: StageId): boolean {
    return this.spec.stages.some(
      ({ id, tasks, dependsOn }) => dependsOn.includes(stage) && this.#remaining[id]! < tasks,
    );
  }

  #lose(attempt: AttemptId): void {
    assert(this.#status.kind === "running", "outputs are lost only while the job runs");
    const task = this.#completed[attempt.stage]?.[attempt.partition];
    if (task === undefined || !sameAttempt(task.attempt, attempt))
      assert(false, `what is lost was effective: ${attemptKey(attempt)}`);
    this.#completed[attempt.stage]![attempt.partition] = undefined;
    this.#remaining[attempt.stage]!++;
    this.#noteChange(attempt.stage);
    this.#lost.add(attemptHandle(attempt));
    const { block } = task.output;
    if (block === undefined) return;
    this.#taskOfBlock.delete(block.key);
    this.#former.set(taskKey(attempt), block);
  }
}

/** Whether whoever reads the one reads what stands in the other. */
export const isSameContent = (a: BlockRef, b: BlockRef | undefined): boolean =>
  b !== undefined && a.checksum === b.checksum && a.bytes === b.bytes;
