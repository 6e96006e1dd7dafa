import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createMsgpackCodec } from "../../../adapters/codec/msgpack-codec.ts";
import { crc32 } from "../../../adapters/codec/zlib.ts";
import { estimateBytes } from "../estimate.ts";
import { AsciiText } from "./ascii-text.ts";
import { ByteWriter } from "./byte-writer.ts";
import { type ColumnSource, rowsOf } from "./column.ts";
import { encodeFrame } from "./frame.ts";
import { ValueBuffer } from "./value-buffer.ts";

const codecs = { codec: createMsgpackCodec(), crc32 };

/** Of the frame, or of what is said where a value cannot leave its task. */
function bytesOf(source: ColumnSource): Buffer {
  const to = new ByteWriter();
  try {
    encodeFrame(to, undefined, source, codecs);
  } catch (error) {
    expect(error).toMatchObject({ code: "VALUE_UNENCODABLE" });
    return Buffer.from((error as Error).message);
  }
  return Buffer.from(to.written());
}

const text = fc.oneof(
  fc.string({ unit: fc.constantFrom("a", "b", "\0", "\x7f"), maxLength: 5 }),
  fc.constantFrom("one", "two", "three"),
  fc.string({ unit: fc.constantFrom("a", "\x80", "é", "語"), maxLength: 3 }),
  fc.nat(70).map((length) => "x".repeat(length)),
);
const number = fc.oneof(fc.integer(), fc.double(), fc.constantFrom(0, -0, Number.NaN));
const other = fc.constantFrom<unknown>(
  null,
  undefined,
  true,
  1n,
  new Date(5),
  [1, "a"],
  Buffer.from("b"),
  {},
);
const field = fc.oneof(number, text, other, fc.constant({ in: { it: [1] } }));

/** All of one kind, as most columns are. */
const even = (value: fc.Arbitrary<unknown>) => fc.array(value, { maxLength: 100 });
const recordOf = (fields: Record<string, fc.Arbitrary<unknown>>) =>
  fc.record(fields, { noNullPrototype: false });
class Inheriting {
  own = 1;
}
Object.defineProperty(Inheriting.prototype, "more", { value: 2, enumerable: true });
const records = fc.oneof(
  recordOf({ name: fc.constantFrom("x", "y"), number }),
  recordOf({ number, name: text }),
  recordOf({ ["__proto__"]: text, field }),
  fc.dictionary(fc.constantFrom("0", "a", "b"), field),
  fc.nat(20).map((fields) => Object.fromEntries(Array.from({ length: fields }, (_, i) => [`f${i}`, i]))),
  fc.constant(new Inheriting()),
  fc.constant(Object.create({ inherited: 1 }, { a: { value: 1, enumerable: true } })),
);
const lists = fc.oneof(
  even(number),
  even(text),
  even(fc.constantFrom("one", "two")),
  even(recordOf({ region: fc.constantFrom("east", "west"), customer: text, discount: number })),
  even(recordOf({ a: field, b: fc.option(text) })),
  even(records),
  even(fc.oneof({ weight: 30, arbitrary: number }, { weight: 1, arbitrary: field })),
  even(fc.oneof({ weight: 30, arbitrary: text }, { weight: 1, arbitrary: records })),
  even(
    fc.oneof({ weight: 30, arbitrary: recordOf({ a: number, b: text }) }, { weight: 1, arbitrary: field }),
  ),
  even(field),
);

describe("values that wait for a frame", () => {
  it("make the same bytes as if they had been kept, and the same estimate", () => {
    fc.assert(
      fc.property(fc.array(lists, { minLength: 1, maxLength: 4 }), fc.boolean(), (rounds, asAscii) => {
        const buffer = new ValueBuffer();
        const read = new AsciiText();
        for (const values of rounds) {
          for (const value of values) {
            const added =
              asAscii && typeof value === "string" && read.read(value)
                ? buffer.addAscii(value, read)
                : buffer.add(value);
            expect(added).toBe(estimateBytes(value));
          }
          expect(buffer.rows).toBe(values.length);
          if (values.length > 0) {
            expect(rowsOf(buffer.column)).toBe(values.length);
            expect(bytesOf(buffer.column).equals(bytesOf(values))).toBe(true);
          }
          buffer.clear();
          expect(buffer.rows).toBe(0);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it("take records apart: what is done to them later makes no difference", () => {
    const buffer = new ValueBuffer();
    const records = Array.from({ length: 100 }, (_, i) => ({ name: `n${i}`, number: i }));
    const before = bytesOf(structuredClone(records));
    for (const record of records) {
      buffer.add(record);
      record.number = -1;
    }
    expect(buffer.column).toMatchObject({ names: ["name", "number"] });
    expect(bytesOf(buffer.column).equals(before)).toBe(true);
  });
});
