/**
 * One node's part in one open job: works for whoever drives it, and drives it where nobody does.
 *
 * Every node of the cluster has a seat at every open job. Who drives stands in the store under the driver's lease;
 * when that goes, each node waits a moment of its own, in an order that differs from job to job, and then tries to take
 * the job over. The store lets one of them. A seat ends when the job is no longer open.
 */
import { BicoastalError, type ErrorInfo, toErrorInfo } from "../../base/errors.ts";
import type { JobId, NodeId } from "../../base/ids.ts";
import { Prng } from "../../base/prng.ts";
import type { JobState } from "../../core/job-state.ts";
import type { ControlStore, Entry } from "../../ports/control-store.ts";
import type { Outputs } from "../../ports/outputs.ts";
import type { TaskRunner } from "../../ports/task-runner.ts";
import type { Tracing } from "../../ports/tracing.ts";
import { encodeJson } from "../../protocol/codec.ts";
import type { JobSpec } from "../../protocol/job-spec.ts";
import type { ReadRows } from "../commit.ts";
import { type Driven, type DrivePorts, driveJob } from "../drive-job.ts";
import type { RunEvent } from "../events.ts";
import { jobKeys } from "../job-keys.ts";
import { type DriverOwner, decodeOwner, JobLog } from "../job-log.ts";
import { replayLog } from "../replay-log.ts";
import { pause, type RetryClock, untilAvailable } from "../retry.ts";
import { Worker } from "../worker.ts";
import { RangeView } from "./range-view.ts";
import type { SharedSlots } from "./shared-slots.ts";
import type { Links, Switchboard } from "./switchboard.ts";

/** Between the tries of two nodes to take the same job over. */
const CAMPAIGN_STEP_MS = 60;
/** After a failure that says nothing of the job: doubles up to the most. */
const FAILED_PAUSE_MS = 200;
const FAILED_PAUSE_MS_MAX = 30_000;

/** After a drive that ended: by then it is known that the job is no longer open. */
const ENDED_PAUSE_MS = 1_000;

/** Longer than it takes to tell the driver what ended and to hear what comes next. */
const AHEAD_MS = 30;

/**
 * Of a worker's lease: for so long a driver that takes over waits at the most for the other nodes to say what they run. They say it as
 * soon as they see who drives; longer than that takes even between coasts, and little against what the take-over itself took.
 */
const MUSTER_SHARE = 0.1;

/** How often the store is told how far a job is, for whoever watches from elsewhere. */
const PROGRESS_EVERY_MS = 1_000;

export interface SeatTiming {
  /** Length of a driver's lease. */
  readonly driverLeaseMs: number;
  /** A worker not heard of for so long is taken for lost. */
  readonly workerLeaseMs: number;
  readonly heartbeatMs: number;
}

/** What all seats of a node share. */
export interface SeatParts {
  readonly store: ControlStore;
  readonly retrying: RetryClock;
  readonly links: Links;
  readonly switchboard: Switchboard;
  readonly slots: SharedSlots;
  readonly outputs: Outputs;
  readonly readRows: ReadRows;
  readonly keepResults: NonNullable<DrivePorts["keepResults"]>;
  /** This process. */
  readonly owner: DriverOwner;
  readonly isDead: (owner: DriverOwner) => boolean;
  /** Unique to this start of the node. */
  readonly incarnation: string;
  /** Where this node stands. */
  readonly region: string;
  /** The nodes that may drive, in any order. */
  readonly candidates: () => readonly NodeId[];
  /** The nodes that may run something, in any order. */
  readonly workers: () => readonly NodeId[];
  readonly timing: SeatTiming;
  readonly onNote: (note: SeatNote) => void;
  /** Default: nobody traces. */
  readonly tracing?: Tracing | undefined;
  /** Shown the state that a job is driven by here, after every step whose invariants were checked as well: for the simulator. */
  readonly inspect?: (state: JobState) => void;
}

/** What a node has to say of a job, for its log. */
export type SeatNote =
  | { readonly kind: "event"; readonly job: JobId; readonly event: RunEvent }
  | { readonly kind: "driving"; readonly job: JobId }
  | { readonly kind: "drove"; readonly job: JobId; readonly outcome: string }
  | { readonly kind: "failed"; readonly job: JobId; readonly error: ErrorInfo; readonly retryInMs: number };

export class JobSeat {
  readonly #spec: JobSpec;
  readonly #parts: SeatParts;
  readonly #driverView: RangeView;
  readonly #cancelView: RangeView;
  readonly #cancel = new AbortController();
  readonly #retire = new AbortController();
  #owner: DriverOwner | undefined;
  #worker: { readonly worker: Worker; readonly close: () => Promise<void> } | undefined;
  #driving: Promise<void> | undefined;
  /** As far as the log was read to see what of it is needed here, and its last record then. */
  #seen: { readonly state: JobState; readonly last: string } | undefined;
  /** Of the epoch that this node drives, if it does: lays it down. */
  #standing: AbortController | undefined;
  #draining = false;
  #failures = 0;
  #progressToldMs = Number.NEGATIVE_INFINITY;
  #progressUnderWay = false;
  /** Nodes, by this driver of the job. */
  readonly #setAside = new Set<string>();
  #closed = false;

  /** @param spec Stored in this node's blobs, and its bundle as well. */
  constructor(spec: JobSpec, parts: SeatParts) {
    this.#spec = spec;
    this.#parts = parts;
    const { driver, cancel } = jobKeys(spec.id);
    this.#driverView = this.#viewOf(driver, (entry) => this.#onOwner(entry));
    this.#cancelView = this.#viewOf(cancel, (entry) => this.#onCancel(entry));
  }

  #viewOf(key: string, onChange: (entry: Entry | undefined) => void): RangeView {
    const { store, retrying } = this.#parts;
    const range = { from: key, to: `${key}\u0000` };
    return new RangeView({ store, timing: retrying, ...range, onChange: (_, entry) => onChange(entry) });
  }

  async start(): Promise<void> {
    await Promise.all([this.#driverView.start(), this.#cancelView.start()]);
    if (this.#owner === undefined) this.#campaign();
  }

  // ---- Working -----------------------------------------------------------------------------------------------

  #onOwner(entry: Entry | undefined): void {
    if (this.#closed) return;
    const before = this.#owner;
    this.#owner = entry === undefined ? undefined : ownerIn(entry);
    const { links } = this.#parts;
    if (before !== undefined && before.node !== this.#owner?.node) links.unlisten(before.node);
    if (this.#owner === undefined) return this.#campaign();
    if (this.#standing !== undefined && this.#owner.node !== links.self)
      void this.#lookWhoDrives(this.#standing);
    if (before?.node !== this.#owner.node) links.listen(this.#owner.node);
    if (this.#worker === undefined) this.#startWorker();
    else this.#worker.worker.greet();
  }

  #startWorker(): void {
    const { switchboard, slots, retrying, timing, incarnation, region, links } = this.#parts;
    const job = this.#spec.id;
    const runner = slots.seat(job);
    const transport = switchboard.worker(job);
    const worker = new Worker({
      job,
      driver: () => this.#owner?.node ?? links.self,
      incarnation,
      region,
      transport,
      runner: stamping(runner, links.self),
      clock: retrying.clock,
      heartbeatMs: timing.heartbeatMs,
      aheadMs: AHEAD_MS,
      observer: {
        onTaskProgress: () => {},
        onTaskDropped: () => {},
        onTaskLog: ({ stage, partition }, { message, fields, warning }) => {
          const event: RunEvent =
            warning === undefined
              ? { kind: "log", stage, partition, message, fields }
              : { kind: "warning", message };
          this.#parts.onNote({ kind: "event", job, event });
        },
      },
    });
    transport.receive((from, message) => {
      if (message.kind === "orders" && from === this.#owner?.node) worker.onOrders(message);
    });
    const close = async (): Promise<void> => {
      worker.close();
      transport.close();
      await runner.close();
    };
    this.#worker = { worker, close };
    if (this.#draining) worker.drain();
    else worker.start();
  }

  /** Takes nothing new, lays down what it drives, and goes on giving others what they read here. */
  drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    this.#retire.abort();
    this.#worker?.worker.drain();
  }

  /** Whether the job would miss this node: something of it runs here, is not told of, or lies here and is still read. */
  async isNeeded(): Promise<boolean> {
    const { store, retrying, owner } = this.#parts;
    if (this.#worker?.worker.isIdle === false) return true;
    const state = await this.#read(new JobLog(store, this.#spec.id, retrying));
    return state.status.kind === "running" && state.neededBlocksAt(owner.node).length > 0;
  }

  /** The job as its log says now, of which only what is new is read. */
  async #read(log: JobLog): Promise<JobState> {
    const seen = this.#seen;
    // Where anything goes wrong, the next time reads all of it.
    this.#seen = undefined;
    const known = seen === undefined ? [] : await log.readFrom(seen.state.nextSeq - 1);
    // In a store that was set back other records may stand there.
    const goesOn = seen !== undefined && JSON.stringify(known[0]) === seen.last;
    const records = goesOn ? known.slice(1) : await log.readFrom(0);
    const state = goesOn ? seen.state : replayLog(this.#spec, records);
    if (goesOn) for (const record of records) state.applyRecord(record);
    const last = records.length > 0 ? JSON.stringify(records.at(-1)) : (seen?.last ?? "");
    this.#seen = { state, last };
    return state;
  }

  // ---- Driving -----------------------------------------------------------------------------------------------

  /** Takes the job over, unless another one does before it is this node's turn. */
  #campaign(pauseMs = 0): void {
    if (this.#driving !== undefined || this.#closed) return;
    const { clock } = this.#parts.retrying;
    this.#driving = pause(clock, pauseMs + this.#turn() * CAMPAIGN_STEP_MS)
      .then(() => this.#drive())
      .then(
        () => ENDED_PAUSE_MS,
        (error: unknown) => this.#onDriveFailed(error),
      )
      .then((againInMs) => {
        this.#driving = undefined;
        if (this.#owner === undefined) this.#campaign(againInMs);
      });
  }

  /**
   * Another one is said to drive what this node drives. What is said may be late, so the store is asked: a driver that was deposed
   * hears of it by its next record or its lease, but in a store that was set back its lease may live on, and where it has lost all
   * its workers it has nothing to write.
   */
  async #lookWhoDrives(standing: AbortController): Promise<void> {
    const { store, retrying, owner } = this.#parts;
    const found = await untilAvailable(
      retrying,
      () => store.get(jobKeys(this.#spec.id).driver),
      () => this.#standing !== standing,
    ).catch(() => undefined);
    const driver = found?.entry === undefined ? undefined : ownerIn(found.entry);
    if (driver !== undefined && driver.node !== owner.node) standing.abort();
  }

  /** The place of this node in the order in which the nodes try. */
  #turn(): number {
    const rank = (node: NodeId): number => new Prng(`${this.#spec.id}/${node}`).next();
    const { owner, candidates } = this.#parts;
    const mine = rank(owner.node);
    return candidates().filter((node) => node !== owner.node && rank(node) < mine).length;
  }

  async #drive(): Promise<void> {
    const { store, outputs, retrying, readRows, keepResults, owner, isDead, timing, incarnation, onNote } =
      this.#parts;
    if (this.#closed || this.#draining || this.#owner !== undefined) return;
    if (!this.#parts.candidates().includes(owner.node)) return;
    const { id: job } = this.#spec;
    let driving = false;
    const standing = new AbortController();
    const expectsNoLonger = this.#parts.switchboard.expectDriver(job);
    const driven: Driven = await driveJob(
      this.#spec,
      {
        store,
        outputs,
        clock: retrying.clock,
        random: retrying.random,
        readRows,
        keepResults,
        muster: ({ term }) => {
          driving = true;
          onNote({ kind: "driving", job });
          this.#standing = standing;
          const transport = this.#parts.switchboard.driver(job, term);
          const close = (): void => {
            this.#standing = undefined;
            transport.close();
          };
          return { transport, report: async () => {}, close };
        },
      },
      {
        owner,
        isDead,
        leaseMs: timing.driverLeaseMs,
        workerLeaseMs: timing.workerLeaseMs,
        mustered: () => ({
          workers: this.#parts.workers(),
          waitMs: Math.ceil(timing.workerLeaseMs * MUSTER_SHARE),
        }),
        signal: this.#cancel.signal,
        retire: AbortSignal.any([this.#retire.signal, standing.signal]),
        onEvent: (event) => this.#onEvent(event),
        incarnation,
        tracing: this.#parts.tracing,
        onlyOpen: true,
        checkInvariants: this.#parts.inspect !== undefined,
        inspect: this.#parts.inspect,
      },
    ).finally(expectsNoLonger);
    this.#failures = 0;
    if (driving) onNote({ kind: "drove", job, outcome: driven.end.kind });
  }

  #onEvent(event: RunEvent): void {
    const { onNote, retrying, store } = this.#parts;
    const { id: job } = this.#spec;
    onNote({ kind: "event", job, event });
    if (event.kind === "started") this.#setAside.clear();
    if (event.kind === "nodeSetAside") this.#setAside.add(event.node);
    if (event.kind === "nodeBack") this.#setAside.delete(event.node);
    if (event.kind !== "progress") return;
    const nowMs = retrying.clock.monotonicMs();
    if (this.#progressUnderWay || nowMs < this.#progressToldMs + PROGRESS_EVERY_MS) return;
    this.#progressToldMs = nowMs;
    this.#progressUnderWay = true;
    const { open, progress: key } = jobKeys(job);
    const told = store.txn({
      compare: [{ key: open, target: "createRevision", op: ">", value: 0 }],
      success: [
        { kind: "put", key, value: encodeJson({ ...event.progress, setAside: [...this.#setAside].sort() }) },
      ],
    });
    // Nobody needs it: what is lost is told again.
    const end = (): void => {
      this.#progressUnderWay = false;
    };
    told.then(end, end);
  }

  /** How long to wait before the next try. */
  #onDriveFailed(thrown: unknown): number {
    const error = toErrorInfo(thrown, "JOB_FAILED");
    const { code } = error;
    const { id: job } = this.#spec;
    // Another one drives; or the job is gone, and the seat will be told so.
    if (code === "JOB_RUNNING" || code === "DRIVER_DEPOSED" || code === "JOB_NOT_FOUND")
      return FAILED_PAUSE_MS;
    const retryInMs = Math.min(FAILED_PAUSE_MS * 2 ** this.#failures++, FAILED_PAUSE_MS_MAX);
    this.#parts.onNote({ kind: "failed", job, error, retryInMs });
    return retryInMs;
  }

  #onCancel(entry: Entry | undefined): void {
    if (entry === undefined || this.#closed) return;
    const reason = new TextDecoder().decode(entry.value);
    this.#cancel.abort(new BicoastalError("JOB_CANCELLED", reason));
  }

  /** The job is no longer open, or this node leaves: what runs of it here is stopped, and who drives it lays it down. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#driverView.close();
    this.#cancelView.close();
    if (this.#owner !== undefined) this.#parts.links.unlisten(this.#owner.node);
    this.#retire.abort();
    await Promise.all([this.#worker?.close(), this.#driving]);
  }
}

/** The runner, whose outcomes say on which node their blocks lie. */
const stamping = (runner: TaskRunner, node: NodeId): TaskRunner => ({
  get slots() {
    return runner.slots;
  },
  room: () => runner.room(),
  run: async (request, observer) => {
    const outcome = await runner.run(request, observer);
    if (outcome.kind !== "finished" || outcome.output.block === undefined) return outcome;
    const block = { ...outcome.output.block, node };
    return { kind: "finished", output: { ...outcome.output, block } };
  },
  stop: (job, attempt) => runner.stop(job, attempt),
  close: () => runner.close(),
});

/** Undefined where nobody can tell who it is: the take-over will say what is wrong. */
function ownerIn(entry: Entry): DriverOwner | undefined {
  try {
    return decodeOwner(entry);
  } catch {
    return undefined;
  }
}
