import { expect, test } from "vitest";
import { createMsgpackCodec } from "../../../adapters/codec/msgpack-codec.ts";
import { crc32 } from "../../../adapters/codec/zlib.ts";
import { ByteWriter } from "./byte-writer.ts";
import { decodeFrame, encodeFrame } from "./frame.ts";
import { valueRoom } from "./value-room.ts";

const codec = createMsgpackCodec();

/** Written and read back as whoever keeps frames on scratch does. */
function readBack(values: readonly unknown[]): readonly unknown[] {
  const to = new ByteWriter();
  const crc = encodeFrame(to, undefined, values, { codec, crc32 });
  const room = valueRoom.take(to.length);
  room.set(to.written());
  const extent = { offset: 0, bytes: to.length, rows: values.length, crc };
  return decodeFrame(room, extent, crc32, { codec, own: "none" }).values;
}

test.each<[string, (seed: number) => unknown]>([
  ["numbers", (seed) => seed + 0.5],
  ["short texts", (seed) => `text ${seed}`],
  ["long texts", (seed) => `${seed} `.repeat(5_000)],
  ["texts beyond Latin-1", (seed) => `${seed}\u{1f40e}ж`.repeat(20)],
  ["truths", (seed) => seed % 3 === 0],
  ["large integers", (seed) => BigInt(seed) << 40n],
  ["dates", (seed) => new Date(seed * 1e9)],
  ["records", (seed) => ({ seed, text: `a text of number ${seed}`, list: [seed, seed] })],
  ["buffers", (seed) => new Uint8Array(50).fill(seed)],
  ["values of all types", (seed) => [seed, `${seed}`, null, { seed }, new Set([seed])][seed % 5]],
])("%s stay what they are when the next frame is read to the same place", (_, rowOf) => {
  const rowsFrom = (first: number) => Array.from({ length: 50 }, (_, row) => rowOf(first + row));
  const first = readBack(rowsFrom(0));
  readBack(rowsFrom(100));
  expect(first).toEqual(rowsFrom(0));
});

test("a frame of very large rows does not stay in memory", () => {
  const [one, other] = [valueRoom.take(2 ** 21), valueRoom.take(1000)];
  expect(one.length).toBe(2 ** 21);
  expect(other.buffer.byteLength).toBeLessThanOrEqual(2 ** 20);
  expect(valueRoom.take(1000).buffer).toBe(other.buffer);
});
