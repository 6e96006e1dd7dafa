import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { HeapShare } from "./heap-share.ts";

type Flavor = "regular" | "last-resort";
type Collect = (options?: { type: "major"; execution: "sync"; flavor: Flavor }) => void;

/** The V8 of Node 20 takes any options for the wish to collect young objects only, and has no flavors. */
const HAS_OPTIONS = Number.parseInt(process.versions.node, 10) >= 22;

/** A thread's garbage, which the thread can collect sooner than V8 would: V8 knows nothing of the other threads. */
export class ThreadGarbage {
  readonly #share: HeapShare;
  readonly #now = performance.now.bind(performance);
  #collect: Collect | undefined;

  /** @param heapBytes See `HeapShare`. */
  constructor(heapBytes: number) {
    this.#share = new HeapShare(heapBytes);
  }

  /** Collects all there is, and gives its pages back. Returns what the thread holds then: heap and buffers. */
  collectAll(): number {
    this.#run("last-resort");
    const { total_heap_size: heapBytes, external_memory: externalBytes } = getHeapStatistics();
    return heapBytes + externalBytes;
  }

  /** Collects what V8 would, where the heap has outgrown the thread's share. To be called often. */
  readonly look = (): void => {
    if (this.#share.isExceeded(this.#now(), heldBytes)) this.#run("regular");
  };

  #run(flavor: Flavor): void {
    this.#collect ??= exposedCollector();
    if (HAS_OPTIONS) this.#collect?.({ type: "major", execution: "sync", flavor });
    else this.#collect?.();
    this.#share.onCollected(heldBytes());
  }
}

/** Objects and garbage, and the buffers that they hold. Not whole pages: where they are free, nothing would be collected. */
function heldBytes(): number {
  const { used_heap_size: heapBytes, external_memory: externalBytes } = getHeapStatistics();
  return heapBytes + externalBytes;
}

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
