/**
 * Answers that etcd would not give: what a broken proxy or another server makes of one, or a disk or a memory that fails. They
 * count as no answer at all, so that a read is sent again, a watch goes on with another stream, and of a write it is not
 * known whether it was done.
 */
import { status } from "@grpc/grpc-js";
import type { ResponseHeader } from "./etcd-messages.ts";

/** Throws like gRPC itself does for what it cannot read. */
export function malformed(what: string, cause?: unknown): Error {
  const details = `an answer makes no sense: ${what}`;
  return Object.assign(new Error(details, { cause }), { code: status.INTERNAL, details });
}

/** Of a key, or of the store. etcd counts from 1. Throws what `malformed` makes. */
export function revisionOf(number: bigint | undefined): number {
  const revision = Number(number ?? 0n);
  if (Number.isSafeInteger(revision) && revision > 0) return revision;
  throw malformed(`${number === undefined ? "no number" : number} where a revision is to be`);
}

/** When the store was as it is said to be. Throws what `malformed` makes. */
export const revisionIn = (header: ResponseHeader | undefined): number => revisionOf(header?.revision);
