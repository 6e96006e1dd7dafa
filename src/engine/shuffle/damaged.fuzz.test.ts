/**
 * Blocks of every kind of shuffle that are not what was written: cut off, flipped, mixed up, or of rubbish. Whoever reads one
 * gets what was written, or an error that names the block, so that it is made again; nothing else may come of it (S13).
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { lz4 } from "../../adapters/codec/lz4.ts";
import { createMsgpackCodec } from "../../adapters/codec/msgpack-codec.ts";
import { crc32, gzip } from "../../adapters/codec/zlib.ts";
import { BicoastalError } from "../../base/errors.ts";
import {
  createMemoryEnvironment,
  type MemoryEnvironment,
  mapShuffle,
  reduceShuffle,
  type ShuffleRows,
} from "../../sim/ports/memory-shuffle.ts";
import { BLOCK_CASES, PARTITIONS } from "./block-cases.ts";

const RUNS = 50;
const codecs = { codec: createMsgpackCodec(), crc32, gzip, lz4 };

/** What becomes of bytes; `others` are those of another block. */
type Damage = (bytes: Buffer, others: Buffer) => Buffer;

const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const at = (bytes: Buffer, part: number): number => Math.floor(part * bytes.length);
const damage: fc.Arbitrary<Damage> = fc.oneof(
  place.map(
    (part): Damage =>
      (bytes) =>
        bytes.subarray(0, at(bytes, part)),
  ),
  fc.tuple(place, fc.nat(7)).map(
    ([part, bit]): Damage =>
      (bytes) => {
        const changed = Buffer.from(bytes);
        changed[at(bytes, part)]! ^= 1 << bit;
        return changed;
      },
  ),
  fc.tuple(place, place).map(
    ([from, to]): Damage =>
      (bytes) => {
        const changed = Buffer.from(bytes);
        return changed.fill(0, at(bytes, Math.min(from, to)), at(bytes, Math.max(from, to)) + 1);
      },
  ),
  place.map(
    (part): Damage =>
      (bytes, others) => {
        const changed = Buffer.from(bytes);
        others.copy(changed, at(bytes, part), at(others, part));
        return changed;
      },
  ),
  place.map((): Damage => (_, others) => others),
  fc.tuple(place, place).map(
    ([from, to]): Damage =>
      (bytes) => {
        return Buffer.concat([bytes.subarray(0, at(bytes, from)), bytes.subarray(at(bytes, to))]);
      },
  ),
  fc.uint8Array({ maxLength: 100 }).map(
    (more): Damage =>
      (bytes) =>
        Buffer.concat([bytes, more]),
  ),
  fc.uint8Array({ maxLength: 300 }).map(
    (rubbish): Damage =>
      () =>
        Buffer.from(rubbish),
  ),
);

const settings = fc.record({
  rows: fc.integer({ min: 1, max: 60 }),
  compressBlocks: fc.boolean(),
  memoryBytes: fc.constantFrom(1 << 26, 4_000),
  victim: fc.nat(),
  damage,
});

test.each(BLOCK_CASES)(
  "a damaged block of a %s is an error that names it, or what it was",
  async (_, node, makers) => {
    let errors = 0;
    await fc.assert(
      fc.asyncProperty(settings, async ({ rows, compressBlocks, memoryBytes, victim, damage }) => {
        const env = createMemoryEnvironment({ ...codecs, compressBlocks });
        const given: ShuffleRows = makers.map((make) => [[make(rows), make(1 + (rows >> 1))]]);
        const request = { node, partitions: PARTITIONS, env, memoryBytes };
        const sides = await mapShuffle({ ...request, rows: given });
        const whole = await reduceShuffle({ ...request, sides });
        const keys = [...env.blobs.blobs.keys()];
        const key = keys[victim % keys.length]!;
        const other = keys[(victim + 1) % keys.length]!;
        const was = Buffer.from(env.blobs.blobs.get(key)!);
        env.blobs.blobs.set(key, damage(was, Buffer.from(env.blobs.blobs.get(other)!)));
        if (
          await names(key, env, async () => expect(await reduceShuffle({ ...request, sides })).toEqual(whole))
        )
          errors++;
      }),
      { numRuns: RUNS },
    );
    expect(errors).toBeGreaterThan(0);
  },
);

/** Whether it threw, as it may: BLOB_CORRUPT, with this key. */
async function names(key: string, env: MemoryEnvironment, read: () => Promise<void>): Promise<boolean> {
  try {
    await read();
    return false;
  } catch (error) {
    if (!(error instanceof BicoastalError) || error.code !== "BLOB_CORRUPT") throw error;
    expect(error.details.key).toBe(key);
    return true;
  } finally {
    env.scratch.dispose();
  }
}
