import { assert } from "../base/assert.ts";
import type { AttemptId } from "../base/ids.ts";
import type { LogEvent, LogRecord } from "../protocol/log-event.ts";
import type { JobState } from "./job-state.ts";
import type { Step } from "./step.ts";

/**
 * Keep a record below what one transaction of the store may hold, 1 MiB. The largest event of all, a task with a
 * thousand long-named counters, still fits alone.
 */
const EVENTS_PER_RECORD_MAX = 4_096;
const RECORD_BYTES_MAX = 720 * 1024;
/** Of a character, at the most. */
const CHAR_BYTES_MAX = 3;
/** Bounds on what a completion takes without its counters: for itself, a block, and a file, besides their names. */
const COMPLETION_BYTES = 256;
const BLOCK_BYTES = 112;
const FILE_BYTES = 160;

export interface LostBlocks {
  /** Whether one of them was still somebody's: its loss is to be logged, or about to be. */
  readonly known: boolean;
  /** Whose loss was not decided before. */
  readonly newly: readonly AttemptId[];
}

/**
 * What was decided and is not yet in the log. At most one record is on its way; what is decided meanwhile waits and
 * goes together in the next.
 */
export class Decisions {
  readonly #state: JobState;
  readonly #step: Step;
  readonly #waiting: LogEvent[] = [];
  #inFlight: LogRecord | undefined;
  /** Keys of blocks whose loss is among the above. */
  readonly #lostBlocks = new Set<string>();

  constructor(state: JobState, step: Step) {
    this.#state = state;
    this.#step = step;
  }

  get waitingCount(): number {
    return this.#waiting.length;
  }
  get isEmpty(): boolean {
    return this.#waiting.length === 0 && this.#inFlight === undefined && this.#lostBlocks.size === 0;
  }

  add(event: LogEvent): void {
    this.#waiting.push(event);
  }

  /** Decides that these blocks are lost. */
  addLostBlocks(keys: readonly string[]): LostBlocks {
    const newly: AttemptId[] = [];
    let known = false;
    for (const key of keys) {
      const attempt = this.#state.attemptOfBlock(key);
      if (attempt === undefined) continue;
      known = true;
      if (this.#lostBlocks.has(key)) continue;
      this.#lostBlocks.add(key);
      this.add({ kind: "outputLost", attempt });
      newly.push(attempt);
    }
    return { known, newly };
  }

  /** Sends the next record, if none is on its way. */
  send(): void {
    if (this.#inFlight !== undefined || this.#waiting.length === 0) return;
    const events = this.#waiting.splice(0, fittingCount(this.#waiting));
    this.#inFlight = { version: 1, seq: this.#state.nextSeq, epoch: this.#state.epoch, events };
    this.#step.want({ kind: "appendRecord", record: this.#inFlight });
  }

  /** The record is durable: changes the state by it, and gives its events. */
  confirm(seq: number): readonly LogEvent[] {
    const record = this.#inFlight;
    assert(record?.seq === seq, `the record that is confirmed is the one on its way, ${seq}`);
    this.#inFlight = undefined;
    for (const event of record.events) {
      if (event.kind === "outputLost") this.#confirmLoss(event.attempt);
    }
    this.#state.applyRecord(record);
    return record.events;
  }

  #confirmLoss(attempt: AttemptId): void {
    const lost = this.#state.completed(attempt.stage, attempt.partition);
    assert(lost !== undefined, "what is lost was complete");
    if (lost.output.block !== undefined) this.#lostBlocks.delete(lost.output.block.key);
    this.#step.note({ kind: "outputLost", lost });
  }
}

/** How many of the first events go into one record: at least one. */
function fittingCount(events: readonly LogEvent[]): number {
  let bytes = 0;
  let count = 0;
  for (const event of events) {
    bytes += bytesMaxOf(event);
    if (count > 0 && bytes > RECORD_BYTES_MAX) break;
    if (++count === EVENTS_PER_RECORD_MAX) break;
  }
  return count;
}

/** At least what the event takes in a record; most are completions, which are not written out just to be measured. */
function bytesMaxOf(event: LogEvent): number {
  if (event.kind !== "taskCompleted") return JSON.stringify(event).length * CHAR_BYTES_MAX;
  const { files, counters, sinkRows, block } = event.output;
  let bytes = COMPLETION_BYTES + sinkRows.length * 17;
  if (block !== undefined)
    bytes += BLOCK_BYTES + (block.key.length + (block.node?.length ?? 0)) * CHAR_BYTES_MAX;
  for (const { staged } of files) bytes += FILE_BYTES + staged.length * CHAR_BYTES_MAX;
  if (Object.keys(counters).length > 0) bytes += JSON.stringify(counters).length * CHAR_BYTES_MAX;
  return bytes;
}
