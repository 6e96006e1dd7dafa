import { BicoastalError } from "../base/errors.ts";
import { parseBytes } from "../base/quantity.ts";
import { type MemoryShares, memoryBytesMin, shareMemory, threadsWithin } from "./memory-budget.ts";
import type { RunOptions } from "./session.ts";
import { showValue } from "./show-value.ts";

const THREADS_MAX = 1_024;
const ATTEMPTS_MAX = 100;
const ATTEMPTS_DEFAULT = 3;
/** The longest wait a timer takes, some 24 days. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1;
/** Of what the machine or the container has: the rest is for other programs, and for the system's cache of files. */
const MEMORY_PART_DEFAULT = 0.5;

export interface RunSettings {
  readonly threads: number;
  readonly memory: MemoryShares;
  readonly debug: boolean;
  readonly attemptsMax: number;
  readonly taskTimeoutMs: number | undefined;
}

export interface MachineSize {
  readonly cores: number;
  readonly memoryBytes: number;
  /** Of this thread's JavaScript heap. */
  readonly heapBytesMax: number;
}

/**
 * Checks the options and fills in defaults. A budget that is too small for a thread a core means fewer threads; one
 * that is too small for the threads that were asked for is refused. Throws USAGE, naming the option, its value and
 * what is allowed.
 */
export function runSettings(options: RunOptions, machine: MachineSize): RunSettings {
  const debug = options.debug ?? false;
  const memoryBytes = memoryOf(options.memory, machine);
  const wanted = wholeNumber("threads", options.threads ?? machine.cores, 1, THREADS_MAX);
  const enough = threadsWithin(memoryBytes);
  const asked = debug || options.threads === undefined ? 1 : wanted;
  if (enough < asked) throw tooLittle(options.memory, memoryBytes, asked);
  const threads = debug ? 1 : Math.min(wanted, enough);
  return {
    threads,
    memory: shareMemory(memoryBytes, threads),
    debug,
    attemptsMax: wholeNumber("attempts", options.attempts ?? ATTEMPTS_DEFAULT, 1, ATTEMPTS_MAX),
    taskTimeoutMs:
      options.taskTimeoutMs === undefined
        ? undefined
        : wholeNumber("taskTimeoutMs", options.taskTimeoutMs, 1, TIMEOUT_MS_MAX),
  };
}

function tooLittle(given: unknown, memoryBytes: number, threads: number): BicoastalError {
  const mebibytes = (bytes: number): string => `${Math.ceil(bytes / 2 ** 20)}MiB`;
  const least = `at least ${mebibytes(memoryBytesMin(threads))} for ${threads} ${threads === 1 ? "thread" : "threads"}`;
  const advice = threads === 1 ? "" : "; use fewer threads, or more memory";
  const details = { option: "memory" };
  if (given !== undefined) {
    const message = `Option memory is ${Math.floor(memoryBytes / 2 ** 20)}MiB; it must be ${least}${advice}.`;
    return new BicoastalError("USAGE", message, { details });
  }
  // The machine's half, which nobody chose.
  return new BicoastalError(
    "USAGE",
    `Half of this machine's (or container's) memory is ${mebibytes(memoryBytes)}; a run needs ${least}${advice}. Give it more, or say with the option memory how much may be used.`,
    { details },
  );
}

function memoryOf(memory: number | string | undefined, machine: MachineSize): number {
  if (memory === undefined) return Math.floor(machine.memoryBytes * MEMORY_PART_DEFAULT);
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
