import type { BlobStore } from "../ports/blob-store.ts";
import type { Crc32, Gzip, ValueCodec } from "../ports/codec.ts";
import type { Inputs } from "../ports/inputs.ts";
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
}

/** How a task is watched and stopped from outside. */
export interface TaskControl {
  /** True once the attempt should end; asked between batches. */
  stopRequested(): boolean;
  /** Behind `ctx.signal`. */
  readonly signal: AbortSignal;
  /** Totals so far; called after each batch, so it must cost next to nothing. */
  progress(rowsIn: number, bytesIn: number): void;
  log(message: string, fields: string | undefined): void;
  /** Gives the event loop a turn where the task shares its thread with others; undefined in a thread of its own. */
  readonly breathe: (() => Promise<void>) | undefined;
}
