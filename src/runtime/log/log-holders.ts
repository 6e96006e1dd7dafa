/**
 * Which nodes hold a part of a job's log: each says so in the store with its first line, under the job's own keys, which go when
 * the job is removed. Nothing but the reading of logs depends on it.
 */
import { type JobId, jobId, type NodeId, nodeId } from "../../base/ids.ts";
import { type ControlStore, prefixEnd } from "../../ports/control-store.ts";
import { jobKeys } from "../job-keys.ts";
import { decodeCard, jobNotFound } from "../job-log.ts";

const prefixOf = (job: string): string => `jobs/${job}/said/`;

/** False where there is no such job (any more). */
export async function sayThatLogged(store: ControlStore, job: JobId, node: string): Promise<boolean> {
  const { succeeded } = await store.txn({
    compare: [{ key: jobKeys(job).card, target: "createRevision", op: ">", value: 0 }],
    success: [{ kind: "put", key: `${prefixOf(job)}${node}`, value: new Uint8Array(0) }],
  });
  return succeeded;
}

/** Whether the job has ended, as its card alone says: its spec may lie on nodes that are away. Throws JOB_NOT_FOUND. */
export async function hasJobEnded(store: ControlStore, job: string): Promise<boolean> {
  const { entry } = await store.get(jobKeys(jobId(job)).card);
  if (entry === undefined) throw jobNotFound(job);
  return decodeCard(entry)?.end !== undefined;
}

/** In the order of their names. */
export async function logHolders(store: ControlStore, job: string): Promise<readonly NodeId[]> {
  const prefix = prefixOf(job);
  const { entries } = await store.range(prefix, prefixEnd(prefix));
  return entries.map(({ key }) => nodeId(key.slice(prefix.length)));
}
