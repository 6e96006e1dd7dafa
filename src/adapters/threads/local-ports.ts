import { join } from "node:path";
import { lz4 } from "../codec/lz4.ts";
import { createMsgpackCodec } from "../codec/msgpack-codec.ts";
import { crc32, gzip } from "../codec/zlib.ts";
import { createFileBlobs } from "../fs/blobs.ts";
import { createFileScratch } from "../fs/scratch.ts";
import { createInputs } from "../schemes/inputs.ts";
import { createOutputs } from "../schemes/outputs.ts";
import type { ThreadData } from "./thread-data.ts";
import { type PeerAddresses, ThreadPeers } from "./thread-peers.ts";

/**
 * What tasks need from this machine.
 * @param thread Names the room for spills, which nobody else uses.
 * @param onFrame Called for each frame that is written or read, some 128 KiB: that is often, and within whatever a sink or
 *   a merge does without coming back to its task.
 */
export function createLocalPorts(data: ThreadData, thread: string, onFrame = () => {}) {
  const { blobsDirectory, scratchDirectory, compressBlocks, memoryBytes } = data;
  const inputs = createInputs({ memoryBytes });
  const blobs = createFileBlobs(blobsDirectory);
  const codec = createMsgpackCodec();
  const peers = data.peers === undefined ? undefined : new ThreadPeers(data.peers, data.memoryBytes);
  const room = join(scratchDirectory, thread);
  const outputs = createOutputs(createFileScratch(room), memoryBytes);
  return {
    blobs,
    /** Where other nodes answer from now on. */
    setPeers: (addresses: PeerAddresses) => peers?.setAddresses(addresses),
    /**
     * For one task.
     * @param control Of the task, whose stop ends what it fetches.
     */
    open(_request?: unknown, control?: { readonly signal: AbortSignal }) {
      const scratch = createFileScratch(room);
      return {
        inputs,
        blobs: peers === undefined ? blobs : peers.blobsBeside(blobs, scratch, control),
        outputs,
        codec,
        crc32(bytes: Uint8Array, seed?: number) {
          onFrame();
          return crc32(bytes, seed);
        },
        gzip,
        lz4,
        compressBlocks,
        scratch,
      };
    },
  };
}
