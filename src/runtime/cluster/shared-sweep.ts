/**
 * Deletes from a node's disk what belongs to no job any more: specs, bundles and results, which are named by their content and
 * may belong to many.
 *
 * Every job that the store knows keeps its own, ended or not: one that failed may be resumed, the results of one that
 * committed may be asked for. What nobody names may be on its way: a blob is spread before the job that names it is
 * submitted, and whoever hears that it is here already does not send it. So only what no job has named, and nobody asked for,
 * for all of `GRACE_MS` goes; and where anything cannot be read, nothing does (S11, S12).
 */
import type { ContentHash, JobId } from "../../base/ids.ts";
import { jobId } from "../../base/ids.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { Clock } from "../../ports/clock.ts";
import { type ControlStore, prefixEnd } from "../../ports/control-store.ts";
import { decodeRecord, decodeSpec } from "../../protocol/codec.ts";
import { CARD_PREFIX, jobKeys } from "../job-keys.ts";
import { decodeCard } from "../job-log.ts";
import { bundleKey, resultsKey, specKey } from "./fetch-job.ts";

/** Far longer than from the spread of a blob to the submission of its job: see `ClusterClient.submit`. */
export const GRACE_MS = 3_600_000;
const PREFIXES = ["specs/", "bundles/", "results/"];

export interface SharedSweepParts {
  readonly store: ControlStore;
  readonly blobs: BlobStore;
  readonly clock: Clock;
}

export class SharedSweep {
  readonly #parts: SharedSweepParts;
  /** Blobs that no job named at the last sweep, and since when that is known. */
  #unnamed = new Map<string, number>();
  /** Asked for since the last sweep began. */
  readonly #asked = new Set<string>();

  constructor(parts: SharedSweepParts) {
    this.#parts = parts;
  }

  /** Somebody was told that it is here, or put it here. To be called before that. */
  touch(key: string): void {
    this.#asked.add(key);
    this.#unnamed.delete(key);
  }

  /** Returns what was deleted. Throws what the store and the blobs throw, and STORE_CORRUPT; then nothing was. */
  async sweep(): Promise<readonly string[]> {
    const { blobs, clock } = this.#parts;
    this.#asked.clear();
    const stored: string[] = [];
    for (const prefix of PREFIXES) stored.push(...(await blobs.list(prefix)));
    if (stored.length === 0) return [];
    const nowMs = clock.monotonicMs();
    const named = await this.#namedByJobs(new Set(stored));
    const unnamed = new Map<string, number>();
    const deleted: string[] = [];
    for (const key of stored) {
      if (named.has(key) || this.#asked.has(key)) continue;
      const sinceMs = this.#unnamed.get(key) ?? nowMs;
      if (nowMs - sinceMs < GRACE_MS) unnamed.set(key, sinceMs);
      else deleted.push(key);
    }
    this.#unnamed = unnamed;
    for (const key of deleted) if (!this.#asked.has(key)) await blobs.deleteAll(key);
    return deleted;
  }

  async #namedByJobs(stored: ReadonlySet<string>): Promise<ReadonlySet<string>> {
    const { store } = this.#parts;
    const named = new Set<string>();
    const { entries } = await store.range(CARD_PREFIX, prefixEnd(CARD_PREFIX));
    let bundlesKnown = true;
    for (const entry of entries) {
      const results = decodeCard(entry)?.end?.results;
      if (results !== undefined) named.add(resultsKey(results));
      const job = jobId(entry.key.slice(CARD_PREFIX.length));
      const spec = await this.#specOf(job);
      if (spec === undefined) continue;
      named.add(specKey(spec));
      // Without the spec it cannot be told which code it names.
      if (stored.has(specKey(spec))) named.add(bundleKey(await this.#bundleOf(job, spec)));
      else bundlesKnown = false;
    }
    if (!bundlesKnown) for (const key of stored) if (key.startsWith("bundles/")) named.add(key);
    return named;
  }

  /** Undefined where the job was removed meanwhile. */
  async #specOf(job: JobId): Promise<ContentHash | undefined> {
    const { entry } = await this.#parts.store.get(jobKeys(job).log(0));
    if (entry === undefined) return undefined;
    const [first] = decodeRecord(entry.value, entry.key).events;
    return first?.kind === "submitted" ? first.spec : undefined;
  }

  async #bundleOf(job: JobId, spec: ContentHash): Promise<ContentHash> {
    const bytes = await this.#parts.blobs.get(specKey(spec));
    return decodeSpec(bytes, `The stored job ${job}`).constants.bundle;
  }
}
