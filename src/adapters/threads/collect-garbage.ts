import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

type Collect = (options?: object) => void;
let collect: Collect | undefined;

/**
 * Collects this thread's garbage, all of it, and gives its pages back. Returns what the thread holds then: its heap,
 * and the buffers beside it. V8 itself waits until its own limit is near, which knows nothing of the other threads.
 */
export function collectAllGarbage(): number {
  collect ??= exposedCollector();
  collect?.({ type: "major", execution: "sync", flavor: "last-resort" });
  const { total_heap_size: heapBytes, external_memory: externalBytes } = getHeapStatistics();
  return heapBytes + externalBytes;
}

/** Collects this thread's garbage as V8 does when a heap has reached its limit: once, and as quickly as may be. */
export function collectGarbage(): void {
  collect ??= exposedCollector();
  collect?.({ type: "major", execution: "sync", flavor: "regular" });
}

/** This thread's heap with its garbage; without the buffers beside it. */
export const heapSize = (): number => getHeapStatistics().total_heap_size;

/** Node gives it by a flag only, which may be set late: for contexts made after it. */
function exposedCollector(): Collect | undefined {
  setFlagsFromString("--expose-gc");
  try {
    const found: unknown = runInNewContext("gc");
    return typeof found === "function" ? (found as Collect) : undefined;
  } finally {
    setFlagsFromString("--no-expose-gc");
  }
}
