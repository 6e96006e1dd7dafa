/**
 * Drives one job on this node from wherever its log stands to its end, or until this node is told to stop.
 *
 * It takes the job over, replays the log, runs driver and worker, and shows the outputs. Where the lease is lost
 * without anyone having taken over (the machine slept, say), it takes the job over again and goes on.
 *
 * Long because what one epoch owns is begun and ended in one place, in the order in which it happens.
 */
import { assert } from "../base/assert.ts";
import { BicoastalError } from "../base/errors.ts";
import { type AttemptId, type ContentHash, type Epoch, epoch } from "../base/ids.ts";
import type { Prng } from "../base/prng.ts";
import type { Muster } from "../core/adoption.ts";
import type { DriverNote, JobEnd } from "../core/effect.ts";
import type { Completed, JobState } from "../core/job-state.ts";
import type { Clock } from "../ports/clock.ts";
import type { ControlStore } from "../ports/control-store.ts";
import type { Outputs } from "../ports/outputs.ts";
import type { ImpureCall, TaskLogEntry } from "../ports/task-runner.ts";
import type { Tracing } from "../ports/tracing.ts";
import type { JobSpec } from "../protocol/job-spec.ts";
import type { LogEvent, LogRecord } from "../protocol/log-event.ts";
import { CompleteOutputs, commitWrites, type EndResult, type ReadRows, readResults } from "./commit.ts";
import type { Crew, MusterRequest } from "./crew.ts";
import { type CommitResult, DriverHost, type HostEnd } from "./driver-host.ts";
import { DriverLease } from "./driver-lease.ts";
import type { RunEvent } from "./events.ts";
import { type DriverOwner, type JobCard, JobLog, type TakenOver } from "./job-log.ts";
import { lostBlockKey, unreachableNode } from "./lost-block.ts";
import { eventOfNote } from "./note-events.ts";
import { contextOf } from "./prepare-job.ts";
import { ProgressMeter } from "./progress.ts";
import { readResultsAgain } from "./read-results-again.ts";
import { replayLog } from "./replay-log.ts";
import { pause, untilAvailable } from "./retry.ts";
import { DriveTrace } from "./tracing/drive-trace.ts";

const PROGRESS_EVERY_MS = 200;
/** A node that has results may be away for a moment; then they are made again elsewhere. */
const RESULT_TRIES_MAX = 4;
const RESULT_PAUSE_MS = 1_000;

export interface DrivePorts {
  readonly store: ControlStore;
  readonly outputs: Outputs;
  readonly clock: Clock;
  /** Brings the workers of this epoch to work. */
  readonly muster: (request: MusterRequest) => Crew;
  readonly random: Prng;
  readonly readRows: ReadRows;
  /** Stores what the job gave, before it commits, where the caller may be elsewhere. Default: nothing is kept. */
  readonly keepResults?: (results: readonly EndResult[]) => Promise<ContentHash>;
}

export interface DriveOptions {
  readonly owner: DriverOwner;
  /** Length of the driver's lease. */
  readonly leaseMs: number;
  readonly isDead: (owner: DriverOwner) => boolean;
  /** Cancels the job. */
  readonly signal: AbortSignal | undefined;
  /** Lays the driving down, for another process to take up: throws DRIVER_DEPOSED then. */
  readonly retire?: AbortSignal;
  readonly onEvent: (event: RunEvent) => void;
  /** Of this process, or of this call: no other process ever has it. */
  readonly incarnation: string;
  /** A worker not heard of for so long is taken for lost. */
  readonly workerLeaseMs: number;
  /** Who may still run what an earlier driver gave out, asked when the job was taken over. Default: nobody. */
  readonly mustered?: () => Muster;
  /** Default: nobody traces. */
  readonly tracing?: Tracing | undefined;
  /** Leaves a job alone that has ended, unless it was opened again: see `JobLog`. Default false. */
  readonly onlyOpen?: boolean;
  /** For tests and the simulator. */
  readonly checkInvariants?: boolean;
  /** Shown the state that is driven by, after every step: for tests and the simulator. */
  readonly inspect?: ((state: JobState) => void) | undefined;
}

export interface Driven {
  readonly end: JobEnd;
  /** Of a committed job. */
  readonly results: readonly EndResult[];
  readonly state: JobState;
  readonly tasksResumed: number;
}

/** Throws JOB_RUNNING where another driver is at work, DRIVER_DEPOSED where one took over. */
export async function driveJob(spec: JobSpec, ports: DrivePorts, options: DriveOptions): Promise<Driven> {
  const log = new JobLog(ports.store, spec.id, { clock: ports.clock, random: ports.random });
  let drive: Drive | undefined;
  let above = epoch(0);
  try {
    for (;;) {
      const { records } = await log.read();
      const state = replayLog(spec, records);
      if (options.onlyOpen === true && state.status.kind !== "running" && !(await log.isOpen()))
        return { end: state.status, results: [], state, tasksResumed: countTasks(state) };
      if (state.status.kind === "committed") {
        // Where the commit was made here and only the word of it was late, their blocks need not be there any more.
        const known = drive?.resultsOf(records.at(-1)!.epoch);
        const results = known ?? (await readResultsAgain(state, ports.readRows));
        return { end: state.status, results, state, tasksResumed: countTasks(state) };
      }
      drive = new Drive(spec, ports, options, log);
      const driven = await drive.run(above);
      if (driven !== "again") return driven;
      above = drive.above;
    }
  } finally {
    log.close();
  }
}

const countTasks = (state: JobState): number => [...state.outputs()].length;

/** One epoch. */
class Drive {
  readonly #spec: JobSpec;
  readonly #ports: DrivePorts;
  readonly #options: DriveOptions;
  readonly #log: JobLog;
  #results: readonly EndResult[] = [];
  #epoch: Epoch | undefined;
  #resultsKept: ContentHash | undefined;
  #leaseLost = false;
  #ended = false;
  /** The record that ends the job is being written. */
  #ending: Promise<boolean> | undefined;
  /** Outputs are being shown; settles, and never rejects. */
  #showing: Promise<void> | undefined;
  /** It drives no more, and shows nothing. */
  #over = false;
  readonly #warned = new Set<ImpureCall>();
  /** The latest epoch that is known to be another's: the next take-over is to be above it. */
  above = epoch(0);

  constructor(spec: JobSpec, ports: DrivePorts, options: DriveOptions, log: JobLog) {
    this.#spec = spec;
    this.#ports = ports;
    this.#options = options;
    this.#log = log;
  }

  /** As they were read for the commit of that epoch; undefined where it was another's. */
  resultsOf(committed: Epoch): readonly EndResult[] | undefined {
    return committed === this.#epoch ? this.#results : undefined;
  }

  /** @param above An epoch that is another's, whatever the store says. */
  async run(above: Epoch): Promise<Driven | "again"> {
    this.above = above;
    const { store, clock, random } = this.#ports;
    let onLost = (): void => {};
    const { leaseMs } = this.#options;
    // A lease whose grant was answered too late is nobody's, and expires.
    const grant = () =>
      DriverLease.grant(store, clock, leaseMs, () => {
        this.#leaseLost = true;
        onLost();
      });
    const lease = await untilAvailable({ clock, random }, grant, () => false);
    try {
      const { owner, isDead } = this.#options;
      const card = cardOf(this.#spec, undefined);
      const taken = await this.#log.takeOver({
        owner,
        lease: lease.id,
        card,
        wallMs: clock.wallMs(),
        // A process takes a job over once at a time, and its clock never goes back.
        holder: `${this.#options.incarnation} ${clock.monotonicMs()}`,
        isDead,
        onlyOpen: this.#options.onlyOpen ?? false,
        above,
      });
      if (taken === undefined) return "again";
      // Whoever retired meanwhile may have a successor in this very process by now, whose messages would come here.
      if (this.#options.retire?.aborted === true) throw this.#deposed();
      return await this.#drive(taken, (depose) => {
        onLost = depose;
        if (this.#leaseLost) depose();
      });
    } catch (error) {
      // The store was so slow that the lease ended before the take-over.
      if (error instanceof BicoastalError && error.code === "LEASE_GONE") return "again";
      throw error;
    } finally {
      const given = lease.end();
      // With the record that ended the job its owner's key went: nobody waits for an empty lease.
      if (!this.#ended) await given;
    }
  }

  async #drive(taken: TakenOver, whenLeaseLost: (depose: () => void) => void): Promise<Driven | "again"> {
    const state = replayLog(this.#spec, taken.records);
    this.#epoch = taken.epoch;
    const meter = new ProgressMeter(state, this.#ports.clock.monotonicMs());
    const stages = this.#spec.stages.map(({ id, label, tasks }) => ({ id, label, tasks }));
    this.#options.onEvent({ kind: "started", job: this.#spec.id, stages, tasksResumed: meter.tasksResumed });
    const end = await this.#traced(state, (trace) => this.#work(taken, state, meter, whenLeaseLost, trace));
    this.#emitProgress(meter);
    switch (end.kind) {
      case "deposed":
        if (this.#leaseLost) return "again";
        throw this.#deposed();
      case "outrun":
        this.above = end.above;
        return "again";
      case "aborted":
        throw end.error;
      default:
        this.#ended = true;
        return { end, results: this.#results, state, tasksResumed: meter.tasksResumed };
    }
  }

  #deposed(): BicoastalError {
    const { id: job } = this.#spec;
    return new BicoastalError("DRIVER_DEPOSED", `Another process took job ${job} over; it goes on there.`, {
      details: { job },
    });
  }

  /** Whatever comes of it, its spans end. */
  async #traced(
    state: JobState,
    work: (trace: DriveTrace | undefined) => Promise<HostEnd>,
  ): Promise<HostEnd> {
    const { tracing, owner } = this.#options;
    if (tracing === undefined) return work(undefined);
    const spec = this.#spec;
    const trace = new DriveTrace({ tracing, spec, state, context: contextOf(spec), node: owner.node });
    let end: HostEnd | undefined;
    try {
      end = await work(trace);
      return end;
    } finally {
      trace.end(end);
    }
  }

  #onTaskLog({ stage, partition }: AttemptId, { message, fields, warning }: TaskLogEntry): void {
    if (warning === undefined) {
      this.#options.onEvent({ kind: "log", stage, partition, message, fields });
    } else if (!this.#warned.has(warning)) {
      this.#warned.add(warning);
      this.#options.onEvent({ kind: "warning", message });
    }
  }

  /** Runs driver and worker side by side until the driver ends. */
  async #work(
    { term }: TakenOver,
    state: JobState,
    meter: ProgressMeter,
    whenLeaseLost: (depose: () => void) => void,
    trace: DriveTrace | undefined,
  ): Promise<HostEnd> {
    const context = contextOf(this.#spec);
    const { clock, muster } = this.#ports;
    const crew = muster({
      job: this.#spec.id,
      term: state.term,
      incarnation: this.#options.incarnation,
      observer: {
        onTaskProgress: (attempt, progress) => meter.onTaskProgress(attempt, progress),
        onTaskDropped: (attempt) => meter.onTaskDropped(attempt),
        onTaskLog: (attempt, entry) => this.#onTaskLog(attempt, entry),
      },
    });
    const host = new DriverHost({
      state,
      get context() {
        return trace?.context ?? context;
      },
      clock,
      transport: crew.transport,
      workerLeaseMs: this.#options.workerLeaseMs,
      muster: this.#options.mustered?.(),
      append: (record) => this.#append(record, term, state),
      commit: (outputs) => this.#commit(outputs),
      onNote: (note) => {
        trace?.onNote(note);
        this.#onNote(note, meter);
      },
      checkInvariants: this.#options.checkInvariants ?? false,
      inspect: this.#options.inspect,
    });
    crew.transport.receive((from, message) => {
      if (message.kind === "poll") host.onPoll(from, message);
    });
    whenLeaseLost(() => host.depose());
    const stopRetiring = this.#deposeOnRetire(host);
    const stopTicking = this.#tick(meter);
    const stopListening = this.#cancelOnAbort(host, crew);
    try {
      return await host.run();
    } finally {
      stopTicking();
      stopListening();
      stopRetiring();
      crew.close();
      // Whoever was deposed while it shows the outputs is done with that before the next one begins: in this process, or elsewhere
      // once the lease is given back.
      this.#over = true;
      await this.#showing;
    }
  }

  #append(record: LogRecord, term: Uint8Array, state: JobState): Promise<boolean> {
    const card = this.#cardWith(record, state);
    const appended = this.#log.append(record, term, card);
    if (card !== undefined) this.#ending = appended;
    return appended;
  }

  async #commit(outputs: readonly Completed[]): Promise<CommitResult> {
    const complete = new CompleteOutputs(outputs);
    for (let tries = 1; ; tries++) {
      try {
        this.#results = await readResults(this.#spec, complete, this.#ports.readRows);
        break;
      } catch (error) {
        const key = lostBlockKey(error);
        if (key === undefined) throw error;
        const node = unreachableNode(error);
        if (node === undefined) return { kind: "blocksLost", keys: [key] };
        if (tries === RESULT_TRIES_MAX) return { kind: "blocksLost", keys: [key], node };
        await pause(this.#ports.clock, RESULT_PAUSE_MS);
      }
    }
    this.#resultsKept = await this.#ports.keepResults?.(this.#results);
    if (this.#over) throw this.#deposed();
    const shown = commitWrites(this.#spec, complete, this.#ports.outputs);
    this.#showing = shown.catch(() => {});
    await shown;
    return { kind: "committed" };
  }

  /** The card goes with the record that ends the job. */
  #cardWith(record: LogRecord, state: JobState): JobCard | undefined {
    const last = record.events.at(-1);
    assert(last !== undefined, "a record has events");
    if (last.kind !== "committed" && last.kind !== "failed" && last.kind !== "cancelled") return undefined;
    const count = (kind: LogEvent["kind"]): number =>
      record.events.filter((event) => event.kind === kind).length;
    const tasksDone = countTasks(state) + count("taskCompleted") - count("outputLost");
    const results = last.kind === "committed" ? this.#resultsKept : undefined;
    return cardOf(this.#spec, { kind: last.kind, atMs: last.atMs, tasksDone, results });
  }

  #onNote(note: DriverNote, meter: ProgressMeter): void {
    meter.onNote(note);
    const event = eventOfNote(note);
    if (event !== undefined) this.#options.onEvent(event);
  }

  /** What ended before the stop counts: the driver hears of it first. */
  #cancelOnAbort(host: DriverHost, crew: Crew): () => void {
    const { signal, onEvent } = this.#options;
    if (signal === undefined) return () => {};
    const onAbort = (): void => {
      const reason = signal.reason instanceof Error ? signal.reason.message : String(signal.reason);
      onEvent({ kind: "stopping", reason });
      void crew.report().then(() => host.cancel(reason));
    };
    // The abort may have come before there was a driver to tell.
    if (signal.aborted) queueMicrotask(onAbort);
    else signal.addEventListener("abort", onAbort, { once: true });
    return () => signal.removeEventListener("abort", onAbort);
  }

  #deposeOnRetire(host: DriverHost): () => void {
    const { retire } = this.#options;
    if (retire === undefined) return () => {};
    const onRetire = (): void => {
      // The end that this driver writes just now may be what it is retired for: others see it before its answer is here. The host
      // hears of the answer first.
      if (this.#ending === undefined) host.depose();
      else void this.#ending.catch(() => {}).then(() => host.depose());
      // Nothing waits any more for a store that is away.
      this.#log.close();
    };
    if (retire.aborted) queueMicrotask(onRetire);
    else retire.addEventListener("abort", onRetire, { once: true });
    return () => retire.removeEventListener("abort", onRetire);
  }

  #tick(meter: ProgressMeter): () => void {
    let cancel = (): void => {};
    const next = (): void => {
      cancel = this.#ports.clock.setTimer(PROGRESS_EVERY_MS, () => {
        this.#emitProgress(meter);
        next();
      });
    };
    next();
    return () => cancel();
  }

  #emitProgress(meter: ProgressMeter): void {
    this.#options.onEvent({ kind: "progress", progress: meter.read(this.#ports.clock.monotonicMs()) });
  }
}

export function cardOf(spec: JobSpec, end: JobCard["end"]): JobCard {
  const tasks = spec.stages.reduce((sum, stage) => sum + stage.tasks, 0);
  return { job: spec.id, name: spec.name, submittedAtMs: spec.constants.submittedAtMs, tasks, end };
}
