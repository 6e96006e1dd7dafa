import type { ErrorInfo } from "../base/errors.ts";
import type { NodeId } from "../base/ids.ts";
import type { WorkerPoll } from "../protocol/message.ts";

/** What the driver is told. Time comes beside it, as a value. */
export type DriverEvent =
  /** Once, first: the driver has its epoch and goes to work. */
  | { readonly kind: "driverStarted" }
  | { readonly kind: "workerPolled"; readonly worker: NodeId; readonly poll: WorkerPoll }
  /** The record with this sequence number is durable. */
  | { readonly kind: "recordAppended"; readonly seq: number }
  | { readonly kind: "timerFired"; readonly timer: string }
  /** All outputs are visible and the rows to collect were read. */
  | { readonly kind: "outputsCommitted" }
  /** Blocks to collect from were missing or corrupt; with a node: that could not be asked for any of its blocks. */
  | { readonly kind: "resultBlocksLost"; readonly keys: readonly string[]; readonly node?: NodeId }
  | { readonly kind: "outputsFailed"; readonly error: ErrorInfo }
  | { readonly kind: "cancelRequested"; readonly reason: string };
