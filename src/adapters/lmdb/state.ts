/**
 * The store's state within one transaction of LMDB: what a commit writes, how leases end, what history is kept.
 *
 * Leases end by the wall clock, which all processes of the machine share, and which may be set:
 * - Set back, or not yet running when the lease was written: no lease ends later than its full time from the look
 *   that finds it so.
 * - Set forward (or the machine slept): a process that was running sees it by its monotonic clock and grants the
 *   missing time to the leases that would have been alive otherwise, at most their full time. Several processes may
 *   do so for one jump; the cap keeps that harmless. One that starts after the jump, before any other has looked,
 *   takes such leases for ended: their holders find out by `keepAlive`, and the epoch of each job is what keeps it
 *   safe.
 */
import type { Change, Entry } from "../../ports/control-store.ts";
import { planDeletes } from "../../ports/control-store-plan.ts";
import type { Snapshot, WriteBatch } from "./database.ts";
import {
  attachment,
  attachmentKey,
  attachmentPrefix,
  decodeChanges,
  decodeEntry,
  decodeHeader,
  decodeLease,
  encodeChanges,
  encodeEntry,
  encodeLease,
  entryKey,
  type Header,
  headerKey,
  historyKey,
  keyOfAttachment,
  keyOfEntry,
  type LeaseRecord,
  leaseKey,
  leaseNumber,
  numberOfKey,
  RecordDamage,
} from "./records.ts";
import type { WallLook } from "./wall-watch.ts";

/** What is kept for watches that begin in the past. */
export interface HistoryLimits {
  readonly revisionsMax: number;
  readonly bytesMax: number;
}

/** Of old revisions; more than come in, so that a history that is too long gets shorter. */
const FORGOTTEN_PER_COMMIT_MAX = 32;

export const newHeader: Header = {
  revision: 1,
  firstRevision: 2,
  historyBytes: 0,
  leasesGranted: 0,
  nextDeadlineMs: Number.POSITIVE_INFINITY,
};

export function readHeader(snapshot: Snapshot): Header {
  const bytes = snapshot.get(headerKey);
  if (bytes === undefined) throw new RecordDamage("the record of its revision is missing");
  return decodeHeader(bytes);
}

export function readEntry(snapshot: Snapshot, key: string): Entry | undefined {
  const bytes = snapshot.get(entryKey(key));
  return bytes === undefined ? undefined : decodeEntry(key, bytes);
}

export function* readEntries(snapshot: Snapshot, from: string, to: string): Iterable<Entry> {
  for (const { key, value } of snapshot.range(entryKey(from), entryKey(to)))
    yield decodeEntry(keyOfEntry(key), value);
}

export function readLease(snapshot: Snapshot, lease: number): LeaseRecord | undefined {
  const bytes = snapshot.get(leaseKey(lease));
  return bytes === undefined ? undefined : decodeLease(lease, bytes);
}

/** The changes of each revision in [from, to) that is kept. */
export function readHistory(snapshot: Snapshot, from: number, to: number) {
  return Array.from(snapshot.range(historyKey(from), historyKey(to)), ({ key, value }) => {
    const revision = numberOfKey(key);
    return { revision, changes: decodeChanges(revision, value) };
  });
}

/** Makes the changes, which carry the next revision; without changes all stays as it is. */
export function commitChanges(
  batch: WriteBatch,
  header: Header,
  changes: readonly Change[],
  limits: HistoryLimits,
): Header {
  if (changes.length === 0) return header;
  const revision = header.revision + 1;
  for (const change of changes) {
    if (change.kind === "put") putEntry(batch, change.entry);
    else deleteEntry(batch, change.key);
  }
  const record = encodeChanges(revision, changes);
  batch.put(historyKey(revision), record);
  const historyBytes = header.historyBytes + record.length;
  return forget(batch, { ...header, revision, historyBytes }, limits);
}

/** Whether leases may have to end, or to be given time, before anything is read or written. */
export const isSettled = (header: Header, { wallMs, jumpMs }: WallLook): boolean =>
  wallMs < header.nextDeadlineMs && jumpMs === 0;

/** Ends the leases whose time is over, each in a revision of its own, and mends the deadlines of the others. */
export function settleLeases(
  batch: WriteBatch,
  before: Header,
  { wallMs, jumpMs }: WallLook,
  limits: HistoryLimits,
): Header {
  const forwardMs = Math.max(jumpMs, 0);
  const due: { readonly lease: number; readonly deadlineMs: number }[] = [];
  let nextDeadlineMs = Number.POSITIVE_INFINITY;
  for (const { key, value } of batch.range(leaseKey(0), leaseKey(Number.MAX_SAFE_INTEGER))) {
    const lease = numberOfKey(key);
    const { ttlMs, deadlineMs } = decodeLease(lease, value);
    if (deadlineMs <= wallMs - forwardMs) {
      due.push({ lease, deadlineMs });
      continue;
    }
    const mendedMs = Math.min(deadlineMs + forwardMs, wallMs + ttlMs);
    if (mendedMs !== deadlineMs)
      batch.put(leaseKey(lease), encodeLease(lease, { ttlMs, deadlineMs: mendedMs }));
    nextDeadlineMs = Math.min(nextDeadlineMs, mendedMs);
  }
  due.sort((a, b) => a.deadlineMs - b.deadlineMs || a.lease - b.lease);
  let header: Header = { ...before, nextDeadlineMs };
  for (const { lease } of due) header = endLease(batch, header, lease, limits);
  return header;
}

/** Deletes the lease with all that hangs on it. */
export function endLease(batch: WriteBatch, header: Header, lease: number, limits: HistoryLimits): Header {
  batch.remove(leaseKey(lease));
  const attached = batch.range(attachmentPrefix(lease), attachmentPrefix(lease + 1));
  const keys = Array.from(attached, ({ key }) => keyOfAttachment(key));
  return commitChanges(batch, header, planDeletes(keys, header.revision + 1), limits);
}

function putEntry(batch: WriteBatch, entry: Entry): void {
  detach(batch, entry.key);
  const lease = entry.lease === undefined ? undefined : leaseNumber(entry.lease);
  if (lease !== undefined) batch.put(attachmentKey(lease, entry.key), attachment);
  batch.put(entryKey(entry.key), encodeEntry(entry));
}

function deleteEntry(batch: WriteBatch, key: string): void {
  detach(batch, key);
  batch.remove(entryKey(key));
}

function detach(batch: WriteBatch, key: string): void {
  const id = readEntry(batch, key)?.lease;
  const lease = id === undefined ? undefined : leaseNumber(id);
  if (lease !== undefined) batch.remove(attachmentKey(lease, key));
}

/** Drops the oldest changes beyond the limits, never the newest. */
function forget(batch: WriteBatch, header: Header, limits: HistoryLimits): Header {
  let { firstRevision, historyBytes } = header;
  for (let dropped = 0; dropped < FORGOTTEN_PER_COMMIT_MAX; dropped++) {
    const revisions = header.revision - firstRevision + 1;
    if (revisions <= 1 || (revisions <= limits.revisionsMax && historyBytes <= limits.bytesMax)) break;
    const oldest = historyKey(firstRevision);
    historyBytes -= batch.get(oldest)?.length ?? 0;
    batch.remove(oldest);
    firstRevision++;
  }
  return { ...header, firstRevision, historyBytes };
}
