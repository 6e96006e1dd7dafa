/**
 * One place for one task at a time, and the thread that stands there: started when the first task comes, replaced
 * when it dies.
 *
 * Where tasks take next to no time, a message for each and the wait for the next one would cost many times what they do.
 * So tasks are sent ahead then, which the thread begins in their order. What it has not begun is called back where a task
 * turns out to take long or is to be stopped, and given to whoever is free; nobody runs it twice, as it is begun and
 * called back by a comparison in shared memory.
 *
 * Every task gets exactly one outcome, from whichever comes first: the thread's answer, its death, or the end of a
 * grace after it was asked to stop. A thread whose task had to be ended by force is never used again, and none is
 * used for two bundles: what one job does to globals and prototypes is not for the next.
 *
 * Long because all the ways in which a thread or its task ends meet here.
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { assert } from "../../base/assert.ts";
import { BicoastalError, type ErrorInfo, toErrorInfo } from "../../base/errors.ts";
import { type AttemptId, attemptKey, type ContentHash, type JobId } from "../../base/ids.ts";
import type { TaskOutcome } from "../../plan/task.ts";
import { scratchRoomOf } from "../fs/scratch.ts";
import type { LoadWatch } from "./end-main-thread.ts";
import { heapShareOf } from "./heap-share.ts";
import type { ThreadMemory } from "./memory-watch.ts";
import type { EndedMessage, FromThread, TaskMessage, ThreadStart, ToThread } from "./messages.ts";
import { Ahead, isOf, type SentTask, type SlotTask, sentTask, TINY_MS } from "./sent-task.ts";
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
  /** Tasks that were sent here and did not begin: to be run elsewhere, or here again. In their order. */
  readonly onGivenBack: (tasks: readonly SlotTask[]) => void;
  /** There may be room for another task. */
  readonly onRoom: () => void;
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
  /** Whether it was asked for what it has not begun, and has not answered: it is sent nothing meanwhile. */
  callingBack: boolean;
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
  /** In the order they were sent: the first is the one that the thread works on. */
  readonly #sent: SentTask[] = [];
  /** Those of them that go with the next message. */
  #unposted: SentTask[] = [];
  readonly #ahead = new Ahead();
  /** The task that the thread had begun last when it was last looked at. */
  #begunBefore = 0;
  #peers: PeerAddresses | undefined;
  #seq = 0;

  constructor(options: ThreadSlotOptions) {
    this.#options = options;
  }

  get busy(): boolean {
    return this.#sent.length > 0;
  }

  /** Whether a task can begin here at once. */
  get free(): boolean {
    return !this.busy && this.#thread?.callingBack !== true;
  }

  get #current(): SentTask | undefined {
    return this.#sent[0];
  }

  /** Tasks that it has. */
  get load(): number {
    return this.#sent.length;
  }

  /** How many more it takes. */
  get room(): number {
    if (this.free) return 1;
    const thread = this.#thread;
    if (thread === undefined || thread.cause !== undefined || thread.callingBack) return 0;
    return Math.max(0, this.#ahead.tasks + 1 - this.load);
  }

  /** Whether a task of this bundle may follow those that it has. */
  takesToFollow(bundle: ContentHash): boolean {
    return this.busy && this.room > 0 && this.#thread?.bundle === bundle;
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
    return this.#sent.some(({ task }) => isOf(task, job, attempt));
  }

  /** The attempt it runs, for messages. */
  get #task(): string | undefined {
    const attempt = this.#current?.task.request.assignment.attempt;
    return attempt === undefined ? undefined : attemptKey(attempt);
  }

  /** Only where there is room, and of another bundle only where there is nothing else. */
  take(task: SlotTask): void {
    const { job } = task.request;
    assert(!this.busy || this.takesToFollow(job.constants.bundle), "a task comes where there is room");
    const sent = sentTask(task, ++this.#seq);
    try {
      const thread = this.#warmThread(job.constants.bundle);
      if (!this.busy) thread.worker.ref();
      this.#sent.push(sent);
      // All that come in this turn go in one message.
      if (this.#unposted.push(sent) === 1) setImmediate(() => this.#post());
    } catch (thrown) {
      // The machine starts no more threads.
      task.onEnded({ kind: "failed", error: toErrorInfo(thrown, "THREAD_DIED"), lostBlocks: [] });
    }
  }

  #post(): void {
    const thread = this.#thread;
    const unposted = this.#unposted;
    this.#unposted = [];
    if (thread === undefined || unposted.length === 0) return;
    try {
      const tasks = unposted.map(({ seq, task: { request } }): TaskMessage => {
        const job = thread.job === request.job.job ? undefined : request.job;
        thread.job = request.job.job;
        return { seq, job, assignment: request.assignment };
      });
      this.#send(thread, { kind: "run", tasks });
      thread.tasks += tasks.length;
    } catch (thrown) {
      // The job cannot be cloned: nothing has reached the thread.
      thread.job = undefined;
      this.#sent.splice(this.#sent.length - unposted.length);
      const error = toErrorInfo(thrown, "THREAD_DIED");
      for (const { task } of unposted) task.onEnded({ kind: "failed", error, lostBlocks: [] });
      this.#options.onRoom();
    }
  }

  stop(job: JobId, attempt: AttemptId): void {
    // What the thread has not begun need not be told to it.
    if (this.load > 1) this.#callBack();
    const index = this.#sent.findIndex(({ task }) => isOf(task, job, attempt));
    const sent = this.#sent[index];
    if (sent === undefined || sent.stopAsked) return;
    sent.stopAsked = true;
    this.#thread?.shared.requestStop(sent.seq);
    if (this.#thread !== undefined) this.#send(this.#thread, { kind: "stop", seq: sent.seq });
    sent.graceTimer = setTimeout(() => this.#terminate(undefined), this.#options.stopGraceMs);
  }

  /**
   * Called from time to time: gives back what waits behind a task that was the thread's last time already. What ended is not asked,
   * as it may be here and not heard yet, or may be told with that task only.
   */
  callBackLate(): void {
    const begun = this.#thread?.shared.begun() ?? 0;
    const isLate = begun === this.#begunBefore;
    this.#begunBefore = begun;
    if (isLate && this.load > 1 && this.#sent.at(-1)!.seq > begun) this.#callBack();
  }

  /** Gives back what the thread has not begun. */
  #callBack(): void {
    const thread = this.#thread;
    if (thread === undefined || thread.callingBack) return;
    const begun = thread.shared.callBack();
    thread.callingBack = true;
    this.#ahead.tasks = 0;
    this.#unposted = [];
    this.#send(thread, { kind: "callBack" });
    this.#giveBack(this.#sent.splice(this.#sent.filter(({ seq }) => seq <= begun).length));
  }

  /** Those that were to be stopped are so. */
  #giveBack(sent: readonly SentTask[]): void {
    const given: SlotTask[] = [];
    for (const { task, stopAsked } of sent) {
      if (stopAsked) task.onEnded({ kind: "stopped" });
      else given.push(task);
    }
    this.#options.onGivenBack(given);
  }

  /** Passes progress on, and ends a load that takes too long. */
  poll(nowMs: number): void {
    const current = this.#current;
    const shared = this.#thread?.shared;
    if (current === undefined || shared === undefined) return;
    const phase = shared.phase();
    if (phase === "running") {
      if (shared.begun() === current.seq) current.task.observer.onProgress(shared.progress());
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
    for (const sent of this.#sent) sent.stopAsked = true;
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
      callingBack: false,
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
    if (message.kind === "calledBack") {
      thread.shared.endCallBack();
      thread.callingBack = false;
      if (thread === this.#thread && !this.busy) thread.worker.unref();
      return this.#options.onRoom();
    }
    if (thread !== this.#thread) return;
    if (message.kind === "ended") return this.#onEnded(thread, message.tasks);
    if (message.seq !== this.#current?.seq) return;
    switch (message.kind) {
      case "stage":
        thread.stage = message.label;
        return;
      case "log":
        this.#current.task.observer.onLog(message.entry);
    }
  }

  #onEnded(thread: Thread, tasks: readonly EndedMessage[]): void {
    for (const { seq, outcome, tookMs } of tasks) {
      if (seq !== this.#current?.seq) continue;
      this.#ahead.count(tookMs);
      this.#end(outcome, tookMs);
    }
    if (!this.busy) thread.worker.unref();
    this.#options.onRoom();
  }

  #onExit(thread: Thread, exitCode: number): void {
    if (thread !== this.#thread) return;
    this.#thread = undefined;
    const begun = thread.shared.begun();
    this.#unposted = [];
    // What ended before was not told of any more, and is lost.
    while ((this.#current?.seq ?? begun) < begun) this.#end({ kind: "stopped" });
    const error = thread.cause ?? exitError(this.#task, exitCode, thread.shared.phase());
    if (this.busy) {
      this.#end({ kind: "failed", error, lostBlocks: [] });
      // The others have not begun: they go with the next thread.
      this.#giveBack(this.#sent.splice(0));
    } else if (thread.cause !== undefined && thread.cause !== ENDED_ON_PURPOSE) {
      this.#options.onOutput(`A thread ended between two tasks: ${thread.cause.message}\n`);
    }
    // Also for what was called back before, and waits.
    this.#options.onRoom();
  }

  /** Of the first. */
  #end(outcome: TaskOutcome, tookMs = 0): void {
    const sent = this.#sent.shift();
    if (sent === undefined) return;
    const { task, stopAsked, graceTimer } = sent;
    if (graceTimer !== undefined) clearTimeout(graceTimer);
    if (stopAsked) return task.onEnded({ kind: "stopped" });
    // What took no time is done before anybody could see how far it was.
    if (outcome.kind === "finished" && tookMs > TINY_MS) {
      const { rowsIn, bytesIn } = outcome.output;
      task.observer.onProgress({ rowsIn, bytesIn });
    }
    task.onEnded(outcome);
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
