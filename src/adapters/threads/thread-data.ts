import type { PeersData } from "./thread-peers.ts";

/** What every task thread is told of the machine it runs on. Plain data: it is cloned into the thread. */
export interface ThreadData {
  /** Absolute directories. */
  readonly blobsDirectory: string;
  readonly bundlesDirectory: string;
  /** Each thread has a directory of its own in it, named after the thread. */
  readonly scratchDirectory: string;
  /** What one task may use for tables and buffers. */
  readonly memoryBytes: number;
  /** In a cluster. Undefined: there are no other nodes. */
  readonly peers?: PeersData;
  /** Whether blocks are written compressed: where other nodes fetch them over a network. Default: false. */
  readonly compressBlocks?: boolean;
}
