/**
 * Ends this process where a job's module, loaded in the main thread, loops for ever: nothing else could, not even
 * Ctrl-C. Another thread waits, since the main thread runs no timer then; when the time is over it ends the process.
 * That is a thread which has nothing to do as long as the module is loaded, where there is one: to start one only
 * for this costs as much as everything else about a small job.
 */
import { closeSync } from "node:fs";
import { url } from "node:inspector";
import { Worker } from "node:worker_threads";
import { endMainThread, type LoadWatch } from "./end-main-thread.ts";

const LOAD_TIMEOUT_MS = 60_000;
/** From the polite end of the process to the end by force. */
const EXIT_GRACE_MS = 2000;
const END = "bicoastal.endProcess";
/** Now: while a module is loaded, `process.exit` throws. */
const exit = process.exit.bind(process);

export interface LoadWatchdogOptions {
  /** What is loaded, as the message begins. */
  readonly subject: string;
  /** Longest time for the evaluation of the module. Default 60 000. */
  readonly loadTimeoutMs?: number | undefined;
  /** Has an idle thread call `watchFromThread`; false where there is none. Default: there is none. */
  readonly askIdle?: ((watch: LoadWatch) => boolean) | undefined;
}

/** Begins to wait; the function returned ends that. Under a debugger nothing is watched: breakpoints take time. */
export function watchLoading({
  subject,
  loadTimeoutMs = LOAD_TIMEOUT_MS,
  askIdle = () => false,
}: LoadWatchdogOptions): () => void {
  if (url() !== undefined) return () => {};
  const state = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const message = `error[BUNDLE_FAILED]: ${subject} had not loaded after ${loadTimeoutMs / 1000} s: look for a loop or an await at its top level that never ends.\n`;
  const watch: LoadWatch = { state, loadTimeoutMs, message, exitGraceMs: EXIT_GRACE_MS, end: END };
  if (!askIdle(watch)) startWaiting(watch);
  const holder = process as unknown as Record<symbol, () => void>;
  holder[Symbol.for(END)] = endProcess;
  return () => {
    Atomics.store(state, 0, 1);
    Atomics.notify(state, 0);
  };
}

function startWaiting(watch: LoadWatch): void {
  const worker = new Worker(WAIT, { eval: true, execArgv: [], workerData: watch });
  worker.unref();
  // Where the machine starts no more threads, the module is loaded unwatched.
  worker.on("error", () => {});
}

function endProcess(): void {
  // Last of all, after what others do on exit: Node would print that it waits for its debugger.
  process.on("exit", () => closeSync(2));
  exit(1);
}

const WAIT = `
const { workerData } = require("node:worker_threads");
const { state, loadTimeoutMs } = workerData;
if (Atomics.wait(state, 0, 0, loadTimeoutMs) === "timed-out") (${endMainThread.toString()})(workerData);
`;
