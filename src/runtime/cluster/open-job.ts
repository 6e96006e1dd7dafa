/** What the store tells every node of a job that is to be driven: enough to begin to work on it. */
import type { ContentHash, NodeId } from "../../base/ids.ts";
import type { Entry } from "../../ports/control-store.ts";
import { corruptStore, decodeObject, encodeJson } from "../../protocol/codec.ts";
import { fieldsOf, isText, listOf } from "../../protocol/shape.ts";

export interface OpenJob {
  /** The job's spec, as a blob. */
  readonly spec: ContentHash;
  /** Its functions, as a blob. */
  readonly bundle: ContentHash;
  /** Nodes that had both when the job was submitted. Others may have them by now. */
  readonly holders: readonly NodeId[];
}

const isOpenJob = fieldsOf({ spec: isText, bundle: isText, holders: listOf(isText) });

export const encodeOpenJob = (open: OpenJob): Uint8Array => encodeJson(open);

/** Throws STORE_CORRUPT. */
export function decodeOpenJob({ key, value }: Entry): OpenJob {
  const source = `Key ${key}`;
  const open = decodeObject(value, source);
  if (!isOpenJob(open)) throw corruptStore(source, "not an open job");
  return open as unknown as OpenJob;
}
