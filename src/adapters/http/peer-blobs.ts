/** The blobs of this node and, for reading, those of others. */
import { createHash } from "node:crypto";
import { BicoastalError } from "../../base/errors.ts";
import type { NodeId } from "../../base/ids.ts";
import { assertBlobKey, type BlobStore, hashInKey } from "../../ports/blob-store.ts";
import type { Scratch } from "../../ports/scratch.ts";
import { asksFor, fetchWhole, giveBlob, type PeerAccess } from "./ask-peer.ts";
import { KnownTails } from "./known-tails.ts";
import { RangeBatches } from "./range-batches.ts";
import { type FetchRoom, openRemoteBlob } from "./remote-blob-reader.ts";

export interface PeerBlobsOptions {
  readonly self: NodeId;
  /** Where everything is written, and looked for first. */
  readonly local: BlobStore;
  readonly access: PeerAccess;
  /** Which node to ask for a blob that is not here, and of which nobody says where it is. Default: none. */
  readonly locate?: (key: string) => NodeId | undefined;
  /** For what was fetched and does not fit into memory. */
  readonly scratch: Scratch;
  /** What was fetched and is kept in memory, of all open readers together. Default 16 MiB. */
  readonly memoryBytes?: number;
  /** Buffers for what is fetched, to be used again by whoever has the same array. Default: those of this store. */
  readonly spare?: Uint8Array[];
  /** What is known of others' blobs, by whoever has the same. Default: of those of this store. */
  readonly tails?: KnownTails;
}

export interface PeerBlobs extends BlobStore {
  /**
   * Has another node keep these bytes, whose key names their SHA-256; nothing is sent where they are there. Throws
   * PEER_UNREACHABLE and BLOB_CORRUPT.
   */
  give(key: string, bytes: Uint8Array, to: NodeId): Promise<void>;
}

const MEMORY_BYTES = 16 * 1024 * 1024;

export function createPeerBlobs(options: PeerBlobsOptions): PeerBlobs {
  const { self, local, locate, scratch } = options;
  const access = { ...options.access, batches: new RangeBatches(options.access) };
  const room: FetchRoom = {
    bytesFree: options.memoryBytes ?? MEMORY_BYTES,
    scratch,
    spare: options.spare ?? [],
    tails: options.tails ?? new KnownTails(),
  };
  const elsewhere = (key: string): NodeId | undefined => {
    const node = locate?.(key);
    return node === self ? undefined : node;
  };
  /** Here, or else where it is said to be. */
  const orElsewhere = async <T>(
    key: string,
    here: () => Promise<T>,
    there: (node: NodeId) => Promise<T>,
  ): Promise<T> => {
    try {
      return await here();
    } catch (error) {
      const isMissing = error instanceof BicoastalError && error.code === "BLOB_MISSING";
      const node = isMissing ? elsewhere(key) : undefined;
      if (node === undefined) throw error;
      return await there(node);
    }
  };
  return {
    put: (key, bytes) => local.put(key, bytes),
    create: (key) => local.create(key),
    list: (prefix) => local.list(prefix),
    deleteAll: (prefix, kept) => local.deleteAll(prefix, kept),
    async has(key) {
      if (await local.has(key)) return true;
      const node = elsewhere(key);
      return node !== undefined && (await asksFor(access, { node, key }));
    },
    get: (key) =>
      orElsewhere(
        key,
        () => local.get(key),
        async (node) => {
          const bytes = await fetchWhole(access, { node, key });
          if (isIntact(key, node, bytes)) await local.put(key, bytes);
          return bytes;
        },
      ),
    async open(key, at) {
      const there = (node: NodeId) => openRemoteBlob(access, { node, key }, room);
      assertBlobKey(key);
      if (at !== undefined && at !== self) return await there(at);
      return await orElsewhere(key, () => local.open(key), there);
    },
    async give(key, bytes, to) {
      if (!(await asksFor(access, { node: to, key }))) await giveBlob(access, { node: to, key }, bytes);
    },
  };
}

/** Whether it may be kept here: its name says what is in it. Throws BLOB_CORRUPT where that is not so. */
function isIntact(key: string, node: NodeId, bytes: Uint8Array): boolean {
  const hash = hashInKey(key);
  if (hash === undefined) return false;
  if (createHash("sha256").update(bytes).digest("hex") === hash) return true;
  const message = `The blob ${key} that node ${node} gave is damaged: it has another SHA-256 than its name says. Look at that node's disk, and resume the job.`;
  throw new BicoastalError("BLOB_CORRUPT", message, { details: { key, node }, retryable: true });
}
