/**
 * The thread's side: runs the attempts its runner sends, one at a time and in their order, until the thread ends.
 *
 * Each task has a turn of its own (`setImmediate`), and has ended when the next turn begins: between two turns Node tells of
 * promises that were rejected and that nobody awaits, and such a one of a task's must fail that task and no other. Turns of
 * many tasks are asked for at once, so that they follow each other without a look at what else there is to do.
 */
import type { MessagePort } from "node:worker_threads";
import { BicoastalError, type ErrorInfo, toErrorInfo } from "../../base/errors.ts";
import { Queue } from "../../base/queue.ts";
import type { JobContext, TaskOutcome } from "../../plan/task.ts";
import type { ExecutionControl, TaskExecutor, TaskRequest } from "../../ports/task-runner.ts";
import type { ThreadGarbage } from "./collect-garbage.ts";
import { watchFromThread } from "./end-main-thread.ts";
import { LazyAbort } from "./lazy-abort.ts";
import { limitLog } from "./log-limit.ts";
import type { EndedMessage, FromThread, TaskMessage, ToThread } from "./messages.ts";
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

/** While more is to be run, what ended is told of together for so long. */
const UNTOLD_MS = 1;

/** Sent, and to begin when what was sent before has ended. */
interface Waiting {
  readonly seq: number;
  readonly request: TaskRequest;
}

export function serveTasks({ port, shared, garbage, executor, setPeers }: ServeTasksOptions): void {
  const state = new SharedState(shared);
  // Bound now: a job's module may replace anything later.
  const post: (message: FromThread) => void = port.postMessage.bind(port);
  const exit = process.exit.bind(process);
  const now = performance.now.bind(performance);
  const later = setImmediate;
  const told = new EndedTasks(post, now);
  const parts: ThreadParts = {
    state,
    garbage,
    told,
    send: (message) => send(message),
    onStage: (...is) => onStage(...is),
  };
  let job: JobContext | undefined;
  let stage: string | undefined;
  let running: TaskControlInThread | undefined;
  /** What the running task came to, as far as its own turn tells. */
  let outcome: TaskOutcome | undefined;
  const waiting = new Queue<Waiting>();
  /** Turns that were asked for and have not begun. */
  let turns = 0;

  /** What comes after a task's end is told after it. */
  const send = (message: FromThread): void => {
    told.tell();
    post(message);
  };
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
  // Of the user's, say; what ended before it counts.
  process.on("exit", () => told.tell());

  const onStage = (seq: number, label: string): void => {
    if (label === stage) return;
    stage = label;
    send({ kind: "stage", seq, label });
  };

  /** One for each task that waits, and one that ends the last. */
  const askForTurns = (): void => {
    for (const count = waiting.size + 1; turns < count; turns++) later(turn);
  };

  const turn = (): void => {
    turns--;
    if (running !== undefined) {
      if (outcome === undefined) return;
      told.add(running, outcome, waiting.size > 0);
      running = undefined;
      outcome = undefined;
    }
    const next = waiting.shift();
    if (next === undefined || !state.begin(next.seq)) return told.tell();
    begin(next);
    if (turns === 0) askForTurns();
  };

  const begin = ({ seq, request }: Waiting): void => {
    running = new TaskControlInThread(seq, now(), parts);
    const ending = executor.execute(request, running);
    if (!(ending instanceof Promise)) {
      outcome = ending;
      return;
    }
    // It may be a long one.
    told.tell();
    ending.then(
      (ended) => {
        outcome = ended;
        askForTurns();
      },
      (thrown: unknown) => die(toErrorInfo(thrown, "THREAD_DIED")),
    );
  };

  const take = (tasks: readonly TaskMessage[]): void => {
    for (const { seq, job: sent, assignment } of tasks) {
      job = sent ?? job;
      if (job === undefined) throw new Error("a thread's first task comes with its job");
      waiting.push({ seq, request: { job, assignment } });
    }
    if (running === undefined || outcome !== undefined) askForTurns();
  };

  port.on("message", (message: ToThread) => {
    switch (message.kind) {
      case "run":
        return take(message.tasks);
      case "callBack":
        waiting.drain();
        return send({ kind: "calledBack" });
      case "stop":
        if (running?.seq === message.seq) running.abort();
        return;
      case "collect":
        if (state.collectAsked()) state.setCollected(garbage.collectAll());
        return;
      case "peers":
        return setPeers(message.addresses);
      case "watchLoading":
        return watchFromThread(message.watch);
    }
  });
}

/** What ended, and was not told yet. */
class EndedTasks {
  readonly #post: (message: FromThread) => void;
  readonly #now: () => number;
  #tasks: EndedMessage[] = [];
  #toldMs = 0;

  constructor(post: (message: FromThread) => void, now: () => number) {
    this.#post = post;
    this.#now = now;
  }

  /** @param mayWait Whether there is more to be run, with which this one can be told. */
  add({ seq, startMs }: TaskControlInThread, outcome: TaskOutcome, mayWait: boolean): void {
    const nowMs = this.#now();
    this.#tasks.push({ seq, outcome, tookMs: nowMs - startMs });
    if (!mayWait || nowMs - this.#toldMs > UNTOLD_MS) this.tell();
  }

  /** The next task is under way, and may be a long one. */
  look(): void {
    if (this.#tasks.length > 0 && this.#now() - this.#toldMs > UNTOLD_MS) this.tell();
  }

  tell(): void {
    this.#toldMs = this.#now();
    if (this.#tasks.length === 0) return;
    const tasks = this.#tasks;
    this.#tasks = [];
    this.#post({ kind: "ended", tasks });
  }
}

interface ThreadParts {
  readonly state: SharedState;
  readonly garbage: ThreadGarbage;
  readonly told: EndedTasks;
  readonly send: (message: FromThread) => void;
  readonly onStage: (seq: number, label: string) => void;
}

/** One class for all tasks, so that nothing of it is made anew for each. */
class TaskControlInThread implements ExecutionControl {
  readonly seq: number;
  readonly startMs: number;
  readonly breathe = undefined;
  readonly #parts: ThreadParts;
  #abort: LazyAbort | undefined;
  #log: ReturnType<typeof limitLog> | undefined;

  constructor(seq: number, startMs: number, parts: ThreadParts) {
    this.seq = seq;
    this.startMs = startMs;
    this.#parts = parts;
  }

  stopRequested(): boolean {
    return this.#parts.state.stopRequested(this.seq);
  }
  get signal(): AbortSignal {
    this.#abort ??= new LazyAbort();
    return this.#abort.signal;
  }
  abort(): void {
    this.#abort ??= new LazyAbort();
    this.#abort.abort();
  }
  phase(phase: Parameters<ExecutionControl["phase"]>[0], label?: string): void {
    this.#parts.state.enter(phase);
    if (label !== undefined) this.#parts.onStage(this.seq, label);
  }
  progress(rowsIn: number, bytesIn: number): void {
    const { state, garbage, told } = this.#parts;
    state.setProgress(rowsIn, bytesIn);
    told.look();
    if (state.collectAsked()) state.setCollected(garbage.collectAll());
    else garbage.look();
  }
  log(...line: Parameters<ExecutionControl["log"]>): void {
    this.#log ??= limitLog((entry) => this.#parts.send({ kind: "log", seq: this.seq, entry }));
    this.#log(...line);
  }
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
