import { join } from "node:path";
import { createMsgpackCodec } from "../codec/msgpack-codec.ts";
import { crc32, gzip } from "../codec/zlib.ts";
import { createFileBlobs } from "../fs/blobs.ts";
import { createFileInputs } from "../fs/inputs.ts";
import { createFileOutputs } from "../fs/outputs.ts";
import { createFileScratch } from "../fs/scratch.ts";
import type { ThreadData } from "./thread-data.ts";

/** What tasks need from this machine. `thread`: names the room for spills, which nobody else uses. */
export function createLocalPorts({ blobsDirectory, scratchDirectory }: ThreadData, thread: string) {
  const inputs = createFileInputs();
  const blobs = createFileBlobs(blobsDirectory);
  const outputs = createFileOutputs();
  const codec = createMsgpackCodec();
  const room = join(scratchDirectory, thread);
  return {
    blobs,
    /** For one task. */
    open: () => ({
      inputs,
      blobs,
      outputs,
      codec,
      crc32,
      gzip,
      scratch: createFileScratch(room),
    }),
  };
}
