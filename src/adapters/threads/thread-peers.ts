/**
 * Other nodes' blobs, in a thread. Addresses are those the main thread told last: it says them before a task that was given
 * blocks of other nodes, and again whenever they change.
 *
 * What speaks HTTP is loaded with the first blob of another node: a run on one machine does without it.
 */
import type { NodeId } from "../../base/ids.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { Scratch } from "../../ports/scratch.ts";
import type { PeerAccess } from "../http/ask-peer.ts";
import type { KnownTails } from "../http/known-tails.ts";
import type { PeerSecurity } from "../http/security.ts";

/** `host:port` by node. */
export type PeerAddresses = Readonly<Record<string, string>>;

/** What a thread needs to know to read what other nodes have. */
export interface PeersData {
  readonly self: NodeId;
  readonly security: PeerSecurity;
  /** Known at the start; may be empty. */
  readonly addresses: PeerAddresses;
}

/** Part of a task's memory for what it fetched. */
const FETCHED_PART = 1 / 8;

export class ThreadPeers {
  readonly #self: NodeId;
  readonly #security: PeerSecurity;
  readonly #memoryBytes: number;
  #addresses: ReadonlyMap<string, string>;
  #access: Promise<PeerAccess> | undefined;
  readonly #spare: Uint8Array[] = [];
  #tails: KnownTails | undefined;

  constructor({ self, security, addresses }: PeersData, taskMemoryBytes: number) {
    this.#self = self;
    this.#security = security;
    this.#memoryBytes = Math.floor(taskMemoryBytes * FETCHED_PART);
    this.#addresses = new Map(Object.entries(addresses));
  }

  setAddresses(addresses: PeerAddresses): void {
    this.#addresses = new Map(Object.entries(addresses));
  }

  /**
   * For one task, with its scratch.
   * @param stop Asked for its signal with the first blob of another node: whatever is fetched then ends with the task.
   */
  blobsBeside(local: BlobStore, scratch: Scratch, stop?: { readonly signal: AbortSignal }): BlobStore {
    let all: Promise<BlobStore> | undefined;
    return {
      ...local,
      open: (key, at) => {
        if (at === undefined || at === this.#self) return local.open(key);
        all ??= this.#load(local, scratch, stop?.signal);
        return all.then((blobs) => blobs.open(key, at));
      },
    };
  }

  async #load(local: BlobStore, scratch: Scratch, signal: AbortSignal | undefined): Promise<BlobStore> {
    const { createPeerBlobs } = await import("../http/peer-blobs.ts");
    this.#access ??= this.#connect();
    const access = { ...(await this.#access), signal };
    const own = {
      self: this.#self,
      memoryBytes: this.#memoryBytes,
      spare: this.#spare,
      tails: await this.#knownTails(),
    };
    return createPeerBlobs({ ...own, local, access, scratch });
  }

  async #knownTails(): Promise<KnownTails> {
    const { KnownTails } = await import("../http/known-tails.ts");
    this.#tails ??= new KnownTails();
    this.#tails.begin();
    return this.#tails;
  }

  /** Connections are kept from task to task. */
  async #connect(): Promise<PeerAccess> {
    const { createBlobClient } = await import("../http/blob-client.ts");
    return {
      client: createBlobClient(this.#security),
      addressOf: (node) => this.#addresses.get(node),
    };
  }
}
