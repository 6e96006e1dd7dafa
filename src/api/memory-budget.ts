/**
 * How one budget for the whole process is shared out: first what Node and this program need whatever they do, then
 * equal shares for the threads, and of each share what a thread needs before it holds any data.
 *
 * The constants are what `VmHWM` of a process showed that ran jobs on no data, rounded up. They decide only when tasks
 * spill, never what they give.
 */
const MIB = 2 ** 20;

/** Node itself, the code of this package, the store and the driver of a job. */
const MAIN_BYTES = 72 * MIB;
/** One thread: its V8, the code of this package, the job's module and its plan. */
const THREAD_FIXED_BYTES = 24 * MIB;
/** A thread's least share: a sink holds 16 MiB whatever the budget is, and there must be room for a table beside it. */
const THREAD_BYTES_MIN = 48 * MIB;

/** Of what a thread has for data, V8's young generation, where most of a job's objects live and die. */
const YOUNG_PART = 1 / 8;
const YOUNG_BYTES_MIN = 3 * MIB;
/** V8's own choice; more gains nothing. */
const YOUNG_BYTES_MAX = 48 * MIB;

/** Of what is left, tables and buffers; the rest is for V8 to leave garbage in, and for the user's own objects. */
const TABLES_PART = 0.5;
/** Of what the threads have, which are idle by then, what the rows may take that are brought back to the caller. */
const COLLECT_PART = 1 / 3;
/** Larger tables cost more in garbage collection than they save in spills. */
const TABLES_BYTES_MAX = 512 * MIB;

export interface MemoryShares {
  /** All that the threads may use together. */
  readonly threadsBytes: number;
  /** V8's young generation in each thread. */
  readonly youngBytes: number;
  /** Tables and buffers of one task. */
  readonly taskMemoryBytes: number;
  /** Rows that a run brings back to its caller. */
  readonly collectBytesMax: number;
}

/** The least budget for so many threads. */
export const memoryBytesMin = (threads: number): number => MAIN_BYTES + threads * THREAD_BYTES_MIN;

/** How many threads a budget is enough for; 0 where it is not enough for one. */
export const threadsWithin = (memoryBytes: number): number =>
  Math.max(0, Math.floor((memoryBytes - MAIN_BYTES) / THREAD_BYTES_MIN));

/** @param memoryBytes At least `memoryBytesMin(threads)`. */
export function shareMemory(memoryBytes: number, threads: number): MemoryShares {
  const threadsBytes = memoryBytes - MAIN_BYTES;
  const dataBytes = threadsBytes / threads - THREAD_FIXED_BYTES;
  const youngBytes = Math.floor(within(dataBytes * YOUNG_PART, YOUNG_BYTES_MIN, YOUNG_BYTES_MAX));
  const taskMemoryBytes = Math.floor(Math.min((dataBytes - youngBytes) * TABLES_PART, TABLES_BYTES_MAX));
  const collectBytesMax = Math.floor(threadsBytes * COLLECT_PART);
  return { threadsBytes, youngBytes, taskMemoryBytes, collectBytesMax };
}

const within = (value: number, min: number, max: number): number => Math.min(Math.max(value, min), max);
