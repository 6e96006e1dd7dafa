import type { StandardSchemaV1 } from "@standard-schema/spec";
import { isPlainObject } from "../base/compare.ts";
import { BicoastalError } from "../base/errors.ts";
import { callerFile, toAbsolutePath } from "./call-site.ts";
import type { Dataset } from "./dataset.ts";
import type { End } from "./end.ts";
import type { Job } from "./job-type.ts";
import { parseByDefaults } from "./params-defaults.ts";
import type { ParamsParser } from "./params-parser.ts";
import { isStandardSchema, parseBySchema } from "./params-schema.ts";
import { copyPlainParams } from "./plain-value.ts";
import { toPlan } from "./plan-of.ts";
import { registerJob } from "./registry.ts";
import { showValue } from "./show-value.ts";
import { adviseNames } from "./suggest.ts";

export type { Job } from "./job-type.ts";

/** One result of a job: a data set, whose records are then collected, or an end. */
export type Output = Dataset<unknown> | End<unknown>;
/** What `run` of a job may return. */
export type RunOutput = Output | { readonly [name: string]: Output };

/**
 * What the caller of a job gets for what its `run` returned: rows for a data set, the value for an end, a
 * record for a record.
 */
export type ResultOf<T> =
  T extends Dataset<infer Row>
    ? Row[]
    : T extends End<infer Value>
      ? Value
      : { readonly [Name in keyof T]: ResultOf<T[Name]> };

/** A default's type with its literals widened: `20` is a `number`, `["a"]` is a `string[]`. */
export type Widened<T> = T extends string
  ? string
  : T extends number
    ? number
    : T extends boolean
      ? boolean
      : T extends readonly (infer Item)[]
        ? Widened<Item>[]
        : T extends object
          ? { -readonly [Name in keyof T]: Widened<T[Name]> }
          : T;

interface DefinitionBase {
  /** 1 to 63 of `a-z 0-9 - _ .`, beginning with a letter or digit. Names the job in commands and ids. */
  readonly name: string;
  /**
   * `import.meta.url` of the file that defines the job. Needed only where another module calls `job` for it.
   */
  readonly module?: string;
}

/** What `job` takes, whatever its types. */
export interface JobDefinition extends DefinitionBase {
  readonly params?: object;
  readonly run: (params: never) => unknown;
}

/** Params as a Standard Schema. */
export interface SchemaDefinition<Schema extends StandardSchemaV1, Returned extends RunOutput>
  extends DefinitionBase {
  readonly params: Schema;
  readonly run: (params: StandardSchemaV1.InferOutput<Schema>) => Returned;
}

/** Params as defaults. */
export interface DefaultsDefinition<Defaults extends object, Returned extends RunOutput>
  extends DefinitionBase {
  readonly params?: Defaults;
  readonly run: (params: Widened<Defaults>) => Returned;
}

/**
 * Defines a job. Nothing runs yet: pass it to `run`, or `export default` it and use `bicoastal run FILE`.
 *
 * `params` are defaults, whose types are the params' types, or a Standard Schema such as one of zod, valibot
 * or arktype. Either way each is also a flag of the command line: `top` is `--top 20`, `maxRows` is
 * `--max-rows`. Their values are stored with the job and so must be plain: text, finite numbers, true, false,
 * null, and arrays and objects of these.
 *
 * `run` only describes the work. It is called again in every thread, so it must build the same from the same
 * params: no clock, no randomness, no files read in it. It returns a data set (its records are collected: at
 * most 1,000,000 unless `.collect({ limit })` says otherwise), an end such as `.count()` or `.write(…)`, or
 * an object of several, which share the work above them.
 *
 * Throws `BicoastalError` with `code` "JOB_INVALID" for a wrong definition, such as a param named like an
 * option of the command line's own, and "PARAM_INVALID" for a default that is no plain value.
 *
 * @example
 * export default job({
 *   name: "wordcount",
 *   params: { input: "books/*.txt", top: 20 },
 *   run: ({ input, top }) =>
 *     read.lines(input)
 *       .flatMap((line) => line.toLowerCase().match(/[a-z']+/g) ?? [])
 *       .countBy((word) => word)
 *       .top(top, ([, count]) => count),
 * });
 */
export function job<Schema extends StandardSchemaV1, Returned extends RunOutput>(
  definition: SchemaDefinition<Schema, Returned>,
): Job<StandardSchemaV1.InferInput<Schema>, ResultOf<Returned>>;
// biome-ignore lint/complexity/noBannedTypes: no params at all is an object without fields
export function job<Returned extends RunOutput, Defaults extends object = {}>(
  definition: DefaultsDefinition<Defaults, Returned>,
): Job<Partial<Widened<Defaults>>, ResultOf<Returned>>;
export function job(definition: JobDefinition): Job {
  const made = defineJob(definition, job);
  registerJob(made);
  return made;
}

/** `job` without telling the registry. `callee` is the function that the user's module called. */
export function defineJob(definition: JobDefinition, callee: unknown): Job {
  checkDefinition(definition);
  const { name, run, params = {} } = definition;
  const parser = isStandardSchema(params) ? parseBySchema(params, name) : parseByDefaults(params, name);
  const module = definition.module === undefined ? callerFile(callee) : moduleOf(definition.module, name);
  return makeJob(name, module, parser, run);
}

function makeJob(
  name: string,
  module: string | undefined,
  parser: ParamsParser,
  run: (params: never) => unknown,
): Job {
  return Object.freeze<Job>({
    kind: "bicoastal.job",
    name,
    module,
    params: parser.description,
    parseParams: (input, flags = new Map()) => parser.parse(input, flags),
    build(params) {
      // A copy of its own for each call: `run` may sort an array param without another call seeing it.
      return toPlan(callRun(run, copyPlainParams(params), name), name);
    },
  });
}

function callRun(run: (params: never) => unknown, params: object, name: string): unknown {
  try {
    return run(params as never);
  } catch (thrown) {
    if (isBicoastalError(thrown)) throw thrown;
    const message = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : showValue(thrown);
    const error = new BicoastalError("USER_FUNCTION", `\`run\` of job ${name} threw ${message}`, {
      details: { job: name },
      cause: thrown,
    });
    if (thrown instanceof Error && thrown.stack !== undefined) error.stack = thrown.stack;
    throw error;
  }
}

/** By its name, so that the other copy's class counts too. */
const isBicoastalError = (thrown: unknown): boolean =>
  thrown instanceof Error && thrown.name === "BicoastalError";

/** Whether a value is a job, of whatever copy of the package. */
export const isJob = (value: unknown): value is Job =>
  typeof value === "object" && value !== null && (value as { kind?: unknown }).kind === "bicoastal.job";

const JOB_NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/;
const DEFINITION_FIELDS = ["name", "params", "run", "module"];

function checkDefinition(definition: unknown): void {
  if (!isPlainObject(definition)) {
    throw invalid(`job() was given ${showValue(definition)}; it takes { name, params, run }.`);
  }
  const { name, params, run } = definition;
  if (typeof name !== "string" || !JOB_NAME.test(name)) {
    throw invalid(
      `A job's name is ${showValue(name)}; it must be 1 to 63 of a-z, 0-9, ".", "_" and "-", beginning with a letter or digit.`,
    );
  }
  for (const field of Object.keys(definition)) {
    if (DEFINITION_FIELDS.includes(field)) continue;
    throw invalid(
      `Job ${name} has a field ${showValue(field)}. ${adviseNames(field, DEFINITION_FIELDS, "fields")}`,
    );
  }
  if (typeof run !== "function") {
    throw invalid(
      `Job ${name}: run is ${showValue(run)}; it must be a function of the params that returns a data set.`,
    );
  }
  if (params !== undefined && !isStandardSchema(params) && !isPlainObject(params)) {
    throw invalid(
      `Job ${name}: params is ${showValue(params)}; it must be an object of defaults or a Standard Schema.`,
    );
  }
}

function moduleOf(place: unknown, name: string): string {
  const path = typeof place === "string" ? toAbsolutePath(place) : undefined;
  if (path !== undefined) return path;
  throw invalid(
    `Job ${name}: module is ${showValue(place)}; it must be import.meta.url or an absolute path.`,
  );
}

const invalid = (message: string): BicoastalError => new BicoastalError("JOB_INVALID", message);
