/** Content-addressed blobs of jobs: their specs, bundles and results, and how they get from node to node. */
import { BicoastalError } from "../../base/errors.ts";
import type { ContentHash, JobId, NodeId } from "../../base/ids.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import { decodeSpec } from "../../protocol/codec.ts";
import type { JobSpec } from "../../protocol/job-spec.ts";
import { blobKeys } from "../job-keys.ts";
import type { NodeCard } from "./node-card.ts";
import type { OpenJob } from "./open-job.ts";

/** Nodes that are to have a blob which must outlive any one of them. */
const COPIES = 3;

export const specKey = (hash: ContentHash): string => `specs/${hash}`;
export const bundleKey = (hash: ContentHash): string => `bundles/${hash}`;
export const resultsKey = (hash: ContentHash): string => `results/${hash}`;

export interface SharedBlobsParts {
  /** This node's, or this client's. */
  readonly local: BlobStore;
  /** The whole blob of that node. Throws BLOB_MISSING, PEER_UNREACHABLE. */
  readonly fetch: (key: string, from: NodeId) => Promise<Uint8Array>;
  /** Has that node keep the blob. Throws PEER_UNREACHABLE, BLOB_CORRUPT. */
  readonly give: (key: string, bytes: Uint8Array, to: NodeId) => Promise<void>;
  readonly sha256: (bytes: Uint8Array) => ContentHash;
  /** Who belongs to the cluster now. */
  readonly members: () => readonly NodeCard[];
  /** Undefined where this process is no node. */
  readonly self: NodeId | undefined;
}

export class SharedBlobs {
  readonly #parts: SharedBlobsParts;

  constructor(parts: SharedBlobsParts) {
    this.#parts = parts;
  }

  /**
   * Stores the blob here, where this is a node, and on other nodes, of as many regions as there are, so that `COPIES` have it,
   * or all there are.
   * Returns who has it. Where there is no space here, others have it all the same. Throws PEER_UNREACHABLE, DISK_FULL where
   * nobody took it.
   */
  async spread(key: string, bytes: Uint8Array): Promise<readonly NodeId[]> {
    const { local, give, self, members } = this.#parts;
    const holders: NodeId[] = [];
    let failure: unknown;
    if (self !== undefined) {
      try {
        await local.put(key, bytes);
        holders.push(self);
      } catch (error) {
        failure = error;
      }
    }
    for (const { node } of acrossRegions(members(), self)) {
      if (holders.length >= COPIES) break;
      try {
        await give(key, bytes, node);
        holders.push(node);
      } catch (error) {
        failure = error;
      }
    }
    if (holders.length > 0) return holders;
    throw failure ?? noNodes();
  }

  /**
   * The blob, from here or from whoever has it; kept here from then on, where this is a node. What lies here damaged is
   * fetched anew. Throws BLOB_MISSING, PEER_UNREACHABLE, and what reading it here throws where nobody else has it.
   */
  async get(key: string, hash: ContentHash, holders: readonly NodeId[] = []): Promise<Uint8Array> {
    const { local, fetch, sha256, members, self } = this.#parts;
    let failure: unknown;
    try {
      const bytes = (await local.has(key)) ? await local.get(key) : undefined;
      if (bytes !== undefined && sha256(bytes) === hash) return bytes;
    } catch (error) {
      failure = error;
    }
    const others = members()
      .map(({ node }) => node)
      .filter((node) => !holders.includes(node));
    for (const node of [...holders, ...others]) {
      if (node === self) continue;
      try {
        const bytes = await fetch(key, node);
        if (sha256(bytes) !== hash) continue;
        if (self !== undefined) await local.put(key, bytes);
        return bytes;
      } catch (error) {
        failure = error;
      }
    }
    throw failure ?? noNodes();
  }

  /** Brings spec and bundle here, where the threads look for them. */
  async fetchJob(job: JobId, { spec, bundle, holders }: OpenJob): Promise<JobSpec> {
    const bytes = await this.get(specKey(spec), spec, holders);
    await this.get(bundleKey(bundle), bundle, holders);
    const { local } = this.#parts;
    const key = blobKeys(job).spec;
    if (!(await local.has(key))) await local.put(key, bytes);
    return decodeSpec(bytes, `The stored job ${job}`);
  }
}

/** A node of each region first, then a second one of each, and so on; by name within a region. */
function acrossRegions(cards: readonly NodeCard[], self: NodeId | undefined): readonly NodeCard[] {
  const own = cards.find(({ node }) => node === self)?.region;
  const turns = new Map<string, number>(own === undefined ? [] : [[own, 1]]);
  const turnOf = new Map<NodeCard, number>();
  for (const card of cards) {
    if (card.node === self || card.address === undefined) continue;
    const turn = turns.get(card.region) ?? 0;
    turns.set(card.region, turn + 1);
    turnOf.set(card, turn);
  }
  return [...turnOf].sort(([, a], [, b]) => a - b).map(([card]) => card);
}

const noNodes = (): BicoastalError =>
  new BicoastalError(
    "STORE_UNAVAILABLE",
    "No node of the cluster can be asked. Start one with `bicoastal node`, or look why those that run do not answer.",
    { retryable: true, details: { outcome: "failed" } },
  );
