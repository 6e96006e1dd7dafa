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
  fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
  fc.array(fc.date({ noInvalidDate: false })),
  fc.array(fc.boolean()),
  fc.array(fc.array(fc.array(text, { maxLength: 3 }), { maxLength: 20 })),
  fc.array(fc.record({ a: fc.integer(), b: text }, { requiredKeys: [], noNullPrototype: true })),
  fc.array(fc.record({ toString: atom, valueOf: atom }, { requiredKeys: [], noNullPrototype: true })),
  fc.array(fc.oneof(record, fc.tuple(text, atom), atom)),
  fc.array(atom),
);
/** The same again and again: enough rows for whatever is looked for or made only where there are many. */
const tall = fc
  .tuple(column, fc.integer({ min: 60, max: 300 }))
  .map(([values, rows]) => Array.from({ length: rows }, (_, row) => values[row % values.length]));

describe("a column", () => {
  it("gives back what was put in, with strings of their own or not", () => {
    fc.assert(
      fc.property(fc.oneof(column, tall), (values) => {
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

  it("reads what a generated constructor made, of any names, as what was written", () => {
    const names = ["__proto__", "constructor", "a b", "1", "0", "\ud800", 'quote"', "line\n", "", "toString"];
    const rows = Array.from({ length: 200 }, (_, i) =>
      Object.fromEntries(names.slice(i % 3).map((name, j) => [name, i * j])),
    );
    const back = decode(encode(rows), rows.length, "none");
    expect(back).toStrictEqual(rows);
    expect(back.map((row) => Object.keys(row as object))).toEqual(rows.map((row) => Object.keys(row)));
    expect(Object.getPrototypeOf(back[0])).toBe(Object.prototype);
    expect(Reflect.get({}, "a b")).toBeUndefined();
  });

  it("takes records of more shapes than it tells apart, of very many fields, and deep ones", () => {
    const shapes = Array.from({ length: 100 }, (_, i) => ({ [`field${i}`]: i, same: i }));
    expect(decode(encode(shapes), 100, "none")).toStrictEqual(shapes);
    const wide = Array.from({ length: 2 }, () =>
      Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`f${i}`, i])),
    );
    expect(decode(encode(wide), 2, "none")).toStrictEqual(wide);
    let deep: unknown = 1;
    for (let i = 0; i < 20; i++) deep = i % 2 === 0 ? [deep, "x"] : { deep };
    expect(decode(encode([deep, deep]), 2, "none")).toStrictEqual([deep, deep]);
  });

  it("takes more values than a frame may claim", () => {
    const lists = [new Array(4_200_000).fill(null), [1]];
    const back = decode(encode(lists), 2, "none") as unknown[][];
    expect(back.map((list) => [list.length, list[0]])).toEqual([
      [4_200_000, null],
      [1, 1],
    ]);
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
