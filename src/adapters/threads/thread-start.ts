import { isMainThread, type MessagePort, parentPort, workerData } from "node:worker_threads";
import { assert } from "../../base/assert.ts";
import type { ThreadStart } from "./messages.ts";
import type { ThreadData } from "./thread-data.ts";

/** Inside a thread: what its runner started it with. */
export function threadStart(): {
  port: MessagePort;
  shared: SharedArrayBuffer;
  thread: string;
  heapBytes: number;
  data: ThreadData;
} {
  assert(!isMainThread && parentPort !== null, "this file is loaded only as a thread, by a thread runner");
  const { shared, thread, heapBytes, data } = workerData as ThreadStart;
  return { port: parentPort, shared, thread, heapBytes, data };
}
