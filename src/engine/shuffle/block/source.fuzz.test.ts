import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createMsgpackCodec } from "../../../adapters/codec/msgpack-codec.ts";
import { crc32 } from "../../../adapters/codec/zlib.ts";
import { ByteWriter } from "./byte-writer.ts";
import type { Column, ColumnSource, NumberArray, TextBytes } from "./column.ts";
import { decodeFrame, decodeFrameColumns, encodeFrame, type FrameExtent } from "./frame.ts";

const codecs = { codec: createMsgpackCodec(), crc32 };
const options = { codec: codecs.codec, own: "none" } as const;

/** Some frames begin where nothing is aligned, as they do when they come over a network. */
function frameOf(source: ColumnSource, rows: number, shift = 0): [Uint8Array, FrameExtent] {
  const to = new ByteWriter(8);
  const crc = encodeFrame(to, source, source, codecs);
  const bytes = to.written();
  const frame = new Uint8Array(new ArrayBuffer(bytes.length + shift), shift);
  frame.set(bytes);
  return [frame, { offset: 0, bytes: bytes.length, rows, crc }];
}

function bytesOf(texts: readonly string[]): TextBytes {
  const parts = texts.map((text) => Buffer.from(text));
  return { bytes: Buffer.concat(parts), lengths: Uint32Array.from(parts, (part) => part.length) };
}

function valuesOf(column: Column): unknown[] {
  if (column.kind === "values") return [...column.values];
  if (column.kind === "dictionary") return [...column.codes].map((code) => column.entries[code]);
  if (column.kind === "numbers") return [...column.numbers];
  const { bytes, lengths, encoding } = column;
  let at = 0;
  return [...lengths].map((length) => {
    at += length;
    return bytes.toString(encoding === "ascii" ? "latin1" : encoding, at - length, at);
  });
}

const texts = fc.oneof(
  ...["x", "é", "€", "𝄞"].map((letter) =>
    fc.array(
      fc
        .array(fc.oneof({ weight: 9, arbitrary: fc.constantFrom("a", "b") }, fc.constant(letter)))
        .map((letters) => letters.join("")),
      { minLength: 1 },
    ),
  ),
  fc.array(fc.string({ unit: "grapheme" }), { minLength: 1 }),
  fc.array(fc.constantFrom("one", "two"), { minLength: 1, maxLength: 4 }),
);
const lone = fc.array(fc.string({ unit: fc.constantFrom("\ud83d", "\ude00", "a plain part") }), {
  minLength: 1,
});
const whole = (min: number, max: number) => fc.array(fc.integer({ min, max }), { minLength: 1 });
const arrays: fc.Arbitrary<NumberArray> = fc.oneof(
  whole(-128, 127).map((values) => Int8Array.from(values)),
  whole(0, 255).map((values) => Uint8Array.from(values)),
  whole(-40_000, 40_000).map((values) => Int32Array.from(values)),
  whole(0, 2 ** 32 - 1).map((values) => Uint32Array.from(values)),
  fc.array(fc.float(), { minLength: 1 }).map((values) => Float32Array.from(values)),
  fc.array(fc.double(), { minLength: 1 }).map((values) => Float64Array.from(values)),
);

describe("a frame", () => {
  it("is the same for texts as bytes and as strings, and gives them back as either", () => {
    fc.assert(
      fc.property(texts, fc.nat(9), (strings, shift) => {
        const source = bytesOf(strings);
        const [frame, extent] = frameOf(source, strings.length, shift);
        expect(Buffer.compare(frame, frameOf(strings, strings.length)[0])).toBe(0);
        expect(decodeFrame(frame, extent, crc32, options)).toEqual({ keys: strings, values: strings });
        const { rows, keys, values } = decodeFrameColumns(frame, extent, crc32, options);
        expect([rows, valuesOf(keys as Column), valuesOf(values)]).toEqual([
          strings.length,
          strings,
          strings,
        ]);
      }),
      { numRuns: 1000 },
    );
  });

  it.each([1, 255, 256, 257, 300])("is the same for %d texts that come again and again", (different) => {
    // Here and there rows are the same, so that all are looked at; all others are between these.
    const strings = Array.from({ length: 4096 }, (_, row) =>
      row % 64 === 0 ? "often" : `t${(row * 7919) % different}`,
    );
    expect(Buffer.compare(frameOf(bytesOf(strings), 4096)[0], frameOf(strings, 4096)[0])).toBe(0);
  });

  it("keeps halves of pairs as they are, also where neighbours would make a whole", () => {
    fc.assert(
      fc.property(lone, (strings) => {
        const [frame, extent] = frameOf(strings, strings.length);
        expect(decodeFrame(frame, extent, crc32, options).keys).toEqual(strings);
        expect(valuesOf(decodeFrameColumns(frame, extent, crc32, options).values)).toEqual(strings);
      }),
      { numRuns: 1000 },
    );
  });

  it("is the same for numbers in any array, and gives them back in arrays", () => {
    fc.assert(
      fc.property(arrays, fc.nat(9), (numbers, shift) => {
        const [frame, extent] = frameOf(numbers, numbers.length, shift);
        expect(Buffer.compare(frame, frameOf([...numbers], numbers.length)[0])).toBe(0);
        expect(decodeFrame(frame, extent, crc32, options).values).toEqual([...numbers]);
        const { values } = decodeFrameColumns(frame, extent, crc32, options);
        expect(values.kind).toBe("numbers");
        expect(valuesOf(values)).toEqual([...numbers]);
      }),
    );
  });

  it("hands out what it holds without copying it", () => {
    const [frame, extent] = frameOf(bytesOf(["ab", "c"]), 2);
    const { values: text } = decodeFrameColumns(frame, extent, crc32, options);
    expect(text).toMatchObject({ kind: "text", encoding: "ascii", lengths: new Uint32Array([2, 1]) });
    expect(text.kind === "text" && text.bytes.buffer).toBe(frame.buffer);
    const [numbered, where] = frameOf(Float64Array.of(0.5, -1), 2);
    const { keys: floats } = decodeFrameColumns(numbered, where, crc32, options);
    expect(floats?.kind === "numbers" && floats.numbers.buffer).toBe(numbered.buffer);
  });
});
