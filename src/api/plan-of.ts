import { isPlainObject } from "../base/compare.ts";
import { BicoastalError } from "../base/errors.ts";
import type { EndNode, Plan } from "../plan/node.ts";
import { endOf, nodeOf } from "./brand.ts";
import { collectEnd } from "./operators/collect.ts";
import { isPromiseLike, showValue } from "./show-value.ts";

const RESULT_NAME = /^[A-Za-z_][A-Za-z0-9_-]{0,62}$/;

/** What a job's `run` returned, as a frozen plan. Throws JOB_INVALID for what is none, naming the job. */
export function toPlan(returned: unknown, job: string): Plan {
  const end = toEnd(returned);
  if (end !== undefined) {
    return Object.freeze<Plan>({
      ends: Object.freeze([Object.freeze({ name: "result", end })]),
      shape: "single",
    });
  }
  if (!isPlainObject(returned)) throw invalid(job, notAPlan(returned));
  const ends = Object.entries(returned).map(([name, value]) => {
    if (!RESULT_NAME.test(name) || name === "__proto__") {
      throw invalid(
        job,
        `\`run\` returned a result named ${showValue(name)}; a name begins with a letter or _, and goes on with up to 62 letters, digits, _ or -.`,
      );
    }
    const named = toEnd(value);
    if (named !== undefined) return Object.freeze({ name, end: named });
    throw invalid(
      job,
      `\`run\` returned ${showValue(value)} as ${name}; each field must be a data set or an end, such as .count().`,
    );
  });
  if (ends.length === 0) {
    throw invalid(job, "`run` returned an empty object; name at least one data set or end in it.");
  }
  return Object.freeze<Plan>({ ends: Object.freeze(ends), shape: "record" });
}

/** A data set stands for its collected records. */
function toEnd(value: unknown): EndNode | undefined {
  const node = nodeOf(value);
  return node === undefined ? endOf(value) : Object.freeze(collectEnd(node, undefined));
}

function notAPlan(returned: unknown): string {
  const wanted = "it must return a data set, an end such as .count(), or an object of these";
  if (returned === undefined) return `\`run\` returned nothing; ${wanted}. Is a \`return\` missing?`;
  if (isPromiseLike(returned)) {
    return `\`run\` returned a promise; ${wanted}, at once. Take out \`async\`: it only describes the work.`;
  }
  if (Array.isArray(returned)) {
    return `\`run\` returned an array; ${wanted}. Give its items names: { words, lines }. For values in memory, return read.of(values).`;
  }
  return `\`run\` returned ${showValue(returned)}; ${wanted}.`;
}

const invalid = (job: string, message: string): BicoastalError =>
  new BicoastalError("JOB_INVALID", `Job ${job}: ${message}`, { details: { job } });
