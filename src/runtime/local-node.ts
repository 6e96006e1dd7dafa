/** One machine's node: submits jobs to its store, drives them on its own cores, and shows what is there. */
import type { ContentHash, JobId } from "../base/ids.ts";
import { Prng } from "../base/prng.ts";
import type { JobState } from "../core/job-state.ts";
import type { BlobStore } from "../ports/blob-store.ts";
import type { ControlStore } from "../ports/control-store.ts";
import type { TaskRunner } from "../ports/task-runner.ts";
import type { Tracing } from "../ports/tracing.ts";
import { encodeJson } from "../protocol/codec.ts";
import type { JobSpec } from "../protocol/job-spec.ts";
import { boundedRows } from "./bounded-rows.ts";
import type { ReadRows } from "./commit.ts";
import { cardOf, type Driven, driveJob } from "./drive-job.ts";
import type { RunEvent } from "./events.ts";
import { JobBoard } from "./job-board.ts";
import { blobKeys } from "./job-keys.ts";
import { type DriverOwner, JobLog } from "./job-log.ts";
import { lookForStop } from "./job-stop.ts";
import { localCrew } from "./local-crew.ts";
import { type NewJobPorts, newJob, type SubmitRequest } from "./new-job.ts";

/** How long others wait for a driver on this machine that fell silent; one that died is noticed at once. */
const LEASE_MS = 15_000;
/** A breakpoint may hold the whole process for as long as somebody thinks. */
const LEASE_DEBUG_MS = 3_600_000;
/** Worker and driver share a process: only a stalled event loop is silent for so long. */
const WORKER_LEASE_MS = 3_600_000;

export type { JobSpec };

export interface LocalNodePorts extends NewJobPorts {
  readonly store: ControlStore;
  readonly blobs: BlobStore;
  readonly readRows: ReadRows;
  readonly sha256: (bytes: Uint8Array) => ContentHash;
  /** This process. */
  readonly owner: DriverOwner;
  readonly isDead: (owner: DriverOwner) => boolean;
}

export interface DriveRequest {
  /** Runs the tasks; closed by whoever made it. */
  readonly runner: TaskRunner;
  readonly debug: boolean;
  /** Most memory, as it is guessed, of the rows that are brought back to the caller. */
  readonly collectBytesMax: number;
  readonly signal: AbortSignal | undefined;
  readonly onEvent: (event: RunEvent) => void;
  /** Undefined: nobody traces. */
  readonly tracing: Tracing | undefined;
}

export class LocalNode {
  readonly board: JobBoard;
  readonly #ports: LocalNodePorts;
  readonly #random: Prng;

  constructor(ports: LocalNodePorts) {
    this.#ports = ports;
    this.#random = new Prng(ports.randomId());
    const timing = { clock: ports.clock, random: this.#random };
    this.board = new JobBoard({ ...ports, timing });
  }

  /** Lists the inputs, checks the outputs and makes the job durable; nothing runs yet. */
  async submit(request: SubmitRequest): Promise<JobSpec> {
    const { blobs, sha256 } = this.#ports;
    const spec = await newJob(request, this.#ports);
    const { id } = spec;
    const bytes = encodeJson(spec);
    await blobs.put(blobKeys(id).spec, bytes);
    await this.#log(id).submit(sha256(bytes), cardOf(spec, undefined));
    return spec;
  }

  #log(job: JobId): JobLog {
    return new JobLog(this.#ports.store, job, { clock: this.#ports.clock, random: this.#random });
  }

  /** Works on the job from wherever it stands until it ends. A committed job gives its results again. */
  async drive(
    spec: JobSpec,
    { runner, debug, collectBytesMax, signal, onEvent, tracing }: DriveRequest,
  ): Promise<Driven> {
    const { store, blobs, outputs, clock, readRows, owner, isDead, randomId } = this.#ports;
    const stop = new AbortController();
    let endLooking: (() => void) | undefined;
    const work = driveJob(
      spec,
      {
        store,
        outputs,
        clock,
        readRows: boundedRows(readRows, collectBytesMax),
        random: this.#random,
        muster: (request) => {
          // From here on: the take-over has cleared what was asked of an earlier driver.
          endLooking ??= lookForStop(store, { clock }, spec.id, (reason) => stop.abort(new Error(reason)));
          return localCrew(clock, runner, request);
        },
      },
      {
        owner,
        isDead,
        signal: signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]),
        onEvent,
        tracing,
        leaseMs: debug ? LEASE_DEBUG_MS : LEASE_MS,
        incarnation: randomId(),
        workerLeaseMs: WORKER_LEASE_MS,
      },
    );
    const driven = await work.finally(() => endLooking?.());
    if (driven.end.kind === "committed") await dropBlocks({ spec, state: driven.state }, blobs);
    return driven;
  }
}

/**
 * Only what `collect` ends read is kept, so that a finished job can still say what it gave. Everything else goes:
 * blocks of the shuffle, of attempts that took no effect, and what killed writers left unfinished.
 */
async function dropBlocks(
  { spec, state }: { spec: JobSpec; state: JobState },
  blobs: BlobStore,
): Promise<void> {
  const collected = new Set(
    spec.ends
      .flatMap(({ end, producers }) => (end.kind === "collect" ? producers : []))
      .map(({ stage }) => stage),
  );
  const kept = new Set<string>();
  for (const { attempt, output } of state.outputs()) {
    if (collected.has(attempt.stage) && output.block !== undefined) kept.add(output.block.key);
  }
  await blobs.deleteAll(blobKeys(spec.id).blocks, kept);
}
