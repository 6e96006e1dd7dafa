/**
 * Deletes from a node's disk what belongs to no job any more: specs, bundles and results, which are named by their content and
 * may belong to many.
 *
 * Every job that the store knows keeps its own, ended or not: one that failed may be resumed, the results of one that
 * committed may be asked for. What nobody names may be on its way: a blob is spread before the job that names it is
 * submitted, and whoever hears that it is here already does not send it. So only what no job has named, and nobody asked for,
 * for all of `GRACE_MS` goes (S11, S12).
 *
 * What cannot be read names nothing, so that all stays that it may have named: a job whose spec is damaged here, and whole
 * nowhere, may need any code; one whose card is damaged, any results; one whose log is, anything at all.
 */
import { BicoastalError } from "../../base/errors.ts";
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
const SPECS = "specs/";
const BUNDLES = "bundles/";
const RESULTS = "results/";
const PREFIXES = [SPECS, BUNDLES, RESULTS];

export interface SharedSweepParts {
  readonly store: ControlStore;
  /** This node's. */
  readonly blobs: BlobStore;
  readonly clock: Clock;
  /**
   * A spec that lies here, held to its hash: what is damaged is mended from whoever has it whole. Throws a BicoastalError
   * where nobody does, or nobody can be asked.
   */
  readonly readSpec: (spec: ContentHash) => Promise<Uint8Array>;
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

  /** Returns what was deleted. Throws what the store and the blobs throw, and STORE_CORRUPT of a log; then nothing was. */
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
    /** Prefixes of which any blob may be named by what could not be read. */
    const unknown = new Set<string>();
    const { entries } = await store.range(CARD_PREFIX, prefixEnd(CARD_PREFIX));
    for (const entry of entries) {
      const card = decodeCard(entry);
      if (card === undefined) unknown.add(RESULTS);
      else if (card.end?.results !== undefined) named.add(resultsKey(card.end.results));
      const job = jobId(entry.key.slice(CARD_PREFIX.length));
      const spec = await this.#specOf(job);
      if (spec === undefined) continue;
      named.add(specKey(spec));
      // Without the spec it cannot be told which code it names.
      const bundle = stored.has(specKey(spec)) ? await this.#bundleOf(job, spec) : undefined;
      if (bundle === undefined) unknown.add(BUNDLES);
      else named.add(bundleKey(bundle));
    }
    for (const key of stored) for (const prefix of unknown) if (key.startsWith(prefix)) named.add(key);
    return named;
  }

  /** Undefined where the job was removed meanwhile. */
  async #specOf(job: JobId): Promise<ContentHash | undefined> {
    const { entry } = await this.#parts.store.get(jobKeys(job).log(0));
    if (entry === undefined) return undefined;
    const [first] = decodeRecord(entry.value, entry.key).events;
    return first?.kind === "submitted" ? first.spec : undefined;
  }

  /** Undefined where the spec is damaged, and nobody has it whole. */
  async #bundleOf(job: JobId, spec: ContentHash): Promise<ContentHash | undefined> {
    try {
      return decodeSpec(await this.#parts.readSpec(spec), `The stored job ${job}`).constants.bundle;
    } catch (error) {
      if (!(error instanceof BicoastalError)) throw error;
      return undefined;
    }
  }
}
