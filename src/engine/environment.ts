import type { BlobStore } from "../ports/blob-store.ts";
import type { Crc32, Gzip, ValueCodec } from "../ports/codec.ts";
import type { Inputs } from "../ports/inputs.ts";
import type { Lz4 } from "../ports/lz4.ts";
import type { Outputs } from "../ports/outputs.ts";
import type { Scratch } from "../ports/scratch.ts";

/** All that a task needs from outside. One for each task: `scratch` is its own. */
export interface EngineEnvironment {
  readonly inputs: Inputs;
  readonly blobs: BlobStore;
  readonly scratch: Scratch;
  readonly outputs: Outputs;
  readonly codec: ValueCodec;
  readonly crc32: Crc32;
  readonly gzip: Gzip;
  /** Without it, blocks are neither written nor read compressed. */
  readonly lz4?: Lz4 | undefined;
  /** Whether blocks are written compressed, which pays where a network is between machines. Default: false. */
  readonly compressBlocks?: boolean | undefined;
}

export type { TaskControl } from "../ports/task-runner.ts";
