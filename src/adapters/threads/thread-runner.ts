import type { TaskRunner } from "../../ports/task-runner.ts";
import type { LoadWatch } from "./end-main-thread.ts";
import { MemoryWatch, type ThreadMemory } from "./memory-watch.ts";
import { isOf, type SlotTask } from "./sent-task.ts";
import { keepLoopsStoppable } from "./stoppable-loops.ts";
import type { ThreadData } from "./thread-data.ts";
import type { PeerAddresses } from "./thread-peers.ts";
import { ThreadSlot } from "./thread-slot.ts";

export interface ThreadRunnerOptions {
  /** Tasks at a time, each in a thread of its own; from 1. */
  readonly threads: number;
  /** The file that calls `serveTasks`. */
  readonly entry: URL;
  /** Given to each thread as `ThreadStart.data`. Plain data. */
  readonly threadData: ThreadData;
  readonly memory: {
    /** All that the threads may use together: heaps and buffers. A task that makes them exceed it by far fails. */
    readonly threadsBytes: number;
    /** V8's young generation in each. */
    readonly youngBytes: number;
  };
  /** What user code writes with `console` and the like, in pieces. Default: this process's stderr. */
  readonly onOutput?: (text: string) => void;
  /** Default 1000. */
  readonly stopGraceMs?: number;
  /** Longest time for the evaluation of a job's module and its `run`. Default 60 000. */
  readonly loadTimeoutMs?: number;
  /**
   * How long no task has run when threads that hold much collect their garbage. Default 0: at once, for a runner of one
   * job, whose driver always has its next task ready. Where tasks come from afar, threads have none for a moment between
   * any two, and V8 forgets with a collection asked for what it learnt of the job's functions.
   */
  readonly idleMs?: number;
}

export interface ThreadRunner extends TaskRunner {
  /** Starts one thread now: it loads while the job is still being read. It keeps no process alive. */
  warm(): void;
  /** Has the thread that was warmed watch over what this one loads; false where there is none. */
  watchLoading(watch: LoadWatch): boolean;
  /** Where other nodes answer: whatever task runs or starts from here on knows it. For threads whose data names peers. */
  setPeers(addresses: PeerAddresses): void;
}

/** How often memory is looked at: a function can fill a gigabyte in a second. */
const LOOK_INTERVAL_MS = 25;
/** Progress is read from the threads' shared memory at every so many looks. */
const LOOKS_PER_POLL = 8;
/** Idle threads that hold more than this part of their memory collect their garbage. */
const IDLE_PART = 0.3;
const IDLE_MS = 0;
const STOP_GRACE_MS = 1000;
const LOAD_TIMEOUT_MS = 60_000;

/**
 * Runs attempts in worker threads: started as tasks come, kept for the next ones, replaced when they die. Whatever
 * user code does to its thread, this process goes on and the attempt has its outcome.
 */
export function createThreadRunner(options: ThreadRunnerOptions): ThreadRunner {
  keepLoopsStoppable();
  const beforeBytes = besidesHeapBytes();
  const usedBytes = (): number => besidesHeapBytes() - beforeBytes;
  const slotOptions = {
    usedBytes,
    stopGraceMs: STOP_GRACE_MS,
    loadTimeoutMs: LOAD_TIMEOUT_MS,
    onOutput: (text: string) => void process.stderr.write(text),
    ...options,
    threadBytes: options.memory.threadsBytes / options.threads,
    youngBytes: options.memory.youngBytes,
    onGivenBack: (tasks: readonly SlotTask[]) => {
      waiting.unshift(...tasks);
      if (tasks.length > 0) place();
    },
    onRoom: () => place(),
  };
  const slots = Array.from({ length: options.threads }, () => new ThreadSlot(slotOptions));
  /** Given back by a slot, or taken for one that could not have them after all: few. */
  const waiting: SlotTask[] = [];
  let running = 0;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  let idleTimer: NodeJS.Timeout | undefined;
  const { idleMs = IDLE_MS } = options;

  const slotFor = ({ request }: SlotTask): ThreadSlot | undefined => {
    const { bundle } = request.job.constants;
    let empty: ThreadSlot | undefined;
    let free: ThreadSlot | undefined;
    let least: ThreadSlot | undefined;
    for (const slot of slots) {
      if (slot.free) {
        if (slot.isWarm(bundle)) return slot;
        if (slot.empty) empty ??= slot;
        free ??= slot;
      } else if (slot.takesToFollow(bundle) && (least === undefined || slot.load < least.load)) least = slot;
    }
    return empty ?? free ?? least;
  };
  const place = (): void => {
    for (let first = waiting[0]; first !== undefined; first = waiting[0]) {
      const slot = closed ? undefined : slotFor(first);
      if (slot === undefined) return;
      waiting.shift();
      slot.take(first);
    }
  };

  const watch = new MemoryWatch(options.memory.threadsBytes);
  let looks = 0;

  const look = (): void => {
    const nowMs = performance.now();
    for (const slot of slots) slot.callBackLate();
    const bytes = usedBytes();
    const threads = slots.map((slot) => slot.memory(bytes) ?? NO_THREAD);
    const { collect, end } = watch.look(nowMs, bytes, threads);
    if (collect) for (const slot of slots) slot.collect();
    if (end !== undefined) slots[end.thread]?.overflow(end.bytes);
    if (++looks % LOOKS_PER_POLL === 0) for (const slot of slots) slot.poll(nowMs);
  };

  /** What comes next, as the rows the caller asked for, needs the room that idle threads' garbage takes. */
  const collectIdle = (): void => {
    if (usedBytes() > options.memory.threadsBytes * IDLE_PART) for (const slot of slots) slot.collect();
  };

  const rest = (): void => {
    clearInterval(timer);
    timer = undefined;
    if (idleMs === 0) collectIdle();
    else idleTimer = setTimeout(collectIdle, idleMs).unref();
  };

  return {
    warm: () => slots[0]?.warm(),
    watchLoading: (watch) => slots[0]?.watchLoading(watch) ?? false,
    setPeers(addresses) {
      for (const slot of slots) slot.setPeers(addresses);
    },
    slots: options.threads,
    room() {
      let room = -waiting.length;
      for (const slot of slots) room += slot.room;
      return Math.max(0, room);
    },
    run(request, observer) {
      if (closed) return { kind: "stopped" };
      running++;
      clearTimeout(idleTimer);
      timer ??= setInterval(look, LOOK_INTERVAL_MS);
      return new Promise((resolve) => {
        waiting.push({
          request,
          observer,
          onEnded(outcome) {
            resolve(outcome);
            if (--running === 0) rest();
          },
        });
        place();
      });
    },
    stop(job, attempt) {
      for (const slot of slots) if (slot.runs(job, attempt)) slot.stop(job, attempt);
      for (const task of waiting.filter((it) => isOf(it, job, attempt))) {
        waiting.splice(waiting.indexOf(task), 1);
        task.onEnded({ kind: "stopped" });
      }
    },
    async close() {
      closed = true;
      clearTimeout(idleTimer);
      for (const task of waiting.splice(0)) task.onEnded({ kind: "stopped" });
      await Promise.all(slots.map((slot) => slot.close()));
    },
  };
}

const NO_THREAD: ThreadMemory = { busy: false, asked: false, collectedBytes: 0, sinceBytes: 0 };

/**
 * What the process has in memory but for this thread's own heap and buffers: the threads, and what was there before
 * them. A program that holds much itself does not take it from its jobs.
 */
function besidesHeapBytes(): number {
  const { rss, heapTotal, external } = process.memoryUsage();
  return rss - heapTotal - external;
}
