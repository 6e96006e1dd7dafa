/**
 * One job as the store shows it, change by change: what its keys say is held against the invariants at every revision, and
 * not at the end alone, when a later change may have covered an earlier one.
 *
 * Owns: what the log says at this revision, and which lists of blocks it has ever said to be whole stages.
 */

import type { JobState } from "../../../core/job-state.ts";
import type { TaskAssignment } from "../../../plan/task.ts";
import type { Change } from "../../../ports/control-store.ts";
import type { JobSpec } from "../../../protocol/job-spec.ts";
import { type AuditedAttempt, type AuditedEvent, blockName, readRecord } from "./read-record.ts";
import { ReplayedJob } from "./replayed-job.ts";

type Ended = "committed" | "failed" | "cancelled";

/** What an attempt was given to read of each stage, by name and as checksums. */
type Reads = readonly { readonly stage: number; readonly blocks: string; readonly checksums: string }[];

/** What a revision of the store changed. */
export interface AuditedRevision {
  readonly revision: number;
  readonly changes: readonly Change[];
}

/** The changes of one revision to the keys of one job, by what they are. */
interface Revision {
  readonly changes: ReadonlyMap<string, Change>;
  readonly card: { readonly end?: { readonly kind: Ended } } | undefined;
}

export class JobAudit {
  problems: string[] = [];
  /** The job until the store was set back. */
  readonly #former: JobAudit | undefined;
  readonly #spec: JobSpec;
  readonly #log: string;
  #nextSeq = 0;
  #epoch = 0;
  /** What take-overs have written to the epoch's key, after its number. */
  readonly #holders = new Set<string>();
  #ended: Ended | undefined;
  /** The store was set back to before it was submitted: whoever looked then may delete what it stored. */
  #wasGone = false;
  /** By stage and partition: the attempt that counts, and its block. */
  readonly #effective = new Map<string, { readonly name: string; readonly block: string }>();
  /** How often each attempt has completed: no name is given out twice. */
  readonly #completions = new Set<string>();
  /** By attempt: what it was given to read; more than one where the store was set back, so that names came again. */
  readonly #reads: Map<string, readonly Reads[]>;
  /** By stage: every list of blocks that was the whole stage's at some revision, and the last epoch in which it was. */
  readonly #wholes = new Map<number, Map<string, number>>();
  /** An attempt that an earlier driver gave out became effective. */
  countsAdopted = false;
  readonly #replayed: ReplayedJob;

  constructor(spec: JobSpec, former?: JobAudit) {
    this.#spec = spec;
    this.#former = former;
    this.#reads = former === undefined ? new Map() : former.#reads;
    this.#log = `jobs/${spec.id}/log/`;
    this.#replayed = new ReplayedJob(spec);
    // A stage of no tasks is whole from the beginning.
    for (const { id } of spec.stages) this.#noteWhole(id);
  }

  /**
   * The job in a store that was set back to where it had made these changes. What was promised holds anew from there. Those who
   * live on what the store had said meanwhile may go on with it, until they hear; but nothing of it gets into this log.
   */
  restored(changed: readonly AuditedRevision[]): JobAudit {
    const job = new JobAudit(this.#spec, this);
    for (const { revision, changes } of changed) job.onRevision(revision, changes);
    job.#wasGone = job.#nextSeq === 0;
    // What was wrong until then was told.
    job.problems = [];
    return job;
  }

  get ended(): Ended | undefined {
    return this.#ended;
  }

  /** What one transaction did to keys of this job. */
  onRevision(number: number, all: readonly Change[]): void {
    const changes = new Map(all.map((change) => [keyOf(change), change]));
    const written = changes.get(`cards/${this.#spec.id}`);
    const card = written?.kind === "put" ? parse(written.entry.value) : undefined;
    const revision: Revision = { changes, card };
    const before = this.problems.length;
    let appended = 0;
    for (const change of all) {
      if (!keyOf(change).startsWith(this.#log)) continue;
      this.#onRecord(change, revision);
      appended++;
    }
    if (appended > 1) this.#say(`S2: ${appended} records in one transaction`);
    if (appended === 0) this.#onOtherChange(revision);
    for (let index = before; index < this.problems.length; index++)
      this.problems[index] = `${this.problems[index]} (job ${this.#spec.id}, revision ${number})`;
  }

  #onRecord(change: Change, revision: Revision): void {
    if (change.kind === "delete") return this.#say(`S2: ${change.key} was deleted`);
    const { key, version, value } = change.entry;
    if (version !== 1) return this.#say(`S2: ${key} was written over`);
    const record = readRecord(value);
    if (record.seq !== this.#nextSeq || key !== `${this.#log}${String(record.seq).padStart(12, "0")}`)
      this.#say(`S2: ${key} holds record ${record.seq}, and ${this.#nextSeq} was to come`);
    this.#nextSeq = record.seq + 1;
    if (record.epoch < this.#epoch)
      this.#say(`S2: an append of epoch ${record.epoch} in epoch ${this.#epoch}`);
    for (const event of record.events) this.#onEvent(event, revision);
    if (record.epoch !== this.#epoch)
      this.#say(`S2: a record of epoch ${record.epoch} stands in epoch ${this.#epoch}`);
    this.#onEnds(record.events, revision);
    this.#replayed.onRecord(record);
  }

  #onEvent(event: AuditedEvent, revision: Revision): void {
    if (event.kind === "epochStarted") return this.#onEpoch(event.epoch, revision);
    if (this.#ended !== undefined) this.#say(`${event.kind} after the job had ${this.#ended}`);
    switch (event.kind) {
      case "taskCompleted":
        return this.#onCompleted(event.attempt, event.block);
      case "outputLost":
        return this.#onLost(event.attempt);
      case "committed":
        this.#ended = "committed";
        this.#checkReads();
        for (const { id } of this.#spec.stages)
          if (this.#wholeOf(id) === undefined) this.#say(`S7: it committed before stage ${id} was complete`);
        return;
      case "failed":
      case "cancelled":
        this.#ended = event.kind;
        return;
      case "submitted":
        if (this.#nextSeq !== 1) this.#say("S2: it was submitted again");
    }
  }

  #onEpoch(epoch: number, { changes }: Revision): void {
    // In a store that was set back there may be drivers of epochs that it has forgotten.
    const leap = this.#former === undefined ? 1 : Number.POSITIVE_INFINITY;
    if (epoch <= this.#epoch || epoch > this.#epoch + leap)
      this.#say(`S2: epoch ${epoch} follows ${this.#epoch}`);
    if (this.#ended === "committed") this.#say("S2: a committed job was taken over");
    const raised = changes.get(`jobs/${this.#spec.id}/epoch`);
    const [number, ...words] =
      raised?.kind === "put" ? new TextDecoder().decode(raised.entry.value).split(" ") : [];
    if (number !== String(epoch))
      this.#say(`S2: epoch ${epoch} began, and the epoch's key was not raised with it`);
    const holder = words.join(" ");
    if (holder === "" || this.#holders.has(holder))
      this.#say(`S2: epoch ${epoch} began, and its key does not say whose it alone is`);
    this.#holders.add(holder);
    this.#epoch = epoch;
    this.#ended = undefined;
    for (const { id } of this.#spec.stages) this.#noteWhole(id);
  }

  #onCompleted(attempt: AuditedAttempt, block: string): void {
    const [task, name] = [taskOf(attempt), nameOf(attempt)];
    const held = this.#effective.get(task);
    if (held !== undefined) this.#say(`S4: ${name} completed, and ${held.name} had`);
    if (attempt.epoch > this.#epoch) this.#say(`S4: ${name} is of an epoch to come`);
    if (this.#completions.has(name)) this.#say(`S4: ${name} completed twice`);
    this.#completions.add(name);
    if (attempt.epoch < this.#epoch) this.countsAdopted = true;
    // Whoever gave it out: what it read stood there as whole in this epoch, or this driver would have given it other blocks.
    const stale = this.#noneOfReads(
      name,
      ({ stage, blocks }) =>
        this.#wholes.get(stage)?.get(blocks) !== this.#epoch && !this.#wasWhole(stage, blocks),
    );
    for (const { stage } of stale)
      this.#say(`S5: ${name} counts in epoch ${this.#epoch}, of which stage ${stage} never was what it read`);
    this.#effective.set(task, { name, block });
    this.#noteWhole(attempt.stage);
  }

  #onLost(attempt: AuditedAttempt): void {
    const held = this.#effective.get(taskOf(attempt));
    if (held?.name !== nameOf(attempt))
      this.#say(`S4: ${nameOf(attempt)} was lost, and ${held?.name} counted`);
    this.#effective.delete(taskOf(attempt));
  }

  /**
   * S6: all that counts was made of what counts. An output that was lost and made again may be another, where a function gives
   * other results each time; whoever had read the former one must not count any more.
   */
  #checkReads(): void {
    for (const { name } of this.#effective.values()) {
      const others = this.#noneOfReads(name, ({ stage, checksums }) => {
        const whole = this.#wholeOf(stage);
        return whole !== undefined && checksums !== checksumsOf(whole.split("\n"));
      });
      for (const { stage } of others)
        this.#say(`S6: ${name} counts, and has read other output of stage ${stage} than the one that counts`);
    }
  }

  /** What is wrong with what an attempt of this name was given to read, where that is so each time that one was given out. */
  #noneOfReads(name: string, isWrong: (of: Reads[number]) => boolean): Reads {
    const wrong = (this.#reads.get(name) ?? []).map((reads) => reads.filter(isWrong));
    return wrong.every((of) => of.length > 0) ? (wrong.at(-1) ?? []) : [];
  }

  #noteWhole(stage: number): void {
    const whole = this.#wholeOf(stage);
    if (whole === undefined) return;
    const wholes = this.#wholes.get(stage) ?? new Map<string, number>();
    this.#wholes.set(stage, wholes.set(whole, this.#epoch));
  }

  /** The blocks of a stage in order, where it is complete. */
  #wholeOf(stage: number): string | undefined {
    const blocks: string[] = [];
    for (let partition = 0; partition < (this.#spec.stages[stage]?.tasks ?? 0); partition++) {
      const held = this.#effective.get(`s${stage}.p${partition}`);
      if (held === undefined) return undefined;
      if (held.block !== "") blocks.push(held.block);
    }
    return blocks.join("\n");
  }

  /** The record that ends a job goes with all else that says so. */
  #onEnds(events: readonly AuditedEvent[], { changes, card }: Revision): void {
    const kind = events.at(-1)?.kind;
    if (kind !== "committed" && kind !== "failed" && kind !== "cancelled") return;
    if (card?.end?.kind !== kind)
      this.#say(`it ${kind}, and its card says ${JSON.stringify(card?.end?.kind)}`);
    const open = changes.get(`open/${this.#spec.id}`);
    if (open?.kind === "put") this.#say(`it ${kind}, and was opened with it`);
  }

  #onOtherChange({ changes, card }: Revision): void {
    const { id } = this.#spec;
    if (changes.has(`jobs/${id}/epoch`)) this.#say("S2: the epoch's key changed without a record");
    if (card?.end !== undefined)
      this.#say(`S12: its card says that it ${card.end.kind}, and its log does not`);
    if (this.#ended !== "committed") return;
    if (card !== undefined && card.end === undefined)
      this.#say("S1: it had committed, and its card forgot it");
    if (changes.get(`open/${id}`)?.kind === "put") this.#say("S1: it had committed, and was opened again");
  }

  /** S5: what an attempt is to read is what some revision said to be the whole of each stage. */
  onAttempt({ attempt, input, broadcasts }: TaskAssignment): void {
    const inputs = [...(input.kind === "blocks" ? input.sides : []), ...broadcasts].flat();
    const reads = inputs.map(({ stage, blocks }) => {
      const names = blocks.map(blockName);
      return { stage, blocks: names.join("\n"), checksums: checksumsOf(names) };
    });
    const others = this.#former === undefined ? [] : (this.#reads.get(nameOf(attempt)) ?? []);
    this.#reads.set(nameOf(attempt), [...others, reads]);
    for (const { stage, blocks } of inputs) {
      if (this.#hasBeenWhole(stage, blocks.map(blockName).join("\n"))) continue;
      this.#say(
        `S5: ${nameOf(attempt)} of ${this.#spec.id} reads blocks of stage ${stage} that never were all of it`,
      );
    }
  }

  /** At some revision, also of before the store was set back. */
  #hasBeenWhole(stage: number, blocks: string): boolean {
    if (this.#wholes.get(stage)?.has(blocks) === true) return true;
    return this.#wasWhole(stage, blocks);
  }

  /** Before the store was set back: what a driver gave out then may come to count under the same name. */
  #wasWhole(stage: number, blocks: string): boolean {
    return this.#former === undefined ? false : this.#former.#hasBeenWhole(stage, blocks);
  }

  /** S3: what a driver lives by is what the log says, as far as it knows it. */
  onState(state: JobState, driver: string): void {
    const difference = this.#replayed.difference(state);
    if (difference !== undefined && !this.#wasAsLog(state))
      this.#say(`S3: of ${this.#spec.id} ${driver} is wrong: ${difference}`);
  }

  /** Before the store was set back. Its driver hears of that at its next record. */
  #wasAsLog(state: JobState): boolean {
    const former = this.#former;
    return (
      former !== undefined && (former.#replayed.difference(state) === undefined || former.#wasAsLog(state))
    );
  }

  #hadCommitted(): boolean {
    if (this.#ended === "committed") return true;
    return this.#former === undefined ? false : this.#former.#hadCommitted();
  }

  /** S11: what it stored is deleted. */
  onSweep(by: string): void {
    if (!this.#wasGone && !this.#hadCommitted())
      this.#say(`S11: ${by} deleted what ${this.#spec.id} stored, which had ${this.#ended ?? "not ended"}`);
  }

  #say(problem: string): void {
    this.problems.push(problem);
  }
}

const keyOf = (change: Change): string => (change.kind === "put" ? change.entry.key : change.key);
/** Of blocks by their names. */
const checksumsOf = (blocks: readonly string[]): string =>
  blocks.map((block) => block.slice(block.lastIndexOf("#") + 1)).join(" ");
const taskOf = ({ stage, partition }: AuditedAttempt): string => `s${stage}.p${partition}`;
const nameOf = (attempt: AuditedAttempt): string =>
  `${taskOf(attempt)}.e${attempt.epoch}.a${attempt.attempt}`;
const parse = (value: Uint8Array): Revision["card"] =>
  JSON.parse(new TextDecoder().decode(value)) as Revision["card"];
