/** What a runner and its threads say to each other. Progress and the wish to stop go through shared memory. */
import type { ErrorInfo } from "../../base/errors.ts";
import type { JobContext, TaskAssignment, TaskOutcome } from "../../plan/task.ts";
import type { TaskLogEntry } from "../../ports/task-runner.ts";
import type { LoadWatch } from "./end-main-thread.ts";
import type { ThreadData } from "./thread-data.ts";
import type { PeerAddresses } from "./thread-peers.ts";

/** What a thread is started with. */
export interface ThreadStart {
  readonly shared: SharedArrayBuffer;
  /** Unique within the process: the thread's private room is named after it. */
  readonly thread: string;
  /** What it may hold before it collects its garbage of its own accord: see `HeapShare`. */
  readonly heapBytes: number;
  /** What the composition gives all its threads. */
  readonly data: ThreadData;
}

export interface TaskMessage {
  /** Grows with each task of the thread. */
  readonly seq: number;
  /** undefined: the job of the thread's previous task. */
  readonly job: JobContext | undefined;
  readonly assignment: TaskAssignment;
}

export interface EndedMessage {
  readonly seq: number;
  readonly outcome: TaskOutcome;
  /** From its beginning in the thread. */
  readonly tookMs: number;
}

export type ToThread =
  /** To be run one after another: many in one message, as each wakes the thread. */
  | { readonly kind: "run"; readonly tasks: readonly TaskMessage[] }
  /** What the thread was sent and has not begun is not for it any more. Answered by `calledBack`. */
  | { readonly kind: "callBack" }
  /** Wakes a task that waits for something asynchronous; a busy one sees the shared flag. */
  | { readonly kind: "stop"; readonly seq: number }
  /** Wakes an idle thread whose shared flag asks it to collect its garbage. */
  | { readonly kind: "collect" }
  /** Where other nodes answer from now on. */
  | { readonly kind: "peers"; readonly addresses: PeerAddresses }
  /** For a thread without a task: the main thread loads a module, and cannot watch itself. */
  | { readonly kind: "watchLoading"; readonly watch: LoadWatch };

export type FromThread =
  | {
      readonly kind: "log";
      readonly seq: number;
      readonly entry: TaskLogEntry;
    }
  /** What its tasks do from now on, for the message should it run out of memory: it can say nothing then. */
  | { readonly kind: "stage"; readonly seq: number; readonly label: string }
  /** In the order they were sent; before anything that is told of a later one. */
  | { readonly kind: "ended"; readonly tasks: readonly EndedMessage[] }
  | { readonly kind: "calledBack" }
  /** The thread cannot go on and ends. */
  | { readonly kind: "fatal"; readonly error: ErrorInfo };
