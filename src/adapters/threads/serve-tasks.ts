import type { MessagePort } from "node:worker_threads";
import { BicoastalError, type ErrorInfo, toErrorInfo } from "../../base/errors.ts";
import type { JobContext } from "../../plan/task.ts";
import type { ExecutionControl, TaskExecutor } from "../../ports/task-runner.ts";
import type { ThreadGarbage } from "./collect-garbage.ts";
import { watchFromThread } from "./end-main-thread.ts";
import { LazyAbort } from "./lazy-abort.ts";
import { limitLog } from "./log-limit.ts";
import type { FromThread, ToThread } from "./messages.ts";
import { SharedState } from "./shared-state.ts";
import type { PeerAddresses } from "./thread-peers.ts";

export interface ServeTasksOptions {
  /** The thread's `parentPort`. */
  readonly port: MessagePort;
  /** `ThreadStart.shared` of the thread's `workerData`. */
  readonly shared: SharedArrayBuffer;
  readonly garbage: ThreadGarbage;
  readonly executor: TaskExecutor;
  /** Told where other nodes answer, before the task that needs it. */
  readonly setPeers: (addresses: PeerAddresses) => void;
}

/** The thread's side: runs the attempts its runner sends, one at a time, until the thread ends. */
export function serveTasks({ port, shared, garbage, executor, setPeers }: ServeTasksOptions): void {
  const state = new SharedState(shared);
  // Bound now: a job's module may replace anything later.
  const send: (message: FromThread) => void = port.postMessage.bind(port);
  const exit = process.exit.bind(process);
  let job: JobContext | undefined;
  let stage: string | undefined;
  let running: { seq: number; abort: LazyAbort } | undefined;

  const die = (error: ErrorInfo): void => {
    send({ kind: "fatal", error });
    exit(1);
  };
  process.on("uncaughtException", (thrown) =>
    die(strayError("An error was thrown outside the task", thrown)),
  );
  process.on("unhandledRejection", (reason) =>
    die(strayError("A promise was rejected that nobody awaits", reason)),
  );

  port.on("message", (message: ToThread) => {
    if (message.kind === "collect") {
      if (state.collectAsked()) state.setCollected(garbage.collectAll());
      return;
    }
    if (message.kind === "stop") {
      if (running?.seq === message.seq) running.abort.abort();
      return;
    }
    if (message.kind === "peers") return setPeers(message.addresses);
    if (message.kind === "watchLoading") return watchFromThread(message.watch);
    const { seq, assignment } = message;
    job = message.job ?? job;
    if (job === undefined) throw new Error("a thread's first task comes with its job");
    const abort = new LazyAbort();
    running = { seq, abort };
    const told = (label: string | undefined): void => {
      if (label === undefined || label === stage) return;
      stage = label;
      send({ kind: "stage", seq, label });
    };
    Promise.resolve(executor.execute({ job, assignment }, controlOf(seq, state, garbage, abort, send, told))).then(
      // One turn later: a rejection of the task's own that nobody handles is known by then, and fails it.
      (outcome) => setImmediate(() => send({ kind: "ended", seq, outcome })),
      (thrown: unknown) => die(toErrorInfo(thrown, "THREAD_DIED")),
    );
  });
}

function controlOf(
  seq: number,
  state: SharedState,
  garbage: ThreadGarbage,
  abort: LazyAbort,
  send: (message: FromThread) => void,
  onStage: (label: string | undefined) => void,
): ExecutionControl {
  return {
    stopRequested: () => state.stopRequested(),
    get signal() {
      return abort.signal;
    },
    phase(phase, label) {
      state.enter(phase);
      onStage(label);
    },
    progress(rowsIn, bytesIn) {
      state.setProgress(rowsIn, bytesIn);
      if (state.collectAsked()) state.setCollected(garbage.collectAll());
      else garbage.look();
    },
    log: limitLog((entry) => send({ kind: "log", seq, entry })),
    breathe: undefined,
  };
}

/** Something of the user's that no task could catch: nobody knows in which state it left the thread. */
function strayError(what: string, thrown: unknown): ErrorInfo {
  if (thrown instanceof BicoastalError) return toErrorInfo(thrown, "USER_FUNCTION");
  const info = toErrorInfo(thrown, "USER_FUNCTION");
  return {
    ...info,
    message: `${what}: ${info.message}. Await every promise inside the job's functions, and catch what callbacks throw.`,
  };
}
