import { BicoastalError, type ErrorCode } from "../base/errors.ts";
import { type NodeId, nodeId } from "../base/ids.ts";

const LOST_CODES: readonly ErrorCode[] = ["BLOB_MISSING", "BLOB_CORRUPT", "PEER_UNREACHABLE"];

/** The node that could not be asked. */
export function unreachableNode(error: unknown): NodeId | undefined {
  if (!(error instanceof BicoastalError) || error.code !== "PEER_UNREACHABLE") return undefined;
  const { node } = error.details;
  return typeof node === "string" ? nodeId(node) : undefined;
}

/** The block that an error is about, where it can be made again. */
export function lostBlockKey(error: unknown): string | undefined {
  if (!(error instanceof BicoastalError) || !LOST_CODES.includes(error.code)) return undefined;
  const { key } = error.details;
  return typeof key === "string" ? key : undefined;
}
