/**
 * Whoever gives a cluster its work and waits for what comes of it. It holds nothing that the cluster needs: once a job is
 * submitted, this process may go.
 */
import { assert } from "../../base/assert.ts";
import { BicoastalError } from "../../base/errors.ts";
import type { ContentHash, JobId, NodeId } from "../../base/ids.ts";
import type { JobState } from "../../core/job-state.ts";
import type { ValueCodec } from "../../ports/codec.ts";
import type { ControlStore, Entry } from "../../ports/control-store.ts";
import { decodeObject, decodeSpec, encodeJson } from "../../protocol/codec.ts";
import type { JobSpec } from "../../protocol/job-spec.ts";
import { fieldsOf, isCount, isNumber, isText, optional } from "../../protocol/shape.ts";
import type { EndResult } from "../commit.ts";
import { cardOf } from "../drive-job.ts";
import type { Progress } from "../events.ts";
import { jobKeys } from "../job-keys.ts";
import { decodeCard, type JobCard, JobLog, jobNotFound } from "../job-log.ts";
import { askToStop } from "../job-stop.ts";
import { replayLog } from "../replay-log.ts";
import type { RetryClock } from "../retry.ts";
import { resultsKey, type SharedBlobs, specKey } from "./fetch-job.ts";
import { decodeResults } from "./kept-results.ts";
import { encodeOpenJob } from "./open-job.ts";
import { RangeView } from "./range-view.ts";
import { GRACE_MS } from "./shared-sweep.ts";

export interface ClusterClientParts {
  readonly store: ControlStore;
  readonly retrying: RetryClock;
  readonly shared: SharedBlobs;
  readonly codec: ValueCodec;
  readonly sha256: (bytes: Uint8Array) => ContentHash;
}

export type JobEndCard = NonNullable<JobCard["end"]>;

export class ClusterClient {
  readonly #parts: ClusterClientParts;

  constructor(parts: ClusterClientParts) {
    this.#parts = parts;
  }

  /**
   * Gives the job to the cluster: when this resolves, it will be run, whatever becomes of this process (S1).
   * @param bundle The code that the job's constants name.
   */
  async submit(spec: JobSpec, bundle: { readonly key: string; readonly code: Uint8Array }): Promise<void> {
    const { shared, sha256, retrying } = this.#parts;
    const bytes = encodeJson(spec);
    const hash = sha256(bytes);
    const spread = async (): Promise<readonly NodeId[]> => {
      const holders = await shared.spread(specKey(hash), bytes);
      await shared.spread(bundle.key, bundle.code);
      return holders;
    };
    const { clock } = retrying;
    const spreadMs = clock.monotonicMs();
    const open = encodeOpenJob({ spec: hash, bundle: spec.constants.bundle, holders: await spread() });
    await this.#log(spec.id).submit(hash, cardOf(spec, undefined), open);
    // The store was away for so long that nodes may have taken them for nobody's.
    if (clock.monotonicMs() - spreadMs > GRACE_MS / 2) await spread();
  }

  /**
   * How the job ended. Throws JOB_NOT_FOUND where it is removed.
   * @param onProgress Called about once a second while it runs.
   */
  async ended(job: JobId, onProgress: (progress: Progress) => void = () => {}): Promise<JobEndCard> {
    const { card, progress } = jobKeys(job);
    let progressView: RangeView | undefined;
    let cardView: RangeView | undefined;
    try {
      return await new Promise((resolve, reject) => {
        progressView = this.#viewOf(progress, (entry) => {
          const told = entry === undefined ? undefined : decodeProgress(entry);
          if (told !== undefined) onProgress(told);
        });
        cardView = this.#viewOf(card, (entry) => {
          const found = entry === undefined ? undefined : decodeCard(entry);
          if (found?.end !== undefined) resolve(found.end);
          else if (entry === undefined) reject(jobNotFound(job));
        });
        const view = cardView;
        progressView.start().catch(reject);
        view.start().then(() => {
          if (!view.entries.has(card)) reject(jobNotFound(job));
        }, reject);
      });
    } finally {
      progressView?.close();
      cardView?.close();
    }
  }

  #viewOf(key: string, onChange: (entry: Entry | undefined) => void): RangeView {
    const { store, retrying } = this.#parts;
    const range = { from: key, to: `${key}\u0000` };
    return new RangeView({ store, timing: retrying, ...range, onChange: (_, entry) => onChange(entry) });
  }

  /** The job as it was submitted. Throws JOB_NOT_FOUND, and what `SharedBlobs.get` throws. */
  async spec(job: JobId): Promise<JobSpec> {
    return (await this.#find(job)).spec;
  }

  async #find(job: JobId): Promise<{ readonly hash: ContentHash; readonly spec: JobSpec }> {
    const { records } = await this.#log(job).read();
    const submitted = records[0]?.events[0];
    assert(submitted?.kind === "submitted", "a log begins with the submission");
    const { spec: hash } = submitted;
    const bytes = await this.#parts.shared.get(specKey(hash), hash);
    return { hash, spec: decodeSpec(bytes, `The stored job ${job}`) };
  }

  /** Everything the log says of the job. */
  async state(spec: JobSpec): Promise<JobState> {
    const { records } = await this.#log(spec.id).read();
    return replayLog(spec, records);
  }

  /** Has the nodes go on with a job that failed or was stopped; harmless where it runs or has committed. */
  async resume(job: JobId): Promise<JobSpec> {
    const { hash, spec } = await this.#find(job);
    const open = encodeOpenJob({ spec: hash, bundle: spec.constants.bundle, holders: [] });
    await this.#log(job).reopen(cardOf(spec, undefined), open);
    return spec;
  }

  /**
   * What a job gave that committed. Throws PEER_UNREACHABLE, BLOB_MISSING where no node that answers has it, and BLOB_CORRUPT
   * where what they have is no job's results.
   */
  async results(job: JobId, end: JobEndCard): Promise<readonly EndResult[]> {
    const { results: hash } = end;
    if (hash === undefined) throw new BicoastalError("BLOB_MISSING", "The job's results were not kept.");
    const { shared, codec } = this.#parts;
    return decodeResults(await shared.get(resultsKey(hash), hash), codec, job);
  }

  /** Asks whoever drives the job to stop it. Harmless where it has ended. */
  async cancel(job: JobId, reason: string): Promise<void> {
    const { store, retrying } = this.#parts;
    await askToStop(store, retrying, job, { reason, alsoUndriven: true });
  }

  #log(job: JobId): JobLog {
    const { store, retrying } = this.#parts;
    return new JobLog(store, job, retrying);
  }
}

const isProgress = fieldsOf({
  tasksDone: isCount,
  tasksRunning: isCount,
  tasksTotal: isCount,
  stage: isText,
  rows: isNumber,
  bytes: isNumber,
  bytesTotal: isNumber,
  elapsedMs: isNumber,
  rowsPerSecond: isNumber,
  bytesPerSecond: isNumber,
  etaMs: optional(isNumber),
});

/** Undefined where it is another version's: progress is never needed. */
function decodeProgress(entry: Entry): Progress | undefined {
  try {
    const progress = decodeObject(entry.value, `Key ${entry.key}`);
    return isProgress(progress) ? (progress as unknown as Progress) : undefined;
  } catch {
    return undefined;
  }
}
