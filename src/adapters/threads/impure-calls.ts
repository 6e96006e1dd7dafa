/**
 * Tells the user of `Math.random` and the clock in a job's functions: a run with them is not repeatable.
 *
 * While a task runs, the three ways to ask for chance or the time are replaced by ones that look at their caller
 * and then give the real value; between tasks they give it without a look, until a moment later the originals are
 * back. The first call from the job's bundle is told, and the original is back in place:
 * a job pays for one look per task thread. Calls from elsewhere (Node's own code, Bicoastal's) are not told.
 */
import { findSourceMap } from "node:module";
import { sep } from "node:path";
import { fileURLToPath } from "node:url";
import type { JobId } from "../../base/ids.ts";
import type { ExecutionControl, ExecutionPhase, ImpureCall, TaskExecutor } from "../../ports/task-runner.ts";

/** Calls from outside the bundle after which a task is no longer watched for that call: a look is not free. */
const LOOKS_MAX = 100;
/** Tasks that follow one another so closely are watched without a break: to put the watch in place is not free. */
const IDLE_MS = 20;
/** Deep enough to see through Node's own frames, as of a timer or an array's method. */
const FRAMES_MAX = 20;

const ADVICE: Readonly<Record<ImpureCall, string>> = {
  "Math.random": "ctx.random() is the same in every run",
  "Date.now": "ctx.now is the time at which the job was submitted, and stays the same in every try",
  "new Date": "new Date(ctx.now) is the time at which the job was submitted, and stays the same in every try",
};

/** `callee`: what user code called. */
type Found = (call: ImpureCall, callee: unknown) => "done" | "again";

/**
 * The executor, watched. Warnings go to `control.log`, once a job and call.
 * @param bundlesDirectory Where the bundles' files lie; absolute.
 */
export function warnOfImpureCalls(executor: TaskExecutor, bundlesDirectory: string): TaskExecutor {
  let job: JobId | undefined;
  const told = new Set<ImpureCall>();
  /** Of the task whose functions run now. */
  let running: ExecutionControl | undefined;
  let looks = 0;
  let restore: (() => void) | undefined;
  /** Whether one of the originals is back for the task that ran last only. */
  let spent = false;
  let idle: NodeJS.Timeout | undefined;
  let tasks = 0;

  const found: Found = (call, callee) => {
    if (running === undefined) return "again";
    const place = callerIn(bundlesDirectory, callee);
    if (place === undefined) {
      if (++looks < LOOKS_MAX) return "again";
      spent = true;
      return "done";
    }
    told.add(call);
    running.log(messageOf(call, place), undefined, call);
    return "done";
  };
  const unwatch = (): void => {
    restore?.();
    restore = undefined;
  };
  const watch = (control: ExecutionControl): void => {
    tasks++;
    running = control;
    looks = 0;
    if (spent) unwatch();
    spent = false;
    restore ??= replaceImpure(told, found);
  };
  const unwatchWhenIdle = (): void => {
    if (idle !== undefined) return;
    const before = tasks;
    idle = setTimeout(() => {
      idle = undefined;
      if (running === undefined && tasks === before) unwatch();
      else unwatchWhenIdle();
    }, IDLE_MS).unref();
  };

  const onEnded = (control: ExecutionControl): void => {
    // One that was given up may end long after the next has begun.
    if (running === control) running = undefined;
    if (restore !== undefined) unwatchWhenIdle();
  };

  return {
    execute(request, control) {
      if (request.job.job !== job) {
        unwatch();
        told.clear();
      }
      job = request.job.job;
      // Only what runs per record: packages ask for the time while they are loaded, and a plan is checked.
      const outcome = executor.execute(request, new WatchedControl(control, watch));
      if (outcome instanceof Promise) return outcome.finally(() => onEnded(control));
      onEnded(control);
      return outcome;
    },
  };
}

/** The control of a task, that also begins the watch. */
class WatchedControl implements ExecutionControl {
  readonly #control: ExecutionControl;
  readonly #watch: (control: ExecutionControl) => void;

  constructor(control: ExecutionControl, watch: (control: ExecutionControl) => void) {
    this.#control = control;
    this.#watch = watch;
  }

  get signal(): AbortSignal {
    return this.#control.signal;
  }
  get breathe(): ExecutionControl["breathe"] {
    return this.#control.breathe;
  }
  stopRequested(): boolean {
    return this.#control.stopRequested();
  }
  progress(rowsIn: number, bytesIn: number): void {
    this.#control.progress(rowsIn, bytesIn);
  }
  log(message: string, fields: string | undefined, warning?: ImpureCall): void {
    this.#control.log(message, fields, warning);
  }
  phase(phase: ExecutionPhase, label?: string): void {
    this.#control.phase(phase, label);
    if (phase === "running") this.#watch(this.#control);
  }
}

function messageOf(call: ImpureCall, { source, line }: Place): string {
  const name = call === "new Date" ? "new Date()" : `${call}()`;
  const parts = source.split(/[\\/]node_modules[\\/]|^node_modules[\\/]/);
  const [scope = "", rest = ""] = (parts.at(-1) ?? "").split(/[\\/]/);
  const packageName = scope.startsWith("@") ? `${scope}/${rest}` : scope;
  const who = parts.length > 1 ? `the package ${packageName} (${source}:${line})` : `${source}:${line}`;
  return `${who} calls ${name} in a function of the job: another run may give another result. ${ADVICE[call]}.`;
}

/** Puts the watched calls in place, except those left out; returns what puts the originals back. */
function replaceImpure(leftOut: ReadonlySet<ImpureCall>, found: Found): () => void {
  const { random } = Math;
  const RealDate = Date;
  const { now } = RealDate;
  const undo = new Map<ImpureCall, () => void>();
  const look = (call: ImpureCall, callee: unknown): void => {
    const back = undo.get(call);
    if (back === undefined || found(call, callee) === "again") return;
    undo.delete(call);
    back();
  };
  const replace = (call: ImpureCall, put: () => () => void): void => {
    if (!leftOut.has(call)) undo.set(call, put());
  };
  replace("Math.random", () => {
    const watched = (): number => {
      look("Math.random", watched);
      return random();
    };
    return swap(Math, "random", random, watched);
  });
  replace("Date.now", () => {
    const watched = (): number => {
      look("Date.now", watched);
      return now();
    };
    return swap(RealDate, "now", now, watched);
  });
  replace("new Date", () => {
    const Watched = watchedDate(RealDate, (callee) => look("new Date", callee));
    const backs = [
      swap(globalThis, "Date", RealDate, Watched),
      swap(RealDate.prototype, "constructor", RealDate, Watched),
    ];
    return () => {
      for (const back of backs) back();
    };
  });
  return () => {
    for (const back of undo.values()) back();
    undo.clear();
  };
}

/** A Date like the real one, with the same prototype: what it makes are real dates. */
function watchedDate(RealDate: DateConstructor, onCurrentTime: (callee: unknown) => void): DateConstructor {
  function Watched(...values: []): unknown {
    if (new.target === undefined) {
      onCurrentTime(Watched);
      return RealDate();
    }
    if (values.length === 0) onCurrentTime(Watched);
    return Reflect.construct(RealDate, values, new.target === Watched ? RealDate : new.target);
  }
  Object.defineProperties(Watched, Object.getOwnPropertyDescriptors(RealDate));
  // What else changes `Date.now` meanwhile, ourselves among them, does so on the real one.
  Object.defineProperty(Watched, "now", { get: () => RealDate.now, configurable: true });
  return Watched as unknown as DateConstructor;
}

/** Where user code has frozen it, nothing is replaced; where it has replaced it meanwhile, nothing is put back. */
function swap(holder: object, key: string, original: unknown, replacement: unknown): () => void {
  const property = Object.getOwnPropertyDescriptor(holder, key);
  if (property?.value !== original || !Reflect.defineProperty(holder, key, { value: replacement })) {
    return () => {};
  }
  return () => {
    if (Reflect.get(holder, key) === replacement) Reflect.defineProperty(holder, key, { value: original });
  };
}

interface Place {
  readonly source: string;
  readonly line: number;
}

/** The line of the user's source that called; undefined where the nearest frame with a file is not the bundle's. */
function callerIn(directory: string, callee: unknown): Place | undefined {
  const { prepareStackTrace, stackTraceLimit } = Error;
  let frames: readonly NodeJS.CallSite[] = [];
  try {
    Error.stackTraceLimit = FRAMES_MAX;
    Error.prepareStackTrace = (_, sites) => {
      frames = sites;
      return "";
    };
    const holder: { stack?: unknown } = {};
    Error.captureStackTrace(holder, callee as () => void);
    void holder.stack;
  } finally {
    Error.prepareStackTrace = prepareStackTrace as typeof Error.prepareStackTrace;
    Error.stackTraceLimit = stackTraceLimit;
  }
  for (const frame of frames) {
    const file = fileOf(frame);
    if (file === undefined) continue;
    if (!file.startsWith(directory + sep)) return undefined;
    return originOf(file, frame.getLineNumber() ?? 0, frame.getColumnNumber() ?? 0);
  }
  return undefined;
}

function fileOf(frame: NodeJS.CallSite): string | undefined {
  const name = frame.getFileName() ?? undefined;
  return name?.startsWith("file:") === true ? fileURLToPath(name) : name;
}

function originOf(file: string, line: number, column: number): Place {
  const map = findSourceMap(file);
  const entry = map?.findEntry(line - 1, column - 1);
  if (entry === undefined || !("originalSource" in entry)) return { source: file, line };
  const source = entry.originalSource.startsWith("file:")
    ? fileURLToPath(entry.originalSource)
    : entry.originalSource;
  return { source, line: entry.originalLine + 1 };
}
