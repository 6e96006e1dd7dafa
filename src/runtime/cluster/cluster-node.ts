/**
 * One node of a cluster: belongs to it, has a seat at every open job, and leaves it.
 *
 * Owns no decision about jobs. Whatever it misses (a watch that was late, a blob it could not fetch yet) is tried
 * again as long as the job is open; another node's seats do the same.
 */
import { toErrorInfo } from "../../base/errors.ts";
import { type JobId, jobId, type NodeId } from "../../base/ids.ts";
import { type Entry, prefixEnd } from "../../ports/control-store.ts";
import type { TaskRunner } from "../../ports/task-runner.ts";
import type { JobSpec } from "../../protocol/job-spec.ts";
import { jobKeys, OPEN_PREFIX } from "../job-keys.ts";
import { decodeCard } from "../job-log.ts";
import { pause } from "../retry.ts";
import { drainKey } from "./cluster-keys.ts";
import { JobSeat, type SeatNote, type SeatParts } from "./job-seat.ts";
import { Members } from "./members.ts";
import type { NodeCard } from "./node-card.ts";
import { decodeOpenJob, type OpenJob } from "./open-job.ts";
import { RangeView } from "./range-view.ts";
import { SharedSlots } from "./shared-slots.ts";
import { type Links, Switchboard } from "./switchboard.ts";

/** Before a job is tried again that could not be loaded: doubles up to the most. */
const LOAD_PAUSE_MS = 200;
const LOAD_PAUSE_MS_MAX = 10_000;
/** How often a node that drains looks whether it is still needed. */
const DRAIN_LOOK_MS = 500;
/** How often a node looks for what it has of jobs that are over. */
const SWEEP_MS = 300_000;

export interface ClusterNodeParts
  extends Omit<
    SeatParts,
    "switchboard" | "slots" | "candidates" | "workers" | "owner" | "incarnation" | "region" | "onNote"
  > {
  readonly card: NodeCard;
  readonly host: string;
  readonly pid: number;
  /** Runs the tasks; closed by whoever made it. */
  readonly runner: TaskRunner;
  readonly links: Links;
  /** How long others wait for a node that fell silent. */
  readonly nodeLeaseMs: number;
  /** Brings the job's spec and bundle to this node. Throws where no node that lives can be asked for them. */
  readonly fetchJob: (job: JobId, open: OpenJob) => Promise<JobSpec>;
  /** Jobs of which this node has something. */
  readonly storedJobs: () => Promise<readonly JobId[]>;
  /** Deletes what this node has of a job. */
  readonly sweepJob: (job: JobId) => Promise<void>;
  /** Deletes what this node has of what jobs share and none names any more. */
  readonly sweepShared: () => Promise<unknown>;
  readonly onMember: (node: NodeId, card: NodeCard | undefined) => void;
  readonly onNote: (note: NodeNote) => void;
}

/** What a node has to say, for its log. */
export type NodeNote =
  | SeatNote
  /** It takes nothing new, and these jobs still need it. Told whenever they are others. */
  | { readonly kind: "draining"; readonly jobs: readonly JobId[] }
  | { readonly kind: "drained" }
  /** Somebody else belongs to the cluster by this node's name, so that others do not see this one. */
  | { readonly kind: "namesake"; readonly address: string | undefined };

export interface DrainOptions {
  /** Whether to wait for jobs to need nothing of this node also while no other node could go on with them. */
  readonly alone: "wait" | "leave";
}

/** What this node has of one open job, from when it sees it open until it sees that it is not. */
interface Place {
  /** As soon as there is one, also while it is not ready. */
  seat: JobSeat | undefined;
  /** When it is ready; undefined where the job was left before. */
  taken: Promise<JobSeat | undefined>;
  left: boolean;
}

export class ClusterNode {
  readonly members: Members;
  readonly #parts: ClusterNodeParts;
  readonly #seatParts: SeatParts;
  readonly #open: RangeView;
  readonly #places = new Map<JobId, Place>();
  readonly #drainWish: RangeView;
  #drained: Promise<void> | undefined;
  #alone: DrainOptions["alone"] = "wait";
  #cancelSweep: (() => void) | undefined;
  #closed = false;

  constructor(parts: ClusterNodeParts) {
    this.#parts = parts;
    const { card, store, retrying, host, pid } = parts;
    this.members = new Members({
      store,
      timing: retrying,
      self: card,
      leaseMs: parts.nodeLeaseMs,
      onChange: parts.onMember,
      onNamesake: ({ address }) => parts.onNote({ kind: "namesake", address }),
    });
    const ready = (): readonly NodeId[] =>
      this.members
        .all()
        .filter(({ state }) => state === "ready")
        .map(({ node }) => node);
    this.#seatParts = {
      ...parts,
      switchboard: new Switchboard(parts.links),
      slots: new SharedSlots(parts.runner),
      candidates: ready,
      workers: () => this.members.all().map(({ node }) => node),
      owner: { node: card.node, host, pid },
      incarnation: card.incarnation,
      region: card.region,
    };
    this.#open = new RangeView({
      store,
      timing: retrying,
      from: OPEN_PREFIX,
      to: prefixEnd(OPEN_PREFIX),
      onChange: (key, entry) => this.#onOpen(jobId(key.slice(OPEN_PREFIX.length)), entry),
    });
    const wish = drainKey(card.node);
    this.#drainWish = new RangeView({
      store,
      timing: retrying,
      from: wish,
      to: `${wish}\u0000`,
      onChange: (_, entry) => {
        // What keeps it from draining now, the store that is away say, keeps it for a while only: the loop tries again.
        if (entry !== undefined) void this.drain({ alone: "wait" });
      },
    });
  }

  /** Resolves when this node belongs to the cluster and knows the open jobs. */
  async start(): Promise<void> {
    await this.members.start();
    await this.#open.start();
    await this.#drainWish.start();
    void this.#sweepAll();
  }

  #onOpen(job: JobId, entry: Entry | undefined): void {
    const place = this.#places.get(job);
    if (entry === undefined) {
      this.#places.delete(job);
      if (place !== undefined) void this.#leave(job, place);
    } else if (place === undefined) {
      const taking: Place = { seat: undefined, taken: Promise.resolve(undefined), left: false };
      this.#places.set(job, taking);
      taking.taken = this.#take(job, entry, taking);
    }
  }

  /** Where the job is opened again meanwhile, that is another place, which this one must not come in the way of. */
  async #take(job: JobId, entry: Entry, place: Place): Promise<JobSeat | undefined> {
    const { retrying, fetchJob, onNote } = this.#parts;
    for (let retryInMs = LOAD_PAUSE_MS; ; retryInMs = Math.min(2 * retryInMs, LOAD_PAUSE_MS_MAX)) {
      if (this.#closed || place.left) return undefined;
      try {
        const spec = await fetchJob(job, decodeOpenJob(entry));
        if (place.left) return undefined;
        const seat = new JobSeat(spec, this.#seatParts);
        place.seat = seat;
        if (this.#drained !== undefined) seat.drain();
        await seat.start();
        return seat;
      } catch (thrown) {
        await place.seat?.close();
        place.seat = undefined;
        onNote({ kind: "failed", job, error: toErrorInfo(thrown, "JOB_FAILED"), retryInMs });
        await pause(retrying.clock, retrying.random.next() * retryInMs);
      }
    }
  }

  /**
   * Takes nothing new, ends what runs, hands over what it drives, and waits until no open job needs anything of this node.
   * Cannot be taken back. Rejects with nothing: as long as the store cannot be asked it waits.
   */
  drain({ alone }: DrainOptions): Promise<void> {
    if (alone === "leave") this.#alone = alone;
    this.#drained ??= this.#drain();
    return this.#drained;
  }

  async #drain(): Promise<void> {
    const { retrying, onNote, card } = this.#parts;
    let told: string | undefined;
    let isTold = false;
    while (!this.#closed) {
      try {
        // First: then nobody counts on this one to take over what it lays down.
        if (!isTold) await this.members.become("draining");
        isTold = true;
        const jobs = await this.#jobsThatNeedThis();
        const isAlone = !this.members
          .all()
          .some(({ node, state }) => node !== card.node && state === "ready");
        if (jobs.length === 0 || (isAlone && this.#alone === "leave")) {
          await this.members.become("drained");
          return onNote({ kind: "drained" });
        }
        if (jobs.join() !== told) onNote({ kind: "draining", jobs });
        told = jobs.join();
      } catch {
        // The store, or a log in it, cannot be read now: nothing is known, so it stays.
      }
      await pause(retrying.clock, DRAIN_LOOK_MS);
    }
  }

  async #jobsThatNeedThis(): Promise<readonly JobId[]> {
    const jobs: JobId[] = [];
    for (const [job, { taken }] of [...this.#places]) {
      const seat = await Promise.race([taken, "loading" as const]);
      // One that is not loaded yet may be of a job that ran here before this process began.
      if (seat === "loading") jobs.push(job);
      else if (seat !== undefined) {
        seat.drain();
        if (await seat.isNeeded()) jobs.push(job);
      }
    }
    return jobs.sort();
  }

  /** The seat closes before anything else happens, ready or not: one that came to be later than the next would displace it. */
  async #leave(job: JobId, place: Place): Promise<void> {
    place.left = true;
    try {
      await Promise.all([place.seat?.close(), place.taken]);
      await this.#sweep(job);
    } catch (thrown) {
      this.#onSweepFailed(job, thrown);
    }
  }

  /** Of a job that committed or was removed nothing is needed here; one that failed may be resumed. */
  async #sweep(job: JobId): Promise<void> {
    const { store, sweepJob } = this.#parts;
    const { entry } = await store.get(jobKeys(job).card);
    const end = entry === undefined ? undefined : decodeCard(entry)?.end;
    const isOver = entry === undefined || end?.kind === "committed";
    if (isOver && !this.#places.has(job) && !this.#closed) await sweepJob(job);
  }

  /** Looks after jobs that ended or were removed while this node did not see it. */
  async #sweepAll(): Promise<void> {
    if (this.#closed) return;
    const { storedJobs, sweepShared, retrying } = this.#parts;
    try {
      for (const job of await storedJobs()) {
        if (!this.#places.has(job))
          await this.#sweep(job).catch((thrown) => this.#onSweepFailed(job, thrown));
      }
      await sweepShared();
    } catch {
      // The disk or the store cannot be read now; the next time will tell.
    }
    if (!this.#closed) this.#cancelSweep = retrying.clock.setTimer(SWEEP_MS, () => void this.#sweepAll());
  }

  #onSweepFailed(job: JobId, thrown: unknown): void {
    const error = toErrorInfo(thrown, "JOB_FAILED");
    this.#parts.onNote({ kind: "failed", job, error, retryInMs: SWEEP_MS });
  }

  /** Says nothing more, stops what runs, and leaves the cluster. What this node drove, another one takes over. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelSweep?.();
    this.#open.close();
    this.#drainWish.close();
    const places = [...this.#places.values()];
    this.#places.clear();
    await Promise.all(places.map(async ({ taken }) => (await taken)?.close()));
    await this.members.close();
  }
}
