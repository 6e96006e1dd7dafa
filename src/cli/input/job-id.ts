/** Jobs as people name them: the beginning of an id is enough while only one job begins so. */
import { showValue } from "../../api/show-value.ts";
import { suggest } from "../../api/suggest.ts";
import { BicoastalError } from "../../base/errors.ts";

export interface KnownJob {
  readonly job: string;
}

/** Ids listed in a message. */
const LISTED_MAX = 10;

/**
 * @param jobs Newest first.
 * @param inCluster Whether they are a cluster's. Throws JOB_NOT_FOUND, and USAGE where several begin so.
 */
export function resolveJobId(text: string, jobs: readonly KnownJob[], inCluster = false): string {
  const ids = jobs.map(({ job }) => job);
  if (ids.includes(text)) return text;
  const matches = text === "" ? [] : ids.filter((id) => id.startsWith(text));
  const [only, ...others] = matches;
  if (only === undefined) throw jobNotFound(text, ids, inCluster);
  if (others.length === 0) return only;
  throw new BicoastalError(
    "USAGE",
    `${matches.length} jobs begin with ${showValue(text)}: ${list(matches)}.`,
    {
      details: { job: text, jobs: matches.slice(0, LISTED_MAX) },
    },
  );
}

/** @param ids Of the jobs there are, newest first. */
export function jobNotFound(text: string, ids: readonly string[], inCluster: boolean): BicoastalError {
  const near = suggest(text, ids) ?? ids.find((id) => id.includes(text) && text.length > 2);
  const hint = near === undefined ? "" : ` Did you mean ${near}?`;
  const here = inCluster ? "in this cluster" : "here";
  const known = ids.length === 0 ? `There are no jobs ${here}.` : `The newest ${here} are: ${list(ids)}.`;
  const where = inCluster ? "--store" : "--data-dir";
  return new BicoastalError(
    "JOB_NOT_FOUND",
    `There is no job ${showValue(text)}.${hint} ${known} (${where} says where to look.)`,
    { details: { job: text } },
  );
}

function list(ids: readonly string[]): string {
  const left = ids.length - LISTED_MAX;
  return ids.slice(0, LISTED_MAX).join(", ") + (left > 0 ? `, and ${left} more` : "");
}
