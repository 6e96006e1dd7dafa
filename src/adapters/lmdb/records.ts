/**
 * How the store's state lies in LMDB: keys of one letter and more, in the order of their bytes, and values that
 * begin with a CRC-32 of key and rest, since LMDB itself would hand out a flipped bit as it is.
 *
 *     a <lease:8> <key>   the key hangs on the lease
 *     e <key>             an entry
 *     h <revision:8>      the changes of one revision
 *     l <lease:8>         a lease
 *     m                   the state as a whole
 *
 * Whole numbers are float64 in values, exact to 2^53, and big-endian in keys, so that they sort.
 */
import { crc32 } from "node:zlib";
import type { Change, Entry, LeaseId } from "../../ports/control-store.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";

/** Raised when a version of Bicoastal can no longer read what an older one wrote. */
export const FORMAT = 1;
const CRC_BYTES = 4;
const NO_LEASE = 0;

/** Bytes that are not what was written. */
export class RecordDamage extends Error {}

/** The state as a whole. */
export interface Header {
  readonly revision: number;
  /** The oldest revision whose changes are kept; one above `revision` where none are. */
  readonly firstRevision: number;
  /** Of all records of changes. */
  readonly historyBytes: number;
  readonly leasesGranted: number;
  /** Wall-clock time at which the first lease ends; Infinity without leases. */
  readonly nextDeadlineMs: number;
}

export interface LeaseRecord {
  readonly ttlMs: number;
  /** Wall-clock time. */
  readonly deadlineMs: number;
}

export const headerKey: Uint8Array = Buffer.from("m");
export const entryKey = (key: string): Uint8Array => Buffer.from(`e${key}`);
export const historyKey = (revision: number): Uint8Array => numbered("h", revision);
export const leaseKey = (lease: number): Uint8Array => numbered("l", lease);
export const attachmentKey = (lease: number, key: string): Uint8Array => numbered("a", lease, key);
export const attachmentPrefix = (lease: number): Uint8Array => numbered("a", lease);

export const keyOfEntry = (record: Uint8Array): string => text(record, 1);
export const keyOfAttachment = (record: Uint8Array): string => text(record, 9);
export const numberOfKey = (record: Uint8Array): number =>
  Number(new DataView(record.buffer, record.byteOffset, record.byteLength).getBigUint64(1));

/** Ids of other engines, and of stores before this one, name no lease here. */
export function leaseNumber(id: LeaseId): number | undefined {
  const value = Number(id);
  return Number.isSafeInteger(value) && value > 0 && String(value) === id ? value : undefined;
}

export const leaseIdOf = (lease: number): LeaseId => String(lease);

/** The format a header is of, which is all that can be said of one from a later version. */
export const formatOf = (bytes: Uint8Array): number =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(CRC_BYTES);

export function encodeHeader(header: Header): Uint8Array {
  const out = recordWriter();
  out.uint32(FORMAT);
  out.float64(header.revision);
  out.float64(header.firstRevision);
  out.float64(header.historyBytes);
  out.float64(header.leasesGranted);
  out.float64(header.nextDeadlineMs);
  return seal(headerKey, out);
}

/** All the decoders throw RecordDamage on bytes that are not what was written under this key. */
export function decodeHeader(bytes: Uint8Array): Header {
  const input = unseal(headerKey, bytes);
  input.uint32();
  const revision = input.float64();
  const firstRevision = input.float64();
  const historyBytes = input.float64();
  const leasesGranted = input.float64();
  const nextDeadlineMs = input.float64();
  return { revision, firstRevision, historyBytes, leasesGranted, nextDeadlineMs };
}

export function encodeLease(lease: number, record: LeaseRecord): Uint8Array {
  const out = recordWriter();
  out.float64(record.ttlMs);
  out.float64(record.deadlineMs);
  return seal(leaseKey(lease), out);
}

export function decodeLease(lease: number, bytes: Uint8Array): LeaseRecord {
  const input = unseal(leaseKey(lease), bytes);
  const ttlMs = input.float64();
  return { ttlMs, deadlineMs: input.float64() };
}

export function encodeEntry(entry: Entry): Uint8Array {
  const out = recordWriter(entry.value.length);
  writeEntry(out, entry);
  return seal(entryKey(entry.key), out);
}

export function decodeEntry(key: string, bytes: Uint8Array): Entry {
  return readEntry(unseal(entryKey(key), bytes), key);
}

export function encodeChanges(revision: number, changes: readonly Change[]): Uint8Array {
  const out = recordWriter(
    changes.reduce((sum, c) => sum + (c.kind === "put" ? c.entry.value.length : 0), 0),
  );
  out.uint32(changes.length);
  for (const change of changes) {
    out.uint32(change.kind === "put" ? 1 : 0);
    out.bytes(Buffer.from(change.kind === "put" ? change.entry.key : change.key));
    if (change.kind === "put") writeEntry(out, change.entry);
  }
  return seal(historyKey(revision), out);
}

export function decodeChanges(revision: number, bytes: Uint8Array): readonly Change[] {
  const input = unseal(historyKey(revision), bytes);
  return Array.from({ length: input.uint32() }, (): Change => {
    const isPut = input.uint32() === 1;
    const key = text(input.bytes(), 0);
    if (isPut) return { kind: "put", entry: readEntry(input, key) };
    return { kind: "delete", key, modRevision: revision };
  });
}

/** What hangs on a lease says it all by its key. */
export const attachment: Uint8Array = Uint8Array.of(1);

function writeEntry(out: ByteWriter, entry: Entry): void {
  out.float64(entry.createRevision);
  out.float64(entry.modRevision);
  out.float64(entry.version);
  out.float64(entry.lease === undefined ? NO_LEASE : Number(entry.lease));
  out.bytes(entry.value);
}

function readEntry(input: ByteReader, key: string): Entry {
  const createRevision = input.float64();
  const modRevision = input.float64();
  const version = input.float64();
  const lease = input.float64();
  const value = input.bytes();
  return {
    key,
    value,
    createRevision,
    modRevision,
    version,
    lease: lease === NO_LEASE ? undefined : leaseIdOf(lease),
  };
}

function recordWriter(valueBytes = 0): ByteWriter {
  const out = new ByteWriter(valueBytes + 256);
  out.uint32(0);
  return out;
}

function seal(key: Uint8Array, out: ByteWriter): Uint8Array {
  const record = out.finish();
  new DataView(record.buffer, record.byteOffset).setUint32(0, checksum(key, record));
  return record;
}

function unseal(key: Uint8Array, record: Uint8Array): ByteReader {
  const input = new ByteReader(record);
  if (record.length < CRC_BYTES || input.uint32() !== checksum(key, record)) {
    const name = Buffer.from(key).toString("latin1", 0, 1);
    throw new RecordDamage(`the checksum of a record of kind "${name}" is wrong`);
  }
  return input;
}

const checksum = (key: Uint8Array, record: Uint8Array): number =>
  crc32(record.subarray(CRC_BYTES), crc32(key));

function numbered(letter: string, value: number, rest = ""): Uint8Array {
  const key = Buffer.from(`${letter}\0\0\0\0\0\0\0\0${rest}`);
  key.writeBigUInt64BE(BigInt(value), 1);
  return key;
}

const text = (bytes: Uint8Array, from: number): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8", from);
