import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { lz4 } from "../../../adapters/codec/lz4.ts";
import { createMsgpackCodec } from "../../../adapters/codec/msgpack-codec.ts";
import { crc32, gzip } from "../../../adapters/codec/zlib.ts";
import { assert } from "../../../base/assert.ts";
import { BicoastalError } from "../../../base/errors.ts";
import type { BlockRef } from "../../../plan/task.ts";
import type { Crc32 } from "../../../ports/codec.ts";
import { createMemoryEnvironment, type MemoryEnvironment } from "../../../sim/ports/memory-shuffle.ts";
import { foldedCrc } from "../../kernel/folded-crc.ts";
import { createWasmSortKernel } from "../../kernel/wasm-sort-kernel.ts";
import { BLOCK_HEAD, TRAILER_BYTES } from "./block-format.ts";
import { BlockReader, FrameRoom } from "./block-reader.ts";
import { BlockWriter, type PlacedFrame } from "./block-writer.ts";
import {
  decodeFrame,
  FRAME_ALIGNMENT,
  FRAME_HEADER_BYTES,
  type FrameHeader,
  readFrameHeader,
} from "./frame.ts";

const codecs = { codec: createMsgpackCodec(), crc32, gzip, lz4 };
const KEY = "blocks/one";

interface Frame {
  readonly sink: number;
  readonly partition: number;
  readonly rows: readonly (readonly [unknown, unknown])[];
}

/** What is worth compressing. */
const repeating = fc
  .tuple(fc.string({ minLength: 1 }), fc.integer({ min: 30, max: 300 }))
  .map(([text, times]) => text.repeat(times));

const frame: fc.Arbitrary<Frame> = fc.record({
  sink: fc.nat(2),
  partition: fc.nat(3),
  rows: fc.array(
    fc.tuple(
      fc.oneof(fc.string(), fc.nat()),
      fc.oneof(fc.integer(), fc.string(), fc.constant(null), repeating),
    ),
    { minLength: 1, maxLength: 20 },
  ),
});

async function write(frames: readonly Frame[], env: MemoryEnvironment): Promise<BlockRef> {
  const block = new BlockWriter(writing(env));
  for (const { sink, partition, rows } of frames) {
    block.append(
      sink,
      partition,
      rows.map(([k]) => k),
      rows.map(([, v]) => v),
    );
  }
  return (await block.finish())!;
}

const writing = (env: MemoryEnvironment) => ({
  ...env,
  key: KEY,
  compressWith: env.compressBlocks ? env.lz4 : undefined,
});

/** Everything a reader gets out of a block. */
async function readAll(ref: BlockRef, env: MemoryEnvironment): Promise<unknown[]> {
  const block = await BlockReader.open(ref, env);
  const all: unknown[] = [];
  try {
    for (let sink = 0; sink < 3; sink++) {
      for (let partition = 0; partition < 4; partition++) {
        const extents = block.frames(sink, partition);
        await block.prepare(extents);
        for (const extent of extents) {
          const { keys, values } = block.read(extent);
          all.push([sink, partition, keys, values]);
        }
      }
    }
    return all;
  } finally {
    block.close();
  }
}

/** Marks all but what only readers from the beginning look at: the head, and the zeros between frames. */
function vitalBytes(block: Uint8Array): Uint8Array {
  const marks = new Uint8Array(block.length).fill(1);
  let end = 0;
  for (const { frame } of framesOf(block)) {
    const start = frame.byteOffset - block.byteOffset;
    marks.fill(0, end, start);
    end = start + frame.length;
  }
  return marks.fill(0, end, end + (-end & 7));
}

/** The frames of a block as they are found from its beginning on, without its index. */
function framesOf(block: Uint8Array): { header: FrameHeader; frame: Uint8Array }[] {
  const found: { header: FrameHeader; frame: Uint8Array }[] = [];
  for (let at = BLOCK_HEAD.length; block[at] !== 0; ) {
    const header = readFrameHeader(block.subarray(at));
    const frame = block.subarray(at, at + FRAME_HEADER_BYTES + header.bodyBytes);
    found.push({ header, frame });
    at += frame.length + (-frame.length & 7);
  }
  return found;
}

async function outcome(ref: BlockRef, env: MemoryEnvironment): Promise<unknown[] | BicoastalError> {
  try {
    return await readAll(ref, env);
  } catch (error) {
    if (error instanceof BicoastalError) return error;
    throw error;
  }
}

describe.each([
  ["a block", { ...codecs, compressBlocks: false }],
  ["a compressed block", { ...codecs, compressBlocks: true }],
])("%s", (_, codecs) => {
  it("gives back each partition of each sink, in order", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(frame, { minLength: 1, maxLength: 12 }), async (frames) => {
        const env = createMemoryEnvironment(codecs);
        const ref = await write(frames, env);
        const expected = [...frames]
          .sort((a, b) => a.sink - b.sink || a.partition - b.partition)
          .map(({ sink, partition, rows }) => [
            sink,
            partition,
            rows.map(([k]) => k),
            rows.map(([, v]) => v),
          ]);
        expect(await readAll(ref, env)).toEqual(expected);
        expect(ref.bytes).toBe(env.blobs.blobs.get(KEY)?.length);
      }),
    );
  });

  it("is the same, byte by byte, for the same rows", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(frame), async (frames) => {
        const [a, b] = [createMemoryEnvironment(codecs), createMemoryEnvironment(codecs)];
        expect(await write(frames, a)).toEqual(await write(structuredClone(frames), b));
        expect(a.blobs.blobs.get(KEY)).toEqual(b.blobs.blobs.get(KEY));
      }),
    );
  });

  it("never gives wrong rows where bits have flipped", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(frame, { minLength: 1, maxLength: 6 }),
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 4 }),
        async (frames, flips) => {
          const env = createMemoryEnvironment(codecs);
          const ref = await write(frames, env);
          const stored = env.blobs.blobs.get(KEY) as Uint8Array;
          const before = Uint8Array.from(stored);
          const rows = await readAll(ref, env);
          const vital = vitalBytes(stored);
          for (const [at, mask] of flips) stored[at % stored.length]! ^= mask;
          if (stored.every((byte, i) => byte === before[i] || vital[i] === 0)) {
            expect(await readAll(ref, env)).toEqual(rows);
          } else {
            const expected = { code: "BLOB_CORRUPT", details: { key: KEY } };
            expect(await outcome(ref, env)).toMatchObject(expected);
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it("is corrupt when it is cut off, longer, or other bytes altogether", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(frame, { minLength: 1 }),
        fc.nat(),
        fc.uint8Array({ maxLength: 300 }),
        async (frames, at, noise) => {
          const env = createMemoryEnvironment(codecs);
          const ref = await write(frames, env);
          const stored = env.blobs.blobs.get(KEY) as Uint8Array;
          const wrong = [
            stored.subarray(0, at % stored.length),
            Buffer.concat([stored, Buffer.from([0])]),
            noise,
          ];
          for (const bytes of wrong) {
            env.blobs.blobs.set(KEY, bytes);
            const expected = { code: "BLOB_CORRUPT", details: { key: KEY }, retryable: true };
            expect(await outcome(ref, env)).toMatchObject(expected);
            // Even where the reader was told these very lengths and checksums.
            const claimed = { key: KEY, bytes: bytes.length, checksum: crc32(bytes) };
            expect(await outcome(claimed, env)).toMatchObject(expected);
          }
        },
      ),
    );
  });

  it("can be used frame by frame from its beginning, whoever's they are, without its index", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(frame, { minLength: 1, maxLength: 6 }), async (frames) => {
        const env = createMemoryEnvironment(codecs);
        const ref = await write(frames, env);
        const stored = env.blobs.blobs.get(KEY) as Uint8Array;
        expect(Buffer.from(stored.subarray(0, BLOCK_HEAD.length)).equals(BLOCK_HEAD)).toBe(true);
        const arrived = framesOf(stored).map(({ header: { sink, partition, rows, crc }, frame: bytes }) => {
          expect(bytes.byteOffset % 8).toBe(0);
          const extent = { offset: 0, bytes: bytes.length, rows, crc };
          const { keys, values } = decodeFrame(bytes, extent, crc32, { ...codecs, own: "none" });
          return { sink, partition, rows: keys.map((key, i) => [key, values[i]]) };
        });
        expect(arrived).toEqual(frames);
        expect(stored.length).toBe(ref.bytes);
      }),
    );
  });

  it("of another version is refused by both versions' names, and one that only seems so as damaged", async () => {
    const env = createMemoryEnvironment(codecs);
    const ref = await write([{ sink: 0, partition: 0, rows: [["k", 1]] }], env);
    const stored = Buffer.from(env.blobs.blobs.get(KEY) as Uint8Array);
    env.blobs.blobs.set(KEY, stored);
    const trailer = stored.subarray(-TRAILER_BYTES);
    const known = trailer.readUInt32LE(8);
    for (const [version, who] of [
      [known + 1, "a newer release"],
      [known - 1, "an older release"],
    ] as const) {
      trailer.writeUInt32LE(version, 8);
      expect(await outcome(ref, env)).toMatchObject({ message: expect.stringContaining("checksum") });
      trailer.writeUInt32LE(crc32(trailer.subarray(0, -4)), TRAILER_BYTES - 4);
      expect(await outcome(ref, env)).toMatchObject({
        code: "BLOB_CORRUPT",
        retryable: true,
        details: { key: KEY, version, versionKnown: known },
        message: expect.stringContaining(who),
      });
    }
  });

  it("is not taken for another one of the same length", async () => {
    const env = createMemoryEnvironment(codecs);
    const rowsOf = (value: string): Frame[] => [{ sink: 0, partition: 0, rows: [["k", value]] }];
    const first = await write(rowsOf("old"), env);
    const second = await write(rowsOf("new"), env);
    expect(second.bytes).toBe(first.bytes);
    expect(await outcome(first, env)).toMatchObject({ code: "BLOB_CORRUPT" });
    expect(await outcome(second, env)).toEqual([[0, 0, ["k"], ["new"]]]);
  });

  it("is missing when it is missing", async () => {
    const env = createMemoryEnvironment(codecs);
    const ref = await write([{ sink: 0, partition: 0, rows: [["k", 1]] }], env);
    env.blobs.blobs.clear();
    expect(await outcome(ref, env)).toMatchObject({ code: "BLOB_MISSING", details: { key: KEY } });
  });

  it("does not appear when it is aborted", async () => {
    const env = createMemoryEnvironment(codecs);
    const block = new BlockWriter({ ...env, key: KEY });
    block.append(0, 0, undefined, [1]);
    block.abort();
    expect(env.blobs.blobs.size).toBe(0);
  });
});

it("is not there where it would hold no row", async () => {
  const env = createMemoryEnvironment(codecs);
  expect(await new BlockWriter({ ...env, key: KEY }).finish()).toBeUndefined();
  expect(await env.blobs.has(KEY)).toBe(false);
});

it.each([false, true])(
  "gives bytes in a sink's own layout back, and no others, compressed: %s",
  async (compressBlocks) => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 100 }),
      repeating.map((text) => Uint8Array.from(Buffer.from(text))),
    );
    const bodies = fc.array(bytes, { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(bodies, async (given) => {
        const env = createMemoryEnvironment({ ...codecs, compressBlocks });
        const writer = new BlockWriter(writing(env));
        for (const body of given) writer.appendBytes(0, 0, 7, body);
        writer.append(0, 1, undefined, ["row"]);
        const block = await BlockReader.open((await writer.finish())!, env);
        const extents = block.frames(0, 0);
        await block.prepare([...extents, ...block.frames(0, 1)]);
        expect(extents.map((extent) => [extent.rows, block.readBytes(extent, new FrameRoom())])).toEqual(
          given.map((body) => [7, new Uint8Array(body)]),
        );
        expect(() => block.read(extents[0]!)).toThrow(BicoastalError);
        expect(() => block.readBytes(block.frames(0, 1)[0]!, new FrameRoom())).toThrow(BicoastalError);
        block.close();
      }),
      { numRuns: 50 },
    );
  },
);

it.each([false, true])(
  "has the same bytes for a frame made where its body is, compressed: %s",
  async (compressBlocks) => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 100 }),
      repeating.map((text) => Uint8Array.from(Buffer.from(text))),
    );
    const bodies = fc.array(bytes, { minLength: 1, maxLength: 5 });
    const placed = (body: Uint8Array): PlacedFrame => {
      const bytes = FRAME_HEADER_BYTES + body.length;
      const room = Buffer.alloc(Math.ceil(bytes / FRAME_ALIGNMENT) * FRAME_ALIGNMENT, 0xaa);
      room.set(body, FRAME_HEADER_BYTES);
      return { rows: 7, room, bytes };
    };
    const written = async (add: (writer: BlockWriter) => void) => {
      const env = createMemoryEnvironment({ ...codecs, compressBlocks });
      const writer = new BlockWriter(writing(env));
      add(writer);
      const ref = await writer.finish();
      return { ref, bytes: await env.blobs.get(KEY) };
    };
    await fc.assert(
      fc.asyncProperty(bodies, async (given) => {
        const copied = await written((writer) => {
          for (const body of given) writer.appendBytes(3, 1, 7, body);
        });
        const inPlace = await written((writer) => {
          for (const body of given) writer.appendInPlace(3, 1, placed(body));
        });
        expect(inPlace).toEqual(copied);
      }),
      { numRuns: 50 },
    );
  },
);

it("has the same bytes for a frame made in a kernel's memory, and reads it there and elsewhere", async () => {
  const kernel = createWasmSortKernel();
  assert(kernel !== undefined, "this machine has WebAssembly with SIMD");
  const fasterCrc = (crc32: Crc32): Crc32 => foldedCrc(kernel, crc32);
  const inKernel = (bytes: number): Buffer => {
    kernel.reserve(kernel.base + bytes);
    return kernel.bytes.subarray(kernel.base, kernel.base + bytes);
  };
  const written = async (add: (writer: BlockWriter) => void) => {
    const env = createMemoryEnvironment(codecs);
    const writer = new BlockWriter(writing(env));
    add(writer);
    const ref = await writer.finish();
    return { env, ref: ref!, bytes: await env.blobs.get(KEY) };
  };
  const bodies = fc.tuple(fc.integer({ min: 15_000, max: 150_000 }), fc.nat());
  await fc.assert(
    fc.asyncProperty(bodies, async ([length, number]) => {
      const body = new Uint8Array(length);
      for (let at = 0; at < length; at++) body[at] = Math.imul(at + number, 2_654_435_761) >>> 24;
      const copied = await written((writer) => writer.appendBytes(3, 1, 7, body));
      const inPlace = await written((writer) => {
        const bytes = FRAME_HEADER_BYTES + length;
        const room = inKernel(Math.ceil(bytes / FRAME_ALIGNMENT) * FRAME_ALIGNMENT);
        room.set(body, FRAME_HEADER_BYTES);
        writer.appendInPlace(3, 1, { rows: 7, room, bytes, fasterCrc });
      });
      expect(inPlace.ref).toEqual(copied.ref);
      expect(Buffer.from(inPlace.bytes).equals(copied.bytes)).toBe(true);
      const block = await BlockReader.open(inPlace.ref, inPlace.env);
      const [extent] = block.frames(3, 1);
      await block.prepare([extent!]);
      expect(Buffer.from(block.readBytes(extent!, { take: inKernel, fasterCrc })).equals(body)).toBe(true);
      expect(Buffer.from(block.readBytes(extent!, new FrameRoom())).equals(body)).toBe(true);
      const stored = await inPlace.env.blobs.get(KEY);
      stored[extent!.offset + FRAME_HEADER_BYTES + (number % length)]! ^= 1 << (number % 8);
      inPlace.env.blobs.blobs.set(KEY, stored);
      const damaged = await BlockReader.open(inPlace.ref, inPlace.env);
      await damaged.prepare([extent!]);
      expect(() => damaged.readBytes(extent!, { take: inKernel, fasterCrc })).toThrow(BicoastalError);
      damaged.close();
      block.close();
    }),
    { numRuns: 30 },
  );
});
