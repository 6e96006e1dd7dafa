import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createMsgpackCodec } from "../../../adapters/codec/msgpack-codec.ts";
import { ByteReader } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import { ColumnDecoder, type OwnStrings } from "./column-decode.ts";
import { ColumnEncoder } from "./column-encode.ts";
import { LAYOUT } from "./column-layout.ts";

const codec = createMsgpackCodec();

function encode(values: readonly unknown[]): Buffer {
  const to = new ByteWriter(4);
  new ColumnEncoder(to, codec).add(values);
  return Buffer.from(to.written());
}

function decode(bytes: Uint8Array, rows: number, own: OwnStrings): unknown[] {
  const from = new ByteReader(bytes);
  const values = new ColumnDecoder(from, { codec, own }).values(rows);
  expect(from.position).toBe(bytes.length);
  return values;
}

const text = fc.string({ unit: "binary", maxLength: 30 });
const atom = fc.oneof(
  fc.constantFrom<unknown>(null, undefined, -0, Number.NaN, 1n, true, false),
  fc.integer(),
  fc.double(),
  text,
);
const record = fc.record(
  { a: fc.integer(), text, inner: fc.record({ x: fc.option(fc.double()) }, { noNullPrototype: true }) },
  { noNullPrototype: true },
);
const column = fc.oneof(
  fc.array(fc.integer({ min: -130, max: 130 })),
  fc.array(fc.integer({ min: -40_000, max: 40_000 })),
  fc.array(fc.integer()),
  fc.array(fc.double()),
  fc.array(fc.boolean()),
  fc.array(text),
  fc.array(fc.string({ maxLength: 400 })),
  fc.array(fc.option(text)),
  fc.array(fc.option(fc.integer(), { nil: undefined })),
  fc.array(fc.constantFrom(null, undefined)),
  fc.array(fc.tuple(text, fc.integer())),
  fc.array(fc.array(fc.integer(), { maxLength: 3 })),
  fc.array(record),
  fc.array(fc.option(record)),
  fc.array(
    fc.dictionary(fc.constantFrom("a", "b", "__proto__", "toJSON"), atom, {
      noNullPrototype: true,
    }),
  ),
  fc.array(fc.tuple(record, fc.tuple(fc.array(text), fc.option(text)))),
  fc.array(fc.bigInt()),
  fc.array(fc.date()),
  fc.array(atom),
);

describe("a column", () => {
  it("gives back what was put in, with strings of their own or not", () => {
    fc.assert(
      fc.property(column, (values) => {
        fc.pre(values.length > 0);
        const bytes = encode(values);
        for (const own of ["none", "nested", "all"] as const) {
          expect(decode(bytes, values.length, own)).toStrictEqual(values);
        }
        expect(encode(structuredClone(values) as unknown[]).equals(bytes)).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });

  it("takes the layout that fits", () => {
    const layouts: [readonly unknown[], number][] = [
      [[1, 255], LAYOUT.uint8],
      [[1, 256], LAYOUT.uint16],
      [[1, 2 ** 32 - 1], LAYOUT.uint32],
      [[1, -128, 127], LAYOUT.int8],
      [[-1, 128], LAYOUT.int16],
      [[1, -32_769], LAYOUT.int32],
      [[-1, 2 ** 31], LAYOUT.float64],
      [[1, 2 ** 32], LAYOUT.float64],
      [[1, -0], LAYOUT.float64],
      [["a", "b"], LAYOUT.ascii],
      [["a", "é"], LAYOUT.latin1],
      [["a", "€"], LAYOUT.utf16le],
      [["a long text but for one", "€"], LAYOUT.utf8],
      [["a long text but for one", "\ud800"], LAYOUT.utf16le],
      [["a long text but for one\ud83d", "\ude00"], LAYOUT.utf16le],
      [["a", "a", "a", "a"], LAYOUT.dictionary],
      [["a", "a", "a", "b"], LAYOUT.ascii],
      [[true, false], LAYOUT.boolean],
      [[null, null], LAYOUT.null],
      [[undefined], LAYOUT.undefined],
      [[null, 1], LAYOUT.union],
      [[1n, -(2n ** 63n)], LAYOUT.bigint],
      [[1n, 2n ** 63n], LAYOUT.general],
      [[new Date(0)], LAYOUT.date],
      [
        [
          [1, "a"],
          [2, "b"],
        ],
        LAYOUT.tuple,
      ],
      [[[1, 2], []], LAYOUT.list],
      [
        [
          { a: 1, b: 2 },
          { a: 3, b: 4 },
        ],
        LAYOUT.record,
      ],
      [
        [
          { a: 1, b: 2 },
          { b: 3, a: 4 },
        ],
        LAYOUT.union,
      ],
      [[1, "a"], LAYOUT.union],
      [[new Map()], LAYOUT.general],
    ];
    for (const [values, layout] of layouts) expect([values, encode(values)[0]]).toEqual([values, layout]);
  });

  it("gives the same bytes for every NaN: which one an operation makes is up to the processor", () => {
    const other = new Float64Array(new BigUint64Array([0xfff8000000000001n]).buffer)[0];
    expect(encode([other, 1])).toEqual(encode([Number.NaN, 1]));
    expect(encode([[other], [0.5]])).toEqual(encode([[Number.NaN], [0.5]]));
    expect(encode([other, "a"])).toEqual(encode([Number.NaN, "a"]));
  });

  it("takes more room than it had, and long and many strings", () => {
    const long = ["x".repeat(300), "y".repeat(70_000), "", "z"];
    expect(decode(encode(long), 4, "none")).toEqual(long);
    const many = Array.from({ length: 20_000 }, (_, i) => `row number ${i} of many`);
    expect(decode(encode(many), many.length, "none")).toEqual(many);
    const huge = ["h".repeat(9_000_000), "€".repeat(9_000_000), "end"];
    expect(decode(encode(huge), 3, "none").every((value, i) => value === huge[i])).toBe(true);
  });

  it("refuses what cannot leave a task", () => {
    class Account {
      id = 1;
    }
    for (const wrong of [() => 1, Symbol("s"), new Account(), Promise.resolve(1)]) {
      for (const values of [[wrong], [1, wrong], [{ a: wrong }], [[wrong, 1]], [null, wrong]]) {
        expect(() => encode(values)).toThrowError(expect.objectContaining({ code: "VALUE_UNENCODABLE" }));
      }
    }
  });

  it("throws on bytes that are no column, and does not crash", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 100 }),
        fc.integer({ min: 1, max: 50 }),
        (bytes, rows) => {
          try {
            expect(
              new ColumnDecoder(new ByteReader(bytes), { codec, own: "none" }).values(rows),
            ).toHaveLength(rows);
          } catch (error) {
            expect(error).toBeInstanceOf(Error);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});
