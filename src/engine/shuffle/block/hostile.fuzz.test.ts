/** Frames whose checksum is right and whose bytes are wrong all the same: what a bug or an attacker could make. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { lz4 } from "../../../adapters/codec/lz4.ts";
import { createMsgpackCodec } from "../../../adapters/codec/msgpack-codec.ts";
import { crc32 } from "../../../adapters/codec/zlib.ts";
import { ByteWriter } from "./byte-writer.ts";
import { CELLS_MAX, LAYOUT } from "./column-layout.ts";
import {
  decodeFrame,
  decodeFrameColumns,
  encodeBytesFrame,
  encodeFrame,
  FRAME_HEADER_BYTES,
  type FrameExtent,
} from "./frame.ts";
import { COMPRESSED_PLAIN_BYTES_MAX } from "./frame-compression.ts";

const codec = createMsgpackCodec();
const options = { codec, own: "none", lz4 } as const;
const CONTENT_ROWS = 1;
const FORM_LZ4 = 1;

/** A frame of rows with any body; a compressed one where `plainBytes` is given. */
function frameWith(body: Uint8Array, rows: number, plainBytes?: number): [Uint8Array, FrameExtent] {
  const to = new ByteWriter();
  encodeBytesFrame(to, rows, body, crc32);
  const frame = Buffer.from(to.written());
  frame[0] = CONTENT_ROWS;
  if (plainBytes !== undefined) {
    frame[1] = FORM_LZ4;
    frame.writeUInt32LE(plainBytes, 12);
  }
  const crc = crc32(frame.subarray(FRAME_HEADER_BYTES), crc32(frame.subarray(0, 24)));
  frame.writeUInt32LE(crc, 24);
  return [frame, { offset: 0, bytes: frame.length, rows, crc }];
}

function bodyOf(values: readonly unknown[]): Uint8Array {
  const to = new ByteWriter();
  encodeFrame(to, undefined, values, { codec, crc32 });
  return Buffer.from(to.written().subarray(FRAME_HEADER_BYTES));
}

/** Either an error, or as many rows as the frame has. */
function expectNoHarm(body: Uint8Array, rows: number, plainBytes?: number): void {
  const [frame, extent] = frameWith(body, rows, plainBytes);
  try {
    expect(decodeFrame(frame, extent, crc32, options).values).toHaveLength(rows);
  } catch (error) {
    expect(error).toBeInstanceOf(Error);
    expect((error as Error).name).not.toBe("AssertionError");
  }
  try {
    expect(decodeFrameColumns(frame, extent, crc32, options).rows).toBe(rows);
  } catch (error) {
    expect(error).toBeInstanceOf(Error);
    expect((error as Error).name).not.toBe("AssertionError");
  }
}

const text = fc.string({ unit: "binary", maxLength: 20 });
const record = fc.record(
  { id: fc.integer(), name: text, on: fc.boolean(), tags: fc.array(text, { maxLength: 3 }) },
  { requiredKeys: ["id"], noNullPrototype: true },
);
const values = fc.oneof(
  ...[
    fc.integer(),
    fc.double(),
    text,
    fc.constantFrom("eu", "us"),
    fc.boolean(),
    record,
    fc.tuple(text, fc.integer()),
    fc.array(fc.integer()),
    fc.bigInt(),
    fc.date(),
    fc.oneof(text, fc.integer(), fc.constant(null), record),
    fc.anything({ withMap: true, withSet: true, withTypedArray: true }),
  ].map((row) => fc.array(row as fc.Arbitrary<unknown>, { minLength: 1, maxLength: 40 })),
);
const change = fc.record({
  at: fc.nat(),
  kind: fc.constantFrom("set", "insert", "cut", "end"),
  byte: fc.oneof(fc.constantFrom(0, 1, 0x7f, 0xff, ...Object.values(LAYOUT)), fc.nat(255)),
});

it("is refused, or gives as many rows as it says, wherever bytes have changed", () => {
  fc.assert(
    fc.property(
      values,
      fc.array(change, { minLength: 1, maxLength: 6 }),
      fc.constantFrom(0, 0, 0, 1, -1, 1000),
      (rows, changes, more) => {
        let body = [...bodyOf(rows)];
        for (const { at, kind, byte } of changes) {
          const place = at % (body.length + 1);
          if (kind === "set") body[place] = byte;
          else if (kind === "insert") body.splice(place, 0, byte);
          else if (kind === "cut") body.splice(place, 1);
          else body = body.slice(0, place);
        }
        expectNoHarm(Uint8Array.from(body), Math.max(1, rows.length + more));
      },
    ),
    { numRuns: 3000 },
  );
});

it("is refused, or gives as many rows as it says, where its bytes are anything", () => {
  const layoutFirst = fc.tuple(fc.constantFrom(...Object.values(LAYOUT)), fc.uint8Array({ maxLength: 60 }));
  fc.assert(
    fc.property(layoutFirst, fc.integer({ min: 1, max: 300 }), ([layout, rest], rows) => {
      expectNoHarm(Uint8Array.of(layout, ...rest), rows);
    }),
    { numRuns: 3000 },
  );
});

it("takes no more memory than its bytes, or a bound, whatever it claims", () => {
  const nested = (layout: number, ...rest: number[]) =>
    Uint8Array.of(
      ...Array(5)
        .fill([layout, ...rest])
        .flat(),
    );
  const claims: [Uint8Array, number][] = [
    [Uint8Array.of(LAYOUT.null), 2 ** 32 - 1],
    [Uint8Array.of(LAYOUT.undefined), CELLS_MAX + 1],
    [Uint8Array.of(LAYOUT.ascii, 4), 2 ** 32 - 1],
    [Uint8Array.of(LAYOUT.float64), 2 ** 32 - 1],
    [Uint8Array.of(LAYOUT.boolean), 2 ** 31],
    [Uint8Array.of(LAYOUT.dictionary, 0, LAYOUT.ascii, 1, 1, 65), 2 ** 31],
    [Uint8Array.of(LAYOUT.record, 255, 255, 255, 255, LAYOUT.ascii, 1), 1],
    [Uint8Array.of(LAYOUT.list, 4, 0, 0, 255, 255, 255, 255, LAYOUT.null), 1],
    [nested(LAYOUT.tuple, 255), 1_000_000],
    [nested(LAYOUT.union, 0), 1000],
    [Uint8Array.of(LAYOUT.general, 5, 0, 0, 0, 0xdd, 1, 255, 255, 255), 0x1ffffff],
    [Uint8Array.of(LAYOUT.general, 7, 0, 0, 0, 0x91, 0xdc, 255, 255, 0xdd, 0, 255), 1],
  ];
  for (const [body, rows] of claims) {
    const [frame, extent] = frameWith(body, rows);
    const before = process.memoryUsage();
    expect(() => decodeFrame(frame, extent, crc32, options)).toThrow();
    const after = process.memoryUsage();
    expect(after.heapTotal + after.external - before.heapTotal - before.external).toBeLessThan(200e6);
  }
});

it("is refused, or gives as many rows as it says, wherever compressed bytes have changed", () => {
  const big = values.map((rows) => bodyOf(Array(60).fill(rows).flat()));
  fc.assert(
    fc.property(
      big.map((body) => [body, lz4.compress(body)] as const),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
      fc.constantFrom(0, 0, 0, 1, -1, 1000),
      ([body, compressed], changes, more) => {
        const changed = Uint8Array.from(compressed);
        for (const [at, byte] of changes) changed[at % changed.length] = byte;
        expectNoHarm(changed, body.length, Math.max(1, body.length + more));
      },
    ),
    { numRuns: 1000 },
  );
});

it("takes no more memory than a bound for what claims to be compressed", () => {
  const body = Uint8Array.from(lz4.compress(new Uint8Array(COMPRESSED_PLAIN_BYTES_MAX + 1)));
  for (const plainBytes of [0, 1, COMPRESSED_PLAIN_BYTES_MAX, COMPRESSED_PLAIN_BYTES_MAX + 1, 2 ** 32 - 1]) {
    const [frame, extent] = frameWith(body, 1, plainBytes);
    const before = process.memoryUsage();
    expect(() => decodeFrame(frame, extent, crc32, options)).toThrow(RangeError);
    const after = process.memoryUsage();
    expect(after.external - before.external).toBeLessThan(32e6);
  }
});

it("is refused where nothing is there to undo the compression", () => {
  const rows = Array<string>(1000).fill("one like the other");
  const body = bodyOf(rows);
  const [frame, extent] = frameWith(lz4.compress(body), rows.length, body.length);
  expect(decodeFrame(frame, extent, crc32, options).values).toEqual(rows);
  expect(() => decodeFrame(frame, extent, crc32, { codec, own: "none" })).toThrow("compressed");
});
