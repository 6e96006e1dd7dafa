/**
 * Holds a job's driver: brings it the events of the outside world, one at a time, and performs its effects.
 *
 * Owns no decision. What is slow (appending, committing) is begun here and comes back as an event. The host ends
 * with the job, or when the driver turns out to be deposed or its lease is lost; after that nothing it began has
 * any effect, because every write is fenced by the epoch.
 */
import { assert, unreachable } from "../base/assert.ts";
import { BicoastalError, toErrorInfo } from "../base/errors.ts";
import type { Epoch, NodeId } from "../base/ids.ts";
import type { Muster } from "../core/adoption.ts";
import { JobDriver } from "../core/driver.ts";
import type { DriverEffect, DriverNote, JobEnd } from "../core/effect.ts";
import type { DriverEvent } from "../core/event.ts";
import type { Completed, JobState } from "../core/job-state.ts";
import type { JobContext } from "../plan/task.ts";
import type { Clock } from "../ports/clock.ts";
import type { Transport } from "../ports/transport.ts";
import type { LogRecord } from "../protocol/log-event.ts";
import type { Message, WorkerPoll } from "../protocol/message.ts";

/** `aborted`: the store failed for good, or an invariant broke; the job is as its log says. */
export type HostEnd =
  | JobEnd
  | { readonly kind: "deposed" }
  /** Another driver has had an epoch as late as this: the job is to be taken over above it. */
  | { readonly kind: "outrun"; readonly above: Epoch }
  | { readonly kind: "aborted"; readonly error: unknown };

export type CommitResult =
  | { readonly kind: "committed" }
  /** With a node: none of its blocks can be had. */
  | { readonly kind: "blocksLost"; readonly keys: readonly string[]; readonly node?: NodeId };

export interface DriverHostOptions {
  /** As replayed from the log, this driver's epoch included. */
  readonly state: JobState;
  readonly context: JobContext;
  readonly clock: Clock;
  readonly transport: Transport<Message>;
  readonly workerLeaseMs: number;
  readonly muster?: Muster | undefined;
  /** False where the driver is deposed. */
  readonly append: (record: LogRecord) => Promise<boolean>;
  /** Shows the outputs of a complete job; may be called again by a later driver. A BicoastalError fails the job. */
  readonly commit: (outputs: readonly Completed[]) => Promise<CommitResult>;
  readonly onNote: (note: DriverNote) => void;
  /** Checks the driver's invariants after every step: for tests and the simulator. */
  readonly checkInvariants?: boolean;
  /** Shown the driver's state after every step: for tests and the simulator. */
  readonly inspect?: ((state: JobState) => void) | undefined;
}

export class DriverHost {
  readonly #options: DriverHostOptions;
  readonly #driver: JobDriver;
  readonly #queue: DriverEvent[] = [];
  readonly #timers = new Map<string, () => void>();
  readonly #ended: Promise<HostEnd>;
  #end!: (end: HostEnd) => void;
  #open = true;
  #draining = false;

  constructor(options: DriverHostOptions) {
    this.#options = options;
    const { state, workerLeaseMs, muster } = options;
    this.#driver = new JobDriver(state, { workerLeaseMs, ...(muster === undefined ? {} : { muster }) });
    this.#ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** Works until the job or this driver ends. */
  run(): Promise<HostEnd> {
    this.#post({ kind: "driverStarted" });
    return this.#ended;
  }

  onPoll(worker: NodeId, poll: WorkerPoll): void {
    this.#post({ kind: "workerPolled", worker, poll });
  }

  cancel(reason: string): void {
    this.#post({ kind: "cancelRequested", reason });
  }

  /** Stops here and now, as a crash would. */
  depose(): void {
    this.#close({ kind: "deposed" });
  }

  #close(end: HostEnd): void {
    if (!this.#open) return;
    this.#open = false;
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
    this.#queue.length = 0;
    this.#end(end);
  }

  #post(event: DriverEvent): void {
    if (!this.#open) return;
    this.#queue.push(event);
    if (this.#draining) return;
    this.#draining = true;
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) this.#step(next);
    } catch (error) {
      this.#close({ kind: "aborted", error });
    } finally {
      this.#draining = false;
    }
  }

  #step(event: DriverEvent): void {
    const { clock, checkInvariants, inspect, state } = this.#options;
    const effects = this.#driver.step(event, clock.monotonicMs(), clock.wallMs());
    for (const effect of effects) this.#perform(effect);
    if (checkInvariants === true) this.#driver.checkInvariants();
    inspect?.(state);
  }

  #perform(effect: DriverEffect): void {
    switch (effect.kind) {
      case "appendRecord":
        return this.#append(effect.record);
      case "sendOrders":
        return this.#sendOrders(effect);
      case "setTimer":
        return this.#setTimer(effect.timer, effect.delayMs);
      case "clearTimer":
        return this.#clearTimer(effect.timer);
      case "commitOutputs":
        return this.#commit(effect.outputs);
      case "endJob":
        return this.#close(effect.outcome);
      case "standAside":
        return this.#close({ kind: "outrun", above: effect.above });
      case "note":
        return this.#options.onNote(effect.note);
      default:
        return unreachable(effect);
    }
  }

  #append(record: LogRecord): void {
    this.#options.append(record).then(
      (appended) => {
        if (appended) this.#post({ kind: "recordAppended", seq: record.seq });
        else this.depose();
      },
      (error: unknown) => this.#close({ kind: "aborted", error }),
    );
  }

  #sendOrders({
    worker,
    incarnation,
    start,
    stop,
    forget,
  }: Extract<DriverEffect, { kind: "sendOrders" }>): void {
    const { context, state, transport } = this.#options;
    transport.send(worker, {
      kind: "orders",
      job: context.job,
      ...state.term,
      incarnation,
      context,
      start,
      stop,
      forget,
    });
  }

  #setTimer(timer: string, delayMs: number): void {
    this.#timers.get(timer)?.();
    const cancel = this.#options.clock.setTimer(delayMs, () => {
      this.#timers.delete(timer);
      this.#post({ kind: "timerFired", timer });
    });
    this.#timers.set(timer, cancel);
  }

  #clearTimer(timer: string): void {
    this.#timers.get(timer)?.();
    this.#timers.delete(timer);
  }

  #commit(outputs: readonly Completed[]): void {
    this.#options.commit(outputs).then(
      (result) => this.#post(commitEvent(result)),
      (error: unknown) => this.#onCommitThrew(error),
    );
  }

  /** What went wrong with files is the job's failure; anything else is ours. */
  #onCommitThrew(error: unknown): void {
    if (error instanceof BicoastalError)
      this.#post({ kind: "outputsFailed", error: toErrorInfo(error, "OUTPUT_FAILED") });
    else this.#close({ kind: "aborted", error });
  }
}

function commitEvent(result: CommitResult): DriverEvent {
  switch (result.kind) {
    case "committed":
      return { kind: "outputsCommitted" };
    case "blocksLost":
      assert(result.keys.length > 0, "lost blocks have names");
      return {
        kind: "resultBlocksLost",
        keys: result.keys,
        ...(result.node === undefined ? {} : { node: result.node }),
      };
    default:
      return unreachable(result);
  }
}
