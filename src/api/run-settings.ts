import { BicoastalError } from "../base/errors.ts";
import { parseBytes } from "../base/quantity.ts";
import type { RunOptions } from "./session.ts";
import { showValue } from "./show-value.ts";

const THREADS_MAX = 1_024;
const ATTEMPTS_MAX = 100;
const ATTEMPTS_DEFAULT = 3;
/** The longest wait a timer takes, some 24 days. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1;
/** Below this a task can hardly hold its own code. */
const MEMORY_BYTES_PER_THREAD_MIN = 32 * 2 ** 20;
/** The rest of a thread's share is for the user's own objects and for what the runtime needs. */
const TABLES_SHARE = 0.4;
/** Larger tables cost more in garbage collection than they save in spills. */
const TABLES_BYTES_MAX = 512 * 2 ** 20;
const HEAP_BYTES_MIN = 256 * 2 ** 20;
const HEAP_BYTES_MAX = 4 * 2 ** 30;

export interface RunSettings {
  readonly threads: number;
  /** What one task may use for tables and buffers. */
  readonly taskMemoryBytes: number;
  /** Limit of one thread's JavaScript heap. */
  readonly heapBytesMax: number;
  readonly debug: boolean;
  readonly attemptsMax: number;
  readonly taskTimeoutMs: number | undefined;
}

export interface MachineSize {
  readonly cores: number;
  readonly memoryBytes: number;
}

/** Checks the options and fills in defaults. Throws USAGE, naming the option, its value and what is allowed. */
export function runSettings(options: RunOptions, machine: MachineSize): RunSettings {
  const debug = options.debug ?? false;
  const threads = debug ? 1 : wholeNumber("threads", options.threads ?? machine.cores, 1, THREADS_MAX);
  const memoryBytes = memoryOf(options.memory, machine);
  const share = Math.floor(memoryBytes / threads);
  if (share < MEMORY_BYTES_PER_THREAD_MIN) {
    const least = (threads * MEMORY_BYTES_PER_THREAD_MIN) / 2 ** 20;
    throw usage(
      "memory",
      options.memory,
      `at least ${least}MiB for ${threads} threads (32MiB each); use fewer threads, or more memory`,
    );
  }
  return {
    threads,
    taskMemoryBytes: Math.min(Math.floor(share * TABLES_SHARE), TABLES_BYTES_MAX),
    heapBytesMax: Math.min(Math.max(share, HEAP_BYTES_MIN), HEAP_BYTES_MAX),
    debug,
    attemptsMax: wholeNumber("attempts", options.attempts ?? ATTEMPTS_DEFAULT, 1, ATTEMPTS_MAX),
    taskTimeoutMs:
      options.taskTimeoutMs === undefined
        ? undefined
        : wholeNumber("taskTimeoutMs", options.taskTimeoutMs, 1, TIMEOUT_MS_MAX),
  };
}

function memoryOf(memory: number | string | undefined, machine: MachineSize): number {
  if (memory === undefined) return Math.floor(machine.memoryBytes / 2);
  const bytes = typeof memory === "string" ? parseBytes(memory) : memory;
  if (typeof bytes === "number" && Number.isSafeInteger(bytes) && bytes > 0) return bytes;
  throw usage("memory", memory, 'a number of bytes, or a size such as "512MiB" or "2GB"');
}

function wholeNumber(option: string, value: unknown, min: number, max: number): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return value;
  throw usage(option, value, `a whole number from ${min} to ${max}`);
}

function usage(option: string, value: unknown, allowed: string): BicoastalError {
  return new BicoastalError("USAGE", `Option ${option} is ${showValue(value)}; it must be ${allowed}.`, {
    details: { option },
  });
}
