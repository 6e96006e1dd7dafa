/** The nodes that a job's driver has set aside, as it tells them beside the job's progress: for people, never needed. */
import { type JobId, jobId, type NodeId, nodeId } from "../base/ids.ts";
import { type ControlStore, type Entry, prefixEnd } from "../ports/control-store.ts";
import { decodeObject } from "../protocol/codec.ts";
import { isText } from "../protocol/shape.ts";
import { jobKeys, PROGRESS_PREFIX } from "./job-keys.ts";

/** By name. Empty where nobody drives the job, or a version that tells none. */
export async function setAsideBy(store: ControlStore, job: JobId): Promise<readonly NodeId[]> {
  const { entry } = await store.get(jobKeys(job).progress);
  return entry === undefined ? [] : setAsideIn(entry);
}

/** The jobs that have set each node aside, by node. */
export async function jobsThatSetAside(store: ControlStore): Promise<ReadonlyMap<NodeId, readonly JobId[]>> {
  const { entries } = await store.range(PROGRESS_PREFIX, prefixEnd(PROGRESS_PREFIX));
  const jobs = new Map<NodeId, JobId[]>();
  for (const entry of entries) {
    const job = jobId(entry.key.slice(PROGRESS_PREFIX.length));
    for (const node of setAsideIn(entry)) jobs.set(node, [...(jobs.get(node) ?? []), job]);
  }
  return jobs;
}

function setAsideIn(entry: Entry): readonly NodeId[] {
  try {
    const { setAside } = decodeObject(entry.value, `Key ${entry.key}`);
    return Array.isArray(setAside) ? setAside.filter(isText).map((name) => nodeId(name as string)) : [];
  } catch {
    return [];
  }
}
