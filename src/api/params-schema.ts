/**
 * Params given as a Standard Schema (zod, valibot, arktype and others). The schema alone decides what is
 * right; this asks it.
 *
 * Flags: a schema that can describe itself as JSON Schema in the standard way (`~standard.jsonSchema`) gives
 * names, types, defaults and descriptions. Any other takes flags of any name, and each text is tried as the
 * values it can stand for (`candidateValues`): the schema's issues say which flags need their next candidate.
 */
import type { StandardJSONSchemaV1, StandardSchemaV1 } from "@standard-schema/spec";
import { BicoastalError } from "../base/errors.ts";
import { describeJsonSchema } from "./json-schema.ts";
import { candidateValues, coerceFlag, type FlagTexts, type ParamsDescription } from "./param-flag.ts";
import { checkFlagsDiffer } from "./params-defaults.ts";
import { checkParamName, checkParamsObject, type ParamsParser, type PlainParams } from "./params-parser.ts";
import { copyPlainParams, freezeDeep, type PlainValue } from "./plain-value.ts";
import { showValue } from "./show-value.ts";
import { adviseNames } from "./suggest.ts";

const ISSUES_SHOWN_MAX = 10;

export const isStandardSchema = (value: unknown): value is StandardSchemaV1 =>
  (typeof value === "object" || typeof value === "function") &&
  value !== null &&
  "~standard" in value &&
  typeof (value as { "~standard": { validate?: unknown } })["~standard"]?.validate === "function";

export function parseBySchema(schema: StandardSchemaV1, job: string): ParamsParser {
  const description = freezeDeep(describe(schema));
  for (const { name } of description.flags) checkParamName(name, job);
  checkFlagsDiffer(description.flags, job);
  return {
    description,
    async parse(input, texts) {
      const base = copyPlainParams(checkParamsObject(input, job));
      checkKnown([...Object.keys(base), ...texts.keys()], description, job);
      const given = await resolveFlags(schema, base, trialsOf(description, texts), job);
      const params = copyPlainParams(given.output);
      for (const name of Object.keys(params)) checkParamName(name, job);
      if (description.open) await checkUsed(schema, given.input, params, job);
      return freezeDeep(params);
    },
  };
}

function describe(schema: StandardSchemaV1): ParamsDescription {
  const { jsonSchema } = schema["~standard"] as Partial<StandardJSONSchemaV1.Props>;
  try {
    const described = describeJsonSchema(jsonSchema?.input({ target: "draft-2020-12" }));
    if (described !== undefined) return described;
  } catch {
    // By the standard's own word it may throw for what JSON Schema cannot say; such a schema is asked by trying.
  }
  return { flags: [], open: true };
}

/** Where the names are known, others are refused: many schemas would drop them without a word. */
function checkKnown(names: readonly string[], description: ParamsDescription, job: string): void {
  const known = description.flags.map(({ name }) => name);
  for (const name of names) {
    if (known.includes(name)) continue;
    if (!description.open) throw unknownParam(name, known, job);
    checkParamName(name, job);
  }
}

/** Where they are not, a param that is not among the output and changes nothing there was dropped. */
async function checkUsed(
  schema: StandardSchemaV1,
  input: PlainParams,
  output: PlainParams,
  job: string,
): Promise<void> {
  for (const name of Object.keys(input)) {
    if (Object.hasOwn(output, name)) continue;
    const { [name]: _, ...others } = input;
    const result = await validate(schema, others, job);
    if (result.issues !== undefined) continue;
    const unchanged = JSON.stringify(copyPlainParams(result.value)) === JSON.stringify(output);
    if (unchanged) throw unknownParam(name, Object.keys(output), job);
  }
}

function unknownParam(name: string, known: readonly string[], job: string): BicoastalError {
  const message = `Job ${job} has no param ${showValue(name)}. ${adviseNames(name, known, "params")}`;
  return new BicoastalError("PARAM_UNKNOWN", message, { details: { job, param: name } });
}

/** The values a flag can stand for, and the one to try next. */
interface Trial {
  readonly name: string;
  readonly candidates: readonly PlainValue[];
  index: number;
}

function trialsOf(description: ParamsDescription, texts: FlagTexts): Trial[] {
  const known = new Map(description.flags.map((flag) => [flag.name, flag]));
  return [...texts].map(([name, values]) => {
    const flag = known.get(name);
    const typed = flag !== undefined && flag.type !== "any";
    return { name, candidates: typed ? [coerceFlag(flag, values)] : candidateValues(values), index: 0 };
  });
}

/** Ends: every round but the last moves at least one trial on, and none moves past its last candidate. */
async function resolveFlags(
  schema: StandardSchemaV1,
  base: PlainParams,
  trials: readonly Trial[],
  job: string,
): Promise<{ input: PlainParams; output: unknown }> {
  for (;;) {
    const input = withTrials(base, trials);
    const result = await validate(schema, input, job);
    if (result.issues === undefined) return { input, output: result.value };
    const refused = trialsRefused(result.issues, trials);
    const movable = refused.filter(({ index, candidates }) => index + 1 < candidates.length);
    for (const trial of movable) trial.index++;
    if (movable.length > 0) continue;
    // Nothing fits: what the schema says of the most likely values helps most.
    for (const trial of refused) trial.index = 0;
    const plainest = refused.length === 0 ? result : await validate(schema, withTrials(base, trials), job);
    throw issuesError(plainest.issues ?? result.issues, job);
  }
}

const withTrials = (base: PlainParams, trials: readonly Trial[]): PlainParams => ({
  ...base,
  ...Object.fromEntries(trials.map(({ name, candidates, index }) => [name, candidates[index]!])),
});

async function validate(
  schema: StandardSchemaV1,
  input: PlainParams,
  job: string,
): Promise<StandardSchemaV1.Result<unknown>> {
  try {
    return await schema["~standard"].validate(input);
  } catch (thrown) {
    throw new BicoastalError("PARAM_INVALID", `The params schema of job ${job} threw: ${String(thrown)}`, {
      details: { job },
      cause: thrown,
    });
  }
}

function trialsRefused(issues: readonly StandardSchemaV1.Issue[], trials: readonly Trial[]): Trial[] {
  const names = new Set(issues.map((issue) => placeOf(issue)[0]));
  return trials.filter(({ name }) => names.has(name));
}

function issuesError(issues: readonly StandardSchemaV1.Issue[], job: string): BicoastalError {
  const lines = issues.slice(0, ISSUES_SHOWN_MAX).map((issue) => {
    const place = placeOf(issue).join(".");
    return place === "" ? issue.message : `${place}: ${issue.message}`;
  });
  const more = issues.length > lines.length ? ` (and ${issues.length - lines.length} more)` : "";
  const [param] = issues.map((issue) => placeOf(issue).join("."));
  return new BicoastalError(
    "PARAM_INVALID",
    `The params of job ${job} are not right. ${lines.join("; ")}${more}`,
    { details: { job, param: param ?? "", issues: lines } },
  );
}

const placeOf = (issue: StandardSchemaV1.Issue): readonly string[] =>
  (issue.path ?? []).map((segment) => String(typeof segment === "object" ? segment.key : segment));
