/**
 * From a bundle's hash and a job's name to the job's definition, by evaluating the bundle's module once.
 *
 * A script may define a job and then, at its top level, `await run(job)`. Where tasks run, such a `run` never
 * settles, and so neither does the evaluation of the module: it is *parked*. Loading ends when the evaluation ends
 * or is parked, whichever comes first: not at the moment the job is defined, because the job's functions may use
 * what the module defines below it.
 */
import { BicoastalError, toErrorInfo } from "../../base/errors.ts";
import type { ContentHash } from "../../base/ids.ts";
import { userStackOf } from "../../engine/stage/stack.ts";
import type { Plan } from "../../plan/node.ts";
import type { JobConstants } from "../../plan/task.ts";

/** A job as its module defined it. */
export interface RunnableJob {
  readonly name: string;
  /** Calls the user's `run`. */
  build(params: unknown): Plan;
}

export interface JobLoaderOptions {
  /** Evaluates the bundle's module; rejects with what it throws. */
  readonly evaluate: (hash: ContentHash) => Promise<unknown>;
  /** The latest job of this name that a module of this process or thread has defined. */
  readonly findJob: (name: string) => RunnableJob | undefined;
  /** Calls back when a module calls `run` or `connect`, which never settle. Returns a function that ends that. */
  readonly onParked: (callback: () => void) => () => void;
}

/** What of a `JobContext` tells which job to load. */
export interface JobToLoad {
  readonly name: string;
  readonly constants: Pick<JobConstants, "bundle">;
}

export type LoadJob = (job: JobToLoad) => Promise<RunnableJob>;

/** Throws BUNDLE_FAILED where the module does not load or does not define the job. */
export function createJobLoader(options: JobLoaderOptions): LoadJob {
  const loaded = new Map<string, Promise<RunnableJob>>();
  return (context) => {
    const key = `${context.constants.bundle}/${context.name}`;
    let job = loaded.get(key);
    if (job === undefined) {
      job = load(options, context);
      loaded.set(key, job);
      job.catch(() => loaded.delete(key));
    }
    return job;
  };
}

async function load(
  { evaluate, findJob, onParked }: JobLoaderOptions,
  { name, constants }: JobToLoad,
): Promise<RunnableJob> {
  const end = await evaluateOnce(constants.bundle, evaluate, onParked);
  if (end.kind === "threw") throw loadFailure(end.thrown);
  const job = findJob(name);
  if (job !== undefined) return job;
  const advice =
    end.kind === "parked"
      ? "define it above the call of `run` or `connect`, which waits for ever where tasks run."
      : "define it at the module's top level, not in a function.";
  throw new BicoastalError(
    "BUNDLE_FAILED",
    `The job "${name}" is not defined when its module is loaded: ${advice}`,
    {
      details: { job: name },
    },
  );
}

/**
 * By bundle, for the whole process or thread, like Node's own table of modules: one that is parked never tells a
 * second time.
 */
const evaluations = new Map<ContentHash, Promise<EvaluationEnd>>();

function evaluateOnce(
  hash: ContentHash,
  evaluate: JobLoaderOptions["evaluate"],
  onParked: JobLoaderOptions["onParked"],
): Promise<EvaluationEnd> {
  const known = evaluations.get(hash);
  if (known !== undefined) return known;
  const end = evaluationEnd(() => evaluate(hash), onParked);
  evaluations.set(hash, end);
  const forget = () => evaluations.delete(hash);
  // A bundle that could not be fetched is tried again.
  end.then(({ kind }) => kind === "threw" && forget(), forget);
  return end;
}

type EvaluationEnd = { kind: "ended" } | { kind: "parked" } | { kind: "threw"; thrown: unknown };

function evaluationEnd(
  evaluate: () => Promise<unknown>,
  onParked: JobLoaderOptions["onParked"],
): Promise<EvaluationEnd> {
  return new Promise((resolve, reject) => {
    let endWatch = (): void => {};
    const settle = (end: EvaluationEnd) => {
      endWatch();
      const tampering = mendPromises();
      if (tampering === undefined) resolve(end);
      else reject(tampering);
    };
    endWatch = onParked(() => settle({ kind: "parked" }));
    evaluate().then(
      () => settle({ kind: "ended" }),
      (thrown: unknown) => settle({ kind: "threw", thrown }),
    );
  });
}

/**
 * With a `then` on Object.prototype every `await` of an object waits for ever, and no error could even be reported.
 * All other tampering with prototypes is the module's own business.
 */
function mendPromises(): BicoastalError | undefined {
  if (!("then" in Object.prototype) || !Reflect.deleteProperty(Object.prototype, "then")) return undefined;
  return new BicoastalError(
    "BUNDLE_FAILED",
    "The job's module, or a package it imports, puts a `then` on Object.prototype, which breaks every `await`: remove it.",
  );
}

function loadFailure(thrown: unknown): BicoastalError {
  if (thrown instanceof BicoastalError) return thrown;
  const info = toErrorInfo(thrown, "BUNDLE_FAILED");
  const error = new BicoastalError(
    "BUNDLE_FAILED",
    `The job's module threw while it was loaded: ${info.message}${placeOf(info.stack)}`,
    {
      cause: thrown,
    },
  );
  if (info.stack !== undefined) error.stack = `${error.name}: ${error.message}\n${info.stack}`;
  return error;
}

/** Who threw, as the end of a message. Node's own frames are passed over: they say nothing of the cause. */
function placeOf(stack: string | undefined): string {
  const sources = userStackOf(stack).frames.flatMap((frame) => userStackOf(frame).source ?? []);
  const [source] = sources;
  if (source === undefined) return "";
  const thrower = packageOf(source);
  if (thrower === undefined) return ` (at ${source})`;
  // The one that the user knows of.
  const imported = sources.map(packageOf).findLast((name) => name !== undefined);
  const user = imported === thrower ? "" : `, which ${imported} uses`;
  return (
    ` (in the package ${thrower}${user}, at ${source}). A package with native parts, or one that reads files beside ` +
    "its own, cannot be part of a job's bundle: use another one, or take it from your project with `createRequire` of node:module."
  );
}

function packageOf(source: string): string | undefined {
  const [, ...inPackages] = source.split(/[\\/]node_modules[\\/]/);
  const [scope = "", name = ""] = inPackages.at(-1)?.split(/[\\/]/) ?? [];
  if (scope === "") return undefined;
  return scope.startsWith("@") ? `${scope}/${name}` : scope;
}

/**
 * Evaluates a module to its end, and gives its exports, or until it is parked, and gives undefined.
 * Throws BUNDLE_FAILED with what the module threw.
 */
export async function evaluateModule(
  evaluate: () => Promise<unknown>,
  onParked: JobLoaderOptions["onParked"],
): Promise<object | undefined> {
  let exported: { readonly namespace: object } | undefined;
  const end = await evaluationEnd(async () => {
    exported = { namespace: (await evaluate()) as object };
  }, onParked);
  if (end.kind === "threw") throw loadFailure(end.thrown);
  return exported?.namespace;
}
