import fc from "fast-check";
import { expect, it } from "vitest";
import { createMsgpackCodec } from "../../../adapters/codec/msgpack-codec.ts";
import { crc32 } from "../../../adapters/codec/zlib.ts";
import { ByteWriter } from "../block/byte-writer.ts";
import { decodeFrameNested, encodeFrame } from "../block/frame.ts";
import { ColumnStore } from "./column-store.ts";

const codec = createMsgpackCodec();

const few = fc.constantFrom("north", "south", "a longer name of a region", "");
const latin1 = fc.string({ unit: fc.constantFrom("a", "b", "é"), maxLength: 40 });
const record = <T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(fields, { noNullPrototype: true });
/** One kind of column each; a frame takes one of them, so that what a store holds changes as it fills. */
const kinds: readonly fc.Arbitrary<unknown>[] = [
  fc.integer({ min: -100, max: 100 }),
  fc.integer(),
  fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  fc.oneof(fc.double(), fc.constantFrom(-0, Number.NaN)),
  few,
  latin1,
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.option(few),
  fc.oneof(fc.integer(), latin1, fc.boolean()),
  record({ name: latin1, region: few, share: fc.nat(99) }),
  record({ name: latin1, region: latin1, share: fc.double() }),
  record({ name: few, other: fc.integer() }),
  record({ nested: record({ at: fc.tuple(fc.integer(), few) }), list: fc.array(fc.nat()) }),
  fc.tuple(few, fc.integer()),
  fc.tuple(latin1),
  fc.constant(undefined),
  fc.constant({}),
];

interface Lot {
  readonly values: readonly unknown[];
  readonly kept: readonly boolean[];
}

const lot = (value: fc.Arbitrary<unknown>): fc.Arbitrary<Lot> =>
  fc
    // Many, as texts are only taken for repetitive then.
    .oneof(
      fc.array(value, { minLength: 1, maxLength: 30 }),
      fc.array(value, { minLength: 60, maxLength: 90 }),
    )
    .chain((values) =>
      fc.record({
        values: fc.constant(values),
        kept: fc.oneof(
          fc.constant(values.map(() => true)),
          fc.array(fc.boolean(), { minLength: values.length, maxLength: values.length }),
        ),
      }),
    );

const lots = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom(...kinds).chain((kind) => fc.array(lot(kind), { maxLength: 4 })) },
  fc.array(
    fc.constantFrom(...kinds).chain((kind) => lot(kind)),
    { maxLength: 4 },
  ),
);

it("gives back what it took, in whatever columns that came", () => {
  fc.assert(
    fc.property(lots, fc.infiniteStream(fc.nat(1000)), (taken, numbers) => {
      const store = new ColumnStore();
      const expected: unknown[] = [];
      for (const { values, kept } of taken) {
        const to = new ByteWriter();
        const crc = encodeFrame(to, undefined, values, { codec, crc32 });
        const frame = to.written().slice();
        const extent = { offset: 0, bytes: frame.length, rows: values.length, crc };
        const column = decodeFrameNested(frame, extent, crc32, { codec, own: "all" }).values;
        const picked = Uint32Array.from(kept.keys()).filter((row) => kept[row]);
        store.add(column, kept.includes(false) ? picked : undefined, values.length);
        // What it holds is its own.
        frame.fill(0);
        for (const row of picked) expected.push(values[row]);
      }
      expect(store.rows).toBe(expected.length);
      if (expected.length === 0) return;
      const wanted = Array.from({ length: 100 }, () => (numbers.next().value ?? 0) % expected.length);
      expect(store.take(Uint32Array.from(wanted))).toStrictEqual(wanted.map((row) => expected[row]));
      expect(store.bytes).toBeGreaterThanOrEqual(0);
      for (const row of wanted) expect(store.textBytesOf(row)).toBeLessThanOrEqual(store.textBytesMax);
    }),
    { numRuns: 400 },
  );
});

it("takes more texts than it gives codes to, and longer ones than are decoded together", () => {
  const store = new ColumnStore();
  const all: string[] = [];
  for (let lotNumber = 0; lotNumber < 40; lotNumber++) {
    const values = Array.from({ length: 2000 }, (_, row) => `${lotNumber} ${(row * 7) % 200}`);
    if (lotNumber === 30) values[5] = "é".repeat(100_000);
    const to = new ByteWriter();
    const crc = encodeFrame(to, undefined, values, { codec, crc32 });
    const frame = to.written();
    const extent = { offset: 0, bytes: frame.length, rows: values.length, crc };
    store.add(
      decodeFrameNested(frame, extent, crc32, { codec, own: "all" }).values,
      undefined,
      values.length,
    );
    all.push(...values);
  }
  expect(store.take(Uint32Array.from(all.keys()))).toEqual(all);
});
