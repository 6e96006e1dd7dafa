/**
 * Blocks whose checksums are all right and whose frames are not: what a bug, another version or a node that lies could make. Rows
 * that the functions of a job would be given are wrong then, which nobody can tell; but whoever reads such a block comes to an
 * end, with rows or with an error that names the block, and breaks no assertion of ours.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { lz4 } from "../../adapters/codec/lz4.ts";
import { createMsgpackCodec } from "../../adapters/codec/msgpack-codec.ts";
import { crc32, gzip } from "../../adapters/codec/zlib.ts";
import { BicoastalError } from "../../base/errors.ts";
import type { ProducerBlocks } from "../../plan/task.ts";
import {
  createMemoryEnvironment,
  mapShuffle,
  reduceShuffle,
  type ShuffleRows,
} from "../../sim/ports/memory-shuffle.ts";
import {
  BLOCK_HEAD,
  decodeIndex,
  decodeTrailer,
  encodeIndex,
  encodeTrailer,
  TRAILER_BYTES,
} from "./block/block-format.ts";
import { ByteWriter } from "./block/byte-writer.ts";
import { FRAME_ALIGNMENT, FRAME_HEADER_BYTES } from "./block/frame.ts";
import { BLOCK_CASES, PARTITIONS } from "./block-cases.ts";

const RUNS = 60;
const codecs = { codec: createMsgpackCodec(), crc32, gzip, lz4 };

/** A frame, and the list that it is in. */
interface Frame {
  sink: number;
  partition: number;
  rows: number;
  plainBytes: number;
  bytes: Buffer;
}

/** The frames of a block, in the order of its lists. */
function framesOf(block: Buffer): Frame[] {
  const trailer = block.subarray(-TRAILER_BYTES);
  const crc = crc32(trailer.subarray(0, TRAILER_BYTES - 4));
  const { indexOffset, indexBytes } = decodeTrailer(trailer, crc, "block");
  const lists = decodeIndex(block.subarray(indexOffset, indexOffset + indexBytes));
  return lists.flatMap(({ sink, partition, frames }) =>
    frames.map(({ offset, bytes, rows, plainBytes }) => {
      return {
        sink,
        partition,
        rows,
        plainBytes,
        bytes: Buffer.from(block.subarray(offset, offset + bytes)),
      };
    }),
  );
}

/** A block of these frames with right checksums, lengths and places; and the checksum that the log would name. */
function seal(frames: readonly Frame[]): { readonly block: Buffer; readonly checksum: number } {
  const parts: Uint8Array[] = [BLOCK_HEAD];
  let offset = BLOCK_HEAD.length;
  const lists = new Map<
    string,
    {
      sink: number;
      partition: number;
      frames: { offset: number; bytes: number; plainBytes: number; rows: number; crc: number }[];
    }
  >();
  for (const { sink, partition, rows, plainBytes, bytes } of frames) {
    const isPlain = bytes[1] === 0;
    bytes.writeUInt32LE(rows, 4);
    bytes.writeUInt32LE(bytes.length - FRAME_HEADER_BYTES, 8);
    if (isPlain) bytes.writeUInt32LE(bytes.length - FRAME_HEADER_BYTES, 12);
    bytes.writeUInt32LE(sink, 16);
    bytes.writeUInt32LE(partition, 20);
    const crc = crc32(bytes.subarray(FRAME_HEADER_BYTES), crc32(bytes.subarray(0, 24)));
    bytes.writeUInt32LE(crc, 24);
    const list = lists.get(`${sink}/${partition}`) ?? { sink, partition, frames: [] };
    lists.set(`${sink}/${partition}`, list);
    list.frames.push({
      offset,
      bytes: bytes.length,
      plainBytes: isPlain ? bytes.length : plainBytes,
      rows,
      crc,
    });
    const padding = (FRAME_ALIGNMENT - (bytes.length % FRAME_ALIGNMENT)) % FRAME_ALIGNMENT;
    parts.push(bytes, Buffer.alloc(padding));
    offset += bytes.length + padding;
  }
  const to = new ByteWriter();
  encodeIndex(
    to,
    [...lists.values()].sort((a, b) => a.sink - b.sink || a.partition - b.partition),
  );
  const checksum = crc32(to.written());
  const indexBytes = to.length;
  encodeTrailer(to, { indexOffset: offset, indexBytes, indexCrc: checksum });
  to.u32(crc32(to.written().subarray(indexBytes)));
  return { block: Buffer.concat([...parts, to.written()]), checksum };
}

type Change = (frames: Frame[]) => void;

const CONTENTS = [1, 2, 3];
const WORDS = [0, 1, 2, 3, 0xff, 0x100, 0x7fff_ffff, 0xffff_fffe, 0xffff_ffff];
const changed = (frames: readonly Frame[], index: number): Frame => frames[index % frames.length]!;
const body = (frame: Frame): Buffer => frame.bytes.subarray(FRAME_HEADER_BYTES);
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.tuple(fc.nat(), fc.nat(), fc.nat(255)).map(
    ([index, at, byte]): Change =>
      (frames) => {
        const bytes = body(changed(frames, index));
        if (bytes.length > 0) bytes[at % bytes.length] = byte;
      },
  ),
  // Lengths, counts and kinds stand near the beginning.
  fc.tuple(fc.nat(), fc.nat(12), fc.constantFrom(...WORDS)).map(
    ([index, at, word]): Change =>
      (frames) => {
        const bytes = body(changed(frames, index));
        if (bytes.length >= 4) bytes.writeUInt32LE(word, Math.min(4 * at, bytes.length - 4));
      },
  ),
  fc.tuple(fc.nat(), fc.nat()).map(
    ([index, at]): Change =>
      (frames) => {
        const frame = changed(frames, index);
        frame.bytes = frame.bytes.subarray(
          0,
          FRAME_HEADER_BYTES + (at % (frame.bytes.length - FRAME_HEADER_BYTES + 1)),
        );
      },
  ),
  fc.tuple(fc.nat(), fc.constantFrom(-1, 1, 5, 100_000)).map(
    ([index, more]): Change =>
      (frames) => {
        const frame = changed(frames, index);
        frame.rows = Math.max(1, frame.rows + more);
      },
  ),
  fc.tuple(fc.nat(), fc.constantFrom(...CONTENTS)).map(
    ([index, content]): Change =>
      (frames) => {
        changed(frames, index).bytes[0] = content;
      },
  ),
  fc.tuple(fc.nat(), fc.nat()).map(
    ([index, other]): Change =>
      (frames) => {
        const [to, from] = [changed(frames, index), changed(frames, other)];
        to.bytes = Buffer.from(from.bytes);
        to.rows = from.rows;
        to.plainBytes = from.plainBytes;
      },
  ),
  fc.tuple(fc.nat(), fc.nat(5)).map(
    ([index, partition]): Change =>
      (frames) => {
        changed(frames, index).partition = partition;
      },
  ),
  fc.nat().map(
    (index): Change =>
      (frames) => {
        if (frames.length > 1) frames.splice(index % frames.length, 1);
      },
  ),
  fc.nat().map(
    (index): Change =>
      (frames) => {
        const frame = changed(frames, index);
        frames.splice(index % frames.length, 0, { ...frame, bytes: Buffer.from(frame.bytes) });
      },
  ),
);

const settings = fc.record({
  rows: fc.integer({ min: 1, max: 60 }),
  compressBlocks: fc.boolean(),
  memoryBytes: fc.constantFrom(1 << 26, 4_000),
  victim: fc.nat(),
  changes: fc.array(change, { minLength: 1, maxLength: 3 }),
});

/** Where the log names this block, it names this checksum and length. */
const withBlock = (
  sides: readonly (readonly ProducerBlocks[])[],
  key: string,
  checksum: number,
  bytes: number,
) =>
  sides.map((producers) =>
    producers.map((producer) => ({
      ...producer,
      blocks: producer.blocks.map((block) => (block.key === key ? { ...block, checksum, bytes } : block)),
    })),
  );

test.each(BLOCK_CASES)(
  "a block of a %s that was sealed again is rows, or an error that names it",
  async (_, node, makers) => {
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(settings, async ({ rows, compressBlocks, memoryBytes, victim, changes }) => {
        const env = createMemoryEnvironment({ ...codecs, compressBlocks });
        const given: ShuffleRows = makers.map((make) => [[make(rows), make(1 + (rows >> 1))]]);
        const request = { node, partitions: PARTITIONS, env, memoryBytes };
        const sides = await mapShuffle({ ...request, rows: given });
        const whole = await reduceShuffle({ ...request, sides });
        const keys = [...env.blobs.blobs.keys()];
        const key = keys[victim % keys.length]!;
        const frames = framesOf(Buffer.from(env.blobs.blobs.get(key)!));
        const asItWas = seal(framesOf(Buffer.from(env.blobs.blobs.get(key)!)));
        env.blobs.blobs.set(key, asItWas.block);
        const again = withBlock(sides, key, asItWas.checksum, asItWas.block.length);
        expect(await reduceShuffle({ ...request, sides: again })).toEqual(whole);
        for (const make of changes) make(frames);
        const { block, checksum } = seal(frames);
        env.blobs.blobs.set(key, block);
        try {
          await reduceShuffle({ ...request, sides: withBlock(sides, key, checksum, block.length) });
        } catch (error) {
          refused++;
          if (!(error instanceof BicoastalError)) throw error;
          expect(error).toMatchObject({ code: "BLOB_CORRUPT", details: { key } });
        } finally {
          env.scratch.dispose();
        }
      }),
      { numRuns: RUNS },
    );
    expect(refused).toBeGreaterThan(0);
  },
);

/** Every way to seal a frame of these so that it was cut and says that it holds something else, or is twice there and has more rows. */
function* resealed(bytes: Buffer): Generator<Frame[], void> {
  for (let number = 0; number < framesOf(bytes).length; number++) {
    const { length } = framesOf(bytes)[number]!.bytes;
    for (let end = FRAME_HEADER_BYTES; end <= length; end++) {
      for (const content of CONTENTS) {
        const frames = framesOf(bytes);
        const frame = frames[number]!;
        frame.bytes = frame.bytes.subarray(0, end);
        frame.bytes[0] = content;
        yield frames;
      }
    }
    for (const more of [0, 1, 5, 100_000]) {
      const frames = framesOf(bytes);
      const frame = frames[number]!;
      frame.rows += more;
      frames.splice(number, 0, { ...frame, bytes: Buffer.from(frame.bytes) });
      yield frames;
    }
  }
}

test.each(BLOCK_CASES)(
  "a block of a %s of which a frame was cut anywhere, or is there twice, is rows or an error",
  async (_, node, makers) => {
    for (const rows of [1, 2]) {
      const env = createMemoryEnvironment(codecs);
      const given: ShuffleRows = makers.map((make) => [[make(rows), make(1)]]);
      const request = { node, partitions: PARTITIONS, env, memoryBytes: 1 << 26 };
      const sides = await mapShuffle({ ...request, rows: given });
      for (const [key, bytes] of [...env.blobs.blobs]) {
        for (const frames of resealed(Buffer.from(bytes))) {
          const { block, checksum } = seal(frames);
          env.blobs.blobs.set(key, block);
          const again = { ...request, sides: withBlock(sides, key, checksum, block.length) };
          const error = await reduceShuffle(again).then(
            () => undefined,
            (thrown: unknown) => thrown,
          );
          if (error !== undefined) expect(error).toMatchObject({ code: "BLOB_CORRUPT", details: { key } });
        }
        env.blobs.blobs.set(key, bytes);
      }
      env.scratch.dispose();
    }
  },
);
