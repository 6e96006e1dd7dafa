import type { Plan } from "../plan/node.ts";
import type { FlagTexts, ParamsDescription } from "./param-flag.ts";
import type { PlainParams } from "./params-parser.ts";

declare const jobTypes: unique symbol;

/**
 * A program over data sets, with a name and typed params; made by `job`. Frozen.
 *
 * @typeParam Params What a caller may pass: the params with defaults, or the input type of the schema.
 * @typeParam Result What a caller gets.
 */
export interface Job<Params = unknown, Result = unknown> {
  readonly kind: "bicoastal.job";
  readonly name: string;
  /** Absolute path of the file that defined the job; undefined where it was not a file. */
  readonly module: string | undefined;
  readonly params: ParamsDescription;
  /**
   * Checks params and fills in defaults; `flags` win over `input`. The result is plain data, frozen.
   * Throws PARAM_INVALID, PARAM_UNKNOWN.
   */
  parseParams(input?: unknown, flags?: FlagTexts): Promise<PlainParams>;
  /**
   * Calls the job's `run` with params that `parseParams` has made. Every call gives an equal plan, if `run`
   * is pure. Throws JOB_INVALID where `run` returned what is no plan, and USER_FUNCTION where it threw.
   */
  build(params: PlainParams): Plan;
  /** Carries the types; never there at run time. */
  readonly [jobTypes]?: { readonly params: Params; readonly result: Result };
}
