/** What must be true of a run, judged from what is left of it and not from what the code under test says of itself. */
import type { ErrorInfo } from "../../base/errors.ts";
import type { ControlStore } from "../../ports/control-store.ts";
import { prefixEnd } from "../../ports/control-store.ts";
import { decodeRecord } from "../../protocol/codec.ts";
import type { JobSpec } from "../../protocol/job-spec.ts";
import type { LogRecord } from "../../protocol/log-event.ts";
import type { EndResult } from "../../runtime/commit.ts";
import { jobKeys } from "../../runtime/job-keys.ts";
import type { SimJob } from "../jobs/sim-job.ts";
import type { MemoryOutputs } from "../ports/memory-outputs.ts";

/** The log as it stands in the store. */
export async function readLog(store: ControlStore, spec: Pick<JobSpec, "id">): Promise<readonly LogRecord[]> {
  const prefix = jobKeys(spec.id).logPrefix;
  const { entries } = await store.range(prefix, prefixEnd(prefix));
  return entries.map(({ key, value }) => decodeRecord(value, key));
}

/**
 * S1, S2, S4 and the end, from the records alone.
 * @param commits How often the job has committed: once, or never where it cannot.
 */
export function auditLog(records: readonly LogRecord[], commits = 1): readonly string[] {
  const problems: string[] = [];
  const effective = new Map<string, string>();
  let epoch = 0;
  let committed = 0;
  records.forEach((record, index) => {
    if (record.seq !== index) problems.push(`S2: record ${index} has sequence number ${record.seq}`);
    if (record.epoch < epoch) problems.push(`S2: record ${index} is of epoch ${record.epoch} after ${epoch}`);
    if (committed > 0) problems.push(`record ${index} follows the commit`);
    for (const event of record.events) {
      if (event.kind === "epochStarted") {
        if (event.epoch <= epoch) problems.push(`S2: epoch ${event.epoch} follows ${epoch}`);
        epoch = event.epoch;
      }
      if (event.kind === "committed") committed++;
      if (event.kind === "taskCompleted" || event.kind === "outputLost") {
        const { stage, partition, epoch: of, attempt } = event.attempt;
        const task = `${stage}/${partition}`;
        const name = `${of}/${attempt}`;
        const held = effective.get(task);
        if (event.kind === "taskCompleted" && held !== undefined)
          problems.push(`S4: ${task} completed twice: ${held}, ${name}`);
        if (event.kind === "outputLost" && held !== name)
          problems.push(`S4: ${task} lost ${name}, and had ${held}`);
        if (event.kind === "taskCompleted") effective.set(task, name);
        else effective.delete(task);
      }
    }
    if (record.epoch !== epoch)
      problems.push(`S2: record ${index} of epoch ${record.epoch} stands in epoch ${epoch}`);
  });
  if (committed !== commits) problems.push(`the job committed ${committed} times`);
  return problems;
}

/** What the job has failed with, where that is how it had to, and nobody is to have it go on. */
export function finalError({ isFinal }: SimJob, records: readonly LogRecord[]): ErrorInfo | undefined {
  const last = records.at(-1)?.events.at(-1);
  return last?.kind === "failed" && isFinal?.(last.error) ? last.error : undefined;
}

/** S7: what the ends gave, against the plain answer. */
export function checkResults(
  job: SimJob,
  spec: JobSpec,
  results: readonly EndResult[],
  outputs: MemoryOutputs,
): readonly string[] {
  if (job.judge !== undefined) {
    const problem = job.judge(results.map((result) => foundBy(result, outputs)));
    return problem === undefined ? [] : [`${problem} (${job.name})`];
  }
  return job.expected.flatMap((expected, index) => {
    const result = results[index];
    const found = result === undefined ? undefined : foundBy(result, outputs);
    const inOrder = spec.ends[index]?.end.kind === "collect" && job.name === "sort";
    if (found !== undefined && same(found, expected, inOrder)) return [];
    return [
      `S7: end ${index} of ${job.name} gave ${JSON.stringify(found)} instead of ${JSON.stringify(expected)}`,
    ];
  });
}

function foundBy(result: EndResult, outputs: MemoryOutputs): readonly string[] | undefined {
  switch (result.kind) {
    case "rows":
      return result.rows.map((row) => JSON.stringify(row));
    case "value":
      return [JSON.stringify(result.value)];
    case "written": {
      const directory = outputs.directories.get(result.directory);
      if (directory === undefined) return undefined;
      const parts = [...directory.files].filter(([name]) => name.startsWith("part-"));
      return parts.flatMap(([, bytes]) =>
        new TextDecoder()
          .decode(bytes)
          .split("\n")
          .filter((line) => line !== ""),
      );
    }
  }
}

function same(found: readonly string[], expected: readonly string[], inOrder: boolean): boolean {
  const [a, b] = inOrder ? [found, expected] : [[...found].sort(), [...expected].sort()];
  return a.length === b.length && a.every((line, index) => line === b[index]);
}
