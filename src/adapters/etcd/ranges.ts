/**
 * Reads a range in pages, all of one revision: one reply for everything would take longer than a call may where there is
 * much to read, and would be in memory three times.
 */
import { BicoastalError } from "../../base/errors.ts";
import type { Entry, RangeOptions, RangeResult } from "../../ports/control-store.ts";
import { compareStoreKeys } from "../../ports/control-store-limits.ts";
import type { EtcdClient } from "./client.ts";
import { kindOf } from "./errors.ts";
import { KV, type RangeResponse } from "./etcd-messages.ts";
import type { KeySpace } from "./keys.ts";
import { malformed, revisionIn } from "./malformed.ts";

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
    const after = last?.key;
    const take = (reply: RangeResponse): Page => pageOf(reply, { keys, from, to, after });
    const got = await client.read(KV.method.range, request, take, { isLocal });
    revision ??= got.revision;
    bytes += got.bytes;
    entries.push(...got.entries);
    if (!got.more || entries.length >= limit) return { entries, revision, more: got.more };
  }
}

interface Page extends RangeResult {
  readonly bytes: number;
}

interface PageRequest {
  readonly keys: KeySpace;
  readonly from: string;
  readonly to: string;
  /** The last key of the page before. */
  readonly after: string | undefined;
}

/** Throws what `malformed` makes for what is not a page of this range: one that does not go on would be asked for for ever. */
function pageOf({ header, kvs, more }: RangeResponse, { keys, from, to, after }: PageRequest): Page {
  const entries = kvs.map((kv) => keys.entryOf(kv));
  let last = after;
  for (const { key } of entries) {
    const isNext = last === undefined ? compareStoreKeys(key, from) >= 0 : compareStoreKeys(key, last) > 0;
    if (!isNext || compareStoreKeys(key, to) >= 0) throw malformed("keys that are not those of the range");
    last = key;
  }
  if (more && entries.length === 0) throw malformed("a page without keys, and more to come");
  const bytes = kvs.reduce((sum, kv) => sum + kv.key.length + kv.value.length, 0);
  return { entries, bytes, revision: revisionIn(header), more };
}

function pageEntries(entries: number, bytes: number): number {
  if (entries === 0) return PAGE_ENTRIES_FIRST;
  return Math.min(Math.max(Math.floor((PAGE_BYTES * entries) / bytes), 1), PAGE_ENTRIES_MAX);
}
