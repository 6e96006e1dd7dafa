/** Records of the embedded store whose bytes are not what was written. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Change, Entry } from "../../ports/control-store.ts";
import {
  decodeChanges,
  decodeEntry,
  decodeHeader,
  decodeLease,
  encodeChanges,
  encodeEntry,
  encodeHeader,
  encodeLease,
  type Header,
  RecordDamage,
} from "./records.ts";

const count = fc.nat(2 ** 31);
const bytes = fc.uint8Array({ maxLength: 60 });
const key = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 });
const entryOf = (name: fc.Arbitrary<string>): fc.Arbitrary<Entry> =>
  fc.record({
    key: name,
    value: bytes,
    createRevision: count,
    modRevision: count,
    version: count,
    lease: fc.option(
      count.map((lease) => String(lease + 1)),
      { nil: undefined },
    ),
  });
const header: fc.Arbitrary<Header> = fc.record({
  revision: count,
  firstRevision: count,
  historyBytes: count,
  leasesGranted: count,
  nextDeadlineMs: fc.oneof(count, fc.constant(Number.POSITIVE_INFINITY)),
});
const REVISION = 7;
const change: fc.Arbitrary<Change> = fc.oneof(
  entryOf(key).map((entry): Change => ({ kind: "put", entry })),
  key.map((deleted): Change => ({ kind: "delete", key: deleted, modRevision: REVISION })),
);

/** A record, how it is read, and what was written. */
const record = fc.oneof(
  header.map((written) => ({
    written: written as unknown,
    as: encodeHeader(written),
    read: decodeHeader as (bytes: Uint8Array) => unknown,
  })),
  entryOf(fc.constant("a/key")).map((written) => ({
    written,
    as: encodeEntry(written),
    read: (from: Uint8Array) => decodeEntry("a/key", from),
  })),
  fc.record({ ttlMs: count, deadlineMs: count }).map((written) => ({
    written,
    as: encodeLease(3, written),
    read: (from: Uint8Array) => decodeLease(3, from),
  })),
  fc.array(change, { maxLength: 4 }).map((written) => ({
    written,
    as: encodeChanges(REVISION, written),
    read: (from: Uint8Array) => decodeChanges(REVISION, from),
  })),
);

/** Buffers and byte arrays alike. */
const plain = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_, inner: unknown) =>
      inner instanceof Uint8Array ? [...inner] : inner === Number.POSITIVE_INFINITY ? "never" : inner,
    ),
  );

test("a record comes back", () => {
  fc.assert(
    fc.property(record, ({ written, as, read }) => {
      expect(plain(read(as))).toEqual(plain(written));
    }),
  );
});

test("one that is cut off, flipped or another's is damaged, and nothing else", () => {
  fc.assert(
    fc.property(record, record, fc.nat(), fc.nat(7), fc.nat(2), (first, second, place, bit, how) => {
      const bytesOf = Buffer.from(first.as);
      const at = place % bytesOf.length;
      const flipped = Buffer.from(bytesOf);
      flipped[at]! ^= 1 << bit;
      const damaged = [bytesOf.subarray(0, at), flipped, Buffer.from(second.as)][how]!;
      if (damaged.equals(bytesOf)) return;
      try {
        // Only one that is whole, and of the same key, is read.
        expect(plain(first.read(damaged))).toEqual(plain(second.written));
        expect(how).toBe(2);
      } catch (error) {
        if (!(error instanceof RecordDamage)) throw error;
      }
    }),
    { numRuns: 3_000 },
  );
});

test("rubbish is damaged", () => {
  fc.assert(
    fc.property(record, bytes, ({ read }, rubbish) => {
      expect(() => read(rubbish)).toThrow(RecordDamage);
    }),
    { numRuns: 1_000 },
  );
});
