/**
 * One place for one task at a time, and the thread that stands there: started when the first task comes, replaced
 * when it dies.
 *
 * Every task gets exactly one outcome, from whichever comes first: the thread's answer, its death, or the end of a
 * grace after it was asked to stop. A thread whose task had to be ended by force is never used again, and none is
 * used for two bundles: what one job does to globals and prototypes is not for the next.
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { assert } from "../../base/assert.ts";
import { BicoastalError, type ErrorInfo, toErrorInfo } from "../../base/errors.ts";
import { type AttemptId, attemptKey, type ContentHash, type JobId, sameAttempt } from "../../base/ids.ts";
import type { TaskOutcome } from "../../plan/task.ts";
import type { TaskObserver, TaskRequest } from "../../ports/task-runner.ts";
import { scratchRoomOf } from "../fs/scratch.ts";
import type { LoadWatch } from "./end-main-thread.ts";
import { heapShareOf } from "./heap-share.ts";
import type { ThreadMemory } from "./memory-watch.ts";
import type { FromThread, ThreadStart, ToThread } from "./messages.ts";
import { SharedState } from "./shared-state.ts";
import type { ThreadData } from "./thread-data.ts";
import { exitError, heapError, loadTimeoutError } from "./thread-errors.ts";
import type { PeerAddresses } from "./thread-peers.ts";

export interface ThreadSlotOptions {
  /** The thread's entry file. */
  readonly entry: URL;
  readonly threadData: ThreadData;
  /** One thread's part of the memory of all. */
  readonly threadBytes: number;
  /** Its part for V8's young generation. */
  readonly youngBytes: number;
  /** What all threads use together. */
  readonly usedBytes: () => number;
  /** From being asked to stop to being stopped by force. */
  readonly stopGraceMs: number;
  /** Longest time to evaluate the job's module and build its plan. */
  readonly loadTimeoutMs: number;
  /** What user code writes to its stdout and stderr. */
  readonly onOutput: (text: string) => void;
}

/** A task of this slot that has no outcome yet. */
interface Current {
  readonly seq: number;
  readonly job: JobId;
  readonly attempt: AttemptId;
  readonly observer: TaskObserver;
  readonly resolve: (outcome: TaskOutcome) => void;
  loadingSinceMs: number | undefined;
  stopAsked: boolean;
  graceTimer: NodeJS.Timeout | undefined;
}

interface Thread {
  readonly worker: Worker;
  readonly shared: SharedState;
  /** Of the job it is for; undefined while it has none, and is fit for any. */
  bundle: ContentHash | undefined;
  /** The job it was sent last. */
  job: JobId | undefined;
  /** Tasks it was given. */
  tasks: number;
  /** What its task does, where it has said so. */
  stage: string | undefined;
  /** Why it is about to end, where that is known. */
  cause: ErrorInfo | undefined;
  /** See `ThreadMemory`. */
  sinceBytes: number;
  /** Whether it had been asked to collect when memory was last looked at. */
  asked: boolean;
}

/**
 * V8's own limit for a thread's heap, far above what the thread may use: see `MemoryWatch`. Not further: V8 lets garbage
 * lie the longer, the higher its limit is, and from 2 GiB on much longer.
 */
const HEAP_BYTES_SPARE = 1024 * 2 ** 20;

let threadsStarted = 0;

export class ThreadSlot {
  readonly #options: ThreadSlotOptions;
  #thread: Thread | undefined;
  /** Of every thread that still lives, the retired ones too. */
  readonly #ends = new Set<Promise<void>>();
  #current: Current | undefined;
  #peers: PeerAddresses | undefined;
  #seq = 0;

  constructor(options: ThreadSlotOptions) {
    this.#options = options;
  }

  get busy(): boolean {
    return this.#current !== undefined;
  }

  get empty(): boolean {
    return this.#thread === undefined;
  }

  /** Whether a thread with this bundle stands ready: a task is better sent here than where one must be started. */
  isWarm(bundle: ContentHash): boolean {
    const thread = this.#thread;
    if (thread === undefined || thread.cause !== undefined) return false;
    return thread.bundle === bundle || thread.bundle === undefined;
  }

  /** Starts the thread before there is a task, so that the first one need not wait for it. */
  warm(): void {
    if (this.#thread !== undefined) return;
    this.#thread = this.#start();
    this.#thread.worker.unref();
  }

  /** Told at once to the thread there is, and to a later one before its first task. */
  setPeers(addresses: PeerAddresses): void {
    this.#peers = addresses;
    if (this.#thread !== undefined) this.#send(this.#thread, { kind: "peers", addresses });
  }

  /** Has the thread watch over what the main thread loads; false where it cannot. */
  watchLoading(watch: LoadWatch): boolean {
    if (this.#thread === undefined || this.busy) return false;
    this.#send(this.#thread, { kind: "watchLoading", watch });
    return true;
  }

  runs(job: JobId, attempt: AttemptId): boolean {
    const current = this.#current;
    return current?.job === job && sameAttempt(current.attempt, attempt);
  }

  /** The attempt it runs, for messages. */
  get #task(): string | undefined {
    return this.#current === undefined ? undefined : attemptKey(this.#current.attempt);
  }

  run({ job, assignment }: TaskRequest, observer: TaskObserver): Promise<TaskOutcome> {
    assert(this.#current === undefined, "a thread runs one task at a time");
    return new Promise((resolve) => {
      const seq = ++this.#seq;
      this.#current = {
        seq,
        job: job.job,
        attempt: assignment.attempt,
        observer,
        resolve,
        loadingSinceMs: undefined,
        stopAsked: false,
        graceTimer: undefined,
      };
      try {
        const thread = this.#warmThread(job.constants.bundle);
        thread.tasks++;
        this.#send(thread, { kind: "run", seq, job: thread.job === job.job ? undefined : job, assignment });
        thread.job = job.job;
        thread.worker.ref();
      } catch (thrown) {
        // The machine starts no more threads, or the job cannot be cloned: nothing has reached a thread.
        this.#end({ kind: "failed", error: toErrorInfo(thrown, "THREAD_DIED"), lostBlocks: [] });
      }
    });
  }

  stop(): void {
    const current = this.#current;
    if (current === undefined || current.stopAsked) return;
    current.stopAsked = true;
    this.#thread?.shared.requestStop();
    if (this.#thread !== undefined) this.#send(this.#thread, { kind: "stop", seq: current.seq });
    current.graceTimer = setTimeout(() => this.#terminate(undefined), this.#options.stopGraceMs);
  }

  /** Passes progress on, and ends a load that takes too long. */
  poll(nowMs: number): void {
    const current = this.#current;
    const shared = this.#thread?.shared;
    if (current === undefined || shared === undefined) return;
    const phase = shared.phase();
    if (phase === "running") {
      current.observer.onProgress(shared.progress());
    } else if (phase === "loading") {
      current.loadingSinceMs ??= nowMs;
      const { loadTimeoutMs } = this.#options;
      if (nowMs - current.loadingSinceMs > loadTimeoutMs) this.#terminate(loadTimeoutError(loadTimeoutMs));
    }
  }

  /**
   * For the watch over the memory of all threads; undefined where no thread stands here.
   * @param usedBytes What all threads use together.
   */
  memory(usedBytes: number): ThreadMemory | undefined {
    const thread = this.#thread;
    if (thread === undefined) return undefined;
    const asked = thread.shared.collectAsked();
    const told = thread.asked && !asked;
    thread.asked = asked;
    thread.sinceBytes = told ? usedBytes : Math.min(thread.sinceBytes, usedBytes);
    const collectedBytes = thread.shared.collectedBytes();
    return { busy: this.busy, asked, collectedBytes, sinceBytes: thread.sinceBytes };
  }

  /**
   * Has the thread collect its garbage as soon as it can: between two batches, which look at what is shared, or in a
   * turn of its event loop, which is all that a thread has that waits for something.
   */
  collect(): void {
    const thread = this.#thread;
    if (thread === undefined) return;
    thread.shared.askToCollect();
    this.#send(thread, { kind: "collect" });
  }

  /** Ends the thread, which holds too much; its task fails. */
  overflow(usedBytes: number): void {
    const thread = this.#thread;
    if (thread !== undefined && this.busy) this.#terminate(this.#overflow(thread, usedBytes));
  }

  #overflow({ stage, tasks }: Thread, usedBytes: number | undefined): ErrorInfo {
    const limitBytes = Math.floor(this.#options.threadBytes);
    return heapError({ task: this.#task, stage, usedBytes, limitBytes, used: tasks > 1 });
  }

  /** Ends thread and task at once; the task is `stopped`. */
  async close(): Promise<void> {
    if (this.#current !== undefined) this.#current.stopAsked = true;
    this.#terminate(undefined);
    await Promise.all(this.#ends);
  }

  #send(thread: Thread, message: ToThread): void {
    thread.worker.postMessage(message);
  }

  #warmThread(bundle: ContentHash): Thread {
    if (!this.isWarm(bundle)) this.#terminate(undefined);
    const thread = this.isWarm(bundle) ? this.#thread! : this.#start();
    this.#thread = thread;
    if (thread.bundle === undefined) this.#takeOutput(thread);
    thread.bundle = bundle;
    thread.shared.reset();
    return thread;
  }

  #start(): Thread {
    const name = scratchRoomOf(`t${threadsStarted++}`);
    const { entry, threadData, threadBytes, youngBytes } = this.#options;
    const shared = new SharedState();
    const heapBytes = heapShareOf(threadBytes, Number.parseInt(process.versions.v8, 10));
    const start: ThreadStart = { shared: shared.buffer, thread: name, heapBytes, data: threadData };
    const worker = new Worker(entry, {
      name,
      workerData: start,
      // The thread runs built JavaScript: loaders and hooks of the main program are not for it.
      execArgv: [],
      stdout: true,
      stderr: true,
      resourceLimits: {
        maxOldGenerationSizeMb: Math.ceil(
          Math.max(threadBytes * 1.25, threadBytes + HEAP_BYTES_SPARE) / 2 ** 20,
        ),
        maxYoungGenerationSizeMb: Math.ceil(youngBytes / 2 ** 20),
      },
    });
    const thread: Thread = {
      worker,
      shared,
      bundle: undefined,
      job: undefined,
      tasks: 0,
      stage: undefined,
      cause: undefined,
      sinceBytes: this.#options.usedBytes(),
      asked: false,
    };
    worker.on("message", (message: FromThread) => this.#onMessage(thread, message));
    worker.on("error", (thrown: unknown) => {
      thread.cause ??= isHeapLimit(thrown)
        ? this.#overflow(thread, undefined)
        : toErrorInfo(thrown, "THREAD_DIED");
    });
    const ended = new Promise<void>((resolve) => {
      worker.on("exit", (exitCode) => {
        this.#onExit(thread, exitCode);
        // What it spilled and, ended by force, could not delete. A directory that stays is no harm but for its size.
        rm(join(threadData.scratchDirectory, name), { recursive: true, force: true })
          .catch(() => {})
          .finally(() => {
            this.#ends.delete(ended);
            resolve();
          });
      });
    });
    this.#ends.add(ended);
    if (this.#peers !== undefined) this.#send(thread, { kind: "peers", addresses: this.#peers });
    return thread;
  }

  /**
   * From its first job on, as only a job writes. Node keeps a process alive that reads a thread's output, unref'd or
   * not; a thread that only stands ready must not, as a module that waits for ever is found by the process's end.
   */
  #takeOutput({ worker }: Thread): void {
    const { onOutput } = this.#options;
    for (const stream of [worker.stdout, worker.stderr]) stream.setEncoding("utf8").on("data", onOutput);
  }

  #onMessage(thread: Thread, message: FromThread): void {
    if (message.kind === "fatal") {
      thread.cause ??= message.error;
      return;
    }
    if (thread !== this.#thread || message.seq !== this.#current?.seq) return;
    switch (message.kind) {
      case "stage":
        thread.stage = message.label;
        return;
      case "log":
        this.#current.observer.onLog(message.entry);
        return;
      case "ended":
        this.#end(message.outcome);
        thread.worker.unref();
    }
  }

  #onExit(thread: Thread, exitCode: number): void {
    if (thread !== this.#thread) return;
    this.#thread = undefined;
    const error = thread.cause ?? exitError(this.#task, exitCode, thread.shared.phase());
    if (this.#current !== undefined) {
      this.#end({ kind: "failed", error, lostBlocks: [] });
    } else if (thread.cause !== undefined && thread.cause !== ENDED_ON_PURPOSE) {
      this.#options.onOutput(`A thread ended between two tasks: ${thread.cause.message}\n`);
    }
  }

  #end(outcome: TaskOutcome): void {
    const current = this.#current;
    if (current === undefined) return;
    this.#current = undefined;
    clearTimeout(current.graceTimer);
    if (current.stopAsked) {
      current.resolve({ kind: "stopped" });
      return;
    }
    const progress = this.#thread?.shared.progress();
    if (outcome.kind === "finished" && progress !== undefined) current.observer.onProgress(progress);
    current.resolve(outcome);
  }

  #terminate(cause: ErrorInfo | undefined): void {
    const thread = this.#thread;
    if (thread === undefined) return;
    thread.cause ??= cause ?? ENDED_ON_PURPOSE;
    void thread.worker.terminate();
  }
}

const ENDED_ON_PURPOSE: ErrorInfo = toErrorInfo(
  new BicoastalError("THREAD_DIED", "The thread was ended.", { retryable: true }),
  "THREAD_DIED",
);

const isHeapLimit = (thrown: unknown): boolean =>
  thrown instanceof Error && (thrown as NodeJS.ErrnoException).code === "ERR_WORKER_OUT_OF_MEMORY";
