/**
 * Reads a range in pages, all of one revision: one reply for everything would take longer than a call may where there is
 * much to read, and would be in memory three times.
 */
import { BicoastalError } from "../../base/errors.ts";
import type { Entry, RangeOptions, RangeResult } from "../../ports/control-store.ts";
import type { EtcdClient } from "./client.ts";
import { kindOf } from "./errors.ts";
import { KV } from "./etcd-messages.ts";
import type { KeySpace } from "./keys.ts";

/** About how much is in one reply, by the entries so far. */
const PAGE_BYTES = 2 * 1024 * 1024;
const PAGE_ENTRIES_FIRST = 100;
const PAGE_ENTRIES_MAX = 5_000;
/** The revision may be compacted away while it is read, and a member may not have it yet. */
const TRIES_MAX = 3;

export interface RangeRequest {
  readonly from: string;
  readonly to: string;
  readonly options: RangeOptions;
}

export async function readRange(
  client: EtcdClient,
  keys: KeySpace,
  request: RangeRequest,
): Promise<RangeResult> {
  for (let tries = 1; ; tries++) {
    try {
      return await readOnce(client, keys, request);
    } catch (error) {
      const isGone = error instanceof BicoastalError && kindOf(error.cause) === "revisionGone";
      if (!isGone || tries === TRIES_MAX) throw error;
    }
  }
}

async function readOnce(
  client: EtcdClient,
  keys: KeySpace,
  { from, to, options: { limit = Number.POSITIVE_INFINITY, consistency } }: RangeRequest,
): Promise<RangeResult> {
  const isLocal = consistency === "serializable";
  const rangeEnd = keys.bytesOf(to);
  const entries: Entry[] = [];
  let revision: number | undefined;
  let bytes = 0;
  for (;;) {
    const last = entries.at(-1);
    const page = Math.min(limit - entries.length, pageEntries(entries.length, bytes));
    const request = {
      key: keys.bytesOf(last === undefined ? from : `${last.key}\0`),
      rangeEnd,
      limit: BigInt(page),
      revision: BigInt(revision ?? 0),
      serializable: isLocal,
    };
    const { header, kvs, more } = await client.read(KV.method.range, request, { isLocal });
    revision ??= Number(header?.revision);
    for (const kv of kvs) {
      bytes += kv.key.length + kv.value.length;
      entries.push(keys.entryOf(kv));
    }
    if (!more || entries.length >= limit) return { entries, revision, more };
  }
}

function pageEntries(entries: number, bytes: number): number {
  if (entries === 0) return PAGE_ENTRIES_FIRST;
  return Math.min(Math.max(Math.floor((PAGE_BYTES * entries) / bytes), 1), PAGE_ENTRIES_MAX);
}
