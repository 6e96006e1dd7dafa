/**
 * What the log says of a job, told a second time: a replay that knows nothing of the code under test, and a form for both that
 * can be compared line by line (S3).
 *
 * Owns: the job's state after each of its records, as text.
 */
import { type AttemptId, stageId } from "../../../base/ids.ts";
import type { JobState } from "../../../core/job-state.ts";
import type { JobSpec } from "../../../protocol/job-spec.ts";
import type { AuditedAttempt, AuditedEvent, AuditedRecord } from "./read-record.ts";

interface Block {
  readonly key: string;
  readonly bytes: number;
  readonly checksum: number;
}
interface Output {
  readonly block?: Block;
}
interface Held {
  readonly attempt: AuditedAttempt;
  readonly output: Output;
}

export class ReplayedJob {
  readonly #spec: JobSpec;
  readonly #held = new Map<string, Held>();
  readonly #former = new Map<string, Block>();
  #epoch = 0;
  #status: unknown = { kind: "running" };
  #mixed: AuditedAttempt | undefined;
  /** By record: what was true when it was the last. */
  readonly #after: (readonly string[])[] = [];

  constructor(spec: JobSpec) {
    this.#spec = spec;
  }

  onRecord({ events, seq }: AuditedRecord): void {
    for (const event of events) this.#onEvent(event);
    this.#after[seq] = this.#lines();
  }

  /** What this driver lives by and the log does not say, or the other way round; undefined where they agree. */
  difference(state: JobState): string | undefined {
    const { nextSeq } = state;
    const replayed = this.#after[nextSeq - 1];
    if (replayed === undefined) return `it counts record ${nextSeq - 1}, which the store does not have`;
    const live = linesOf(state);
    const at = replayed.findIndex((line, index) => line !== live[index]);
    if (at < 0 && live.length === replayed.length) return undefined;
    const index = at < 0 ? replayed.length : at;
    return `after record ${nextSeq - 1} it has "${live[index]}", and the log says "${replayed[index]}"`;
  }

  #onEvent(event: AuditedEvent): void {
    switch (event.kind) {
      case "submitted":
        return;
      case "epochStarted":
        this.#epoch = event.epoch;
        this.#status = { kind: "running" };
        return;
      case "taskCompleted":
        return this.#onCompleted({ attempt: event.attempt, output: event.output as Output });
      case "outputLost": {
        const task = taskOf(event.attempt);
        const block = this.#held.get(task)?.output.block;
        if (block !== undefined) this.#former.set(task, block);
        this.#held.delete(task);
        return;
      }
      case "committed":
      case "failed":
      case "cancelled":
        this.#status = event;
    }
  }

  #onCompleted(held: Held): void {
    const { stage } = held.attempt;
    const task = taskOf(held.attempt);
    this.#held.set(task, held);
    const [former, block] = [this.#former.get(task), held.output.block];
    if (former === undefined || this.#mixed !== undefined) return;
    if (former.checksum === block?.checksum && former.bytes === block.bytes) return;
    const consumers = this.#spec.stages.filter(({ dependsOn }) => dependsOn.includes(stageId(stage)));
    const wasRead = consumers.some(({ id }) =>
      [...this.#held.values()].some((of) => of.attempt.stage === id),
    );
    if (wasRead) this.#mixed = held.attempt;
  }

  #lines(): readonly string[] {
    const lines = [`epoch ${this.#epoch}`, `status ${textOf(this.#status)}`, `mixed ${nameOf(this.#mixed)}`];
    for (const { id, tasks } of this.#spec.stages) {
      const blocks: string[] = [];
      let left = tasks;
      for (let partition = 0; partition < tasks; partition++) {
        const task = taskOf({ stage: id, partition });
        const held = this.#held.get(task);
        const block = held?.output.block;
        if (held !== undefined) left--;
        if (block !== undefined) blocks.push(block.key);
        lines.push(taskLine(task, held, this.#former.get(task), block && nameOf(held?.attempt)));
      }
      lines.push(stageLine(id, left, blocks));
    }
    return lines;
  }
}

/** The same of a state of the shipped code, by what it shows to everybody. */
function linesOf(state: JobState): readonly string[] {
  const { epoch, status, mixed, spec } = state;
  const lines = [`epoch ${epoch}`, `status ${textOf(status)}`, `mixed ${nameOf(mixed)}`];
  for (const { id, tasks } of spec.stages) {
    for (let partition = 0; partition < tasks; partition++) {
      const held = state.completed(id, partition);
      const block = held?.output.block;
      const former = state.formerBlock({ stage: id, partition });
      const maker = block && nameOf(state.attemptOfBlock(block.key));
      lines.push(taskLine(taskOf({ stage: id, partition }), held, former, maker));
    }
    const left = state.tasksRemaining(id);
    lines.push(
      stageLine(id, left, state.isStageComplete(id) ? state.blocksOf(id).map(({ key }) => key) : []),
    );
  }
  return lines;
}

/** @param maker Whose block it is said to be. */
const taskLine = (task: string, held: unknown, former: unknown, maker: string | undefined): string =>
  `${task} ${textOf(held)}, block of ${maker}, before ${textOf(former)}`;

const stageLine = (stage: number, left: number, blocks: readonly string[]): string =>
  `stage ${stage} lacks ${left}, blocks ${left === 0 ? blocks.join(" ") : "-"}`;

const taskOf = ({ stage, partition }: Pick<AuditedAttempt, "stage" | "partition">): string =>
  `s${stage}.p${partition}`;
const nameOf = (attempt: AuditedAttempt | AttemptId | undefined): string =>
  attempt === undefined ? "none" : `${taskOf(attempt)}.e${attempt.epoch}.a${attempt.attempt}`;

/** As JSON, whatever the order of the fields; one that is undefined is as one that is not there. */
function textOf(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(JSON.stringify(value));
  if (Array.isArray(value)) return `[${value.map(textOf).join()}]`;
  const fields = value as Readonly<Record<string, unknown>>;
  const texts: string[] = [];
  for (const name of Object.keys(fields).sort())
    if (fields[name] !== undefined) texts.push(`"${name}":${textOf(fields[name])}`);
  return `{${texts.join()}}`;
}
