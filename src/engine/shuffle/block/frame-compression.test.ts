import { expect, it } from "vitest";
import { lz4 } from "../../../adapters/codec/lz4.ts";
import { Prng } from "../../../base/prng.ts";
import { COMPRESSED_PLAIN_BYTES_MAX, FrameCompression } from "./frame-compression.ts";

const random = new Prng("frames");
const noise = (bytes = 1000): Uint8Array => Uint8Array.from({ length: bytes }, () => random.below(256));
const text = (bytes = 1000): Uint8Array =>
  Uint8Array.from({ length: bytes }, (_, i) => "words, ".charCodeAt(i % 7));

/** Where frames of this kind were compressed. */
function compressed(
  frames: readonly Uint8Array[],
  compression = new FrameCompression(lz4),
  sink = 0,
): number[] {
  return frames.flatMap((frame, at) => (compression.compress(frame, sink, 1) === undefined ? [] : [at]));
}

it("compresses what pays, and leaves the rest as it is", () => {
  const [small, large] = [text(255), text(COMPRESSED_PLAIN_BYTES_MAX + 1)];
  const frames = [text(), small, large, text(256), noise(), text(), text(COMPRESSED_PLAIN_BYTES_MAX)];
  expect(compressed(frames)).toEqual([0, 3, 6]);
  const half = Buffer.concat([noise(500), text(500)]);
  const most = Buffer.concat([noise(950), text(50)]);
  expect(compressed([half, most])).toEqual([0]);
});

it("gives what can be undone", () => {
  const frame = text();
  const bytes = new FrameCompression(lz4).compress(frame, 0, 1) as Uint8Array;
  expect(bytes.length).toBeLessThan(100);
  expect(lz4.decompress(Uint8Array.from(bytes), frame.length)).toEqual(frame);
});

it("tries less and less where nothing is saved, and again when the data change", () => {
  const tried: number[] = [];
  let calls = 0;
  const counting = {
    ...lz4,
    compress: (bytes: Uint8Array) => {
      tried.push(calls);
      return lz4.compress(bytes);
    },
  };
  const compression = new FrameCompression(counting);
  for (; calls < 300; calls++) compression.compress(noise(300), 0, 1);
  expect(tried).toEqual([0, 2, 5, 10, 19, 36, 69, 134, 199, 264]);
  expect(compressed(Array(40).fill(text()), compression)).toEqual([
    29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39,
  ]);
  expect(compressed([noise(), noise(), text(), text()], compression)).toEqual([2, 3]);
});

it("chooses for each sink, and each kind of frame, by its own frames", () => {
  const compression = new FrameCompression(lz4);
  for (let i = 0; i < 7; i++) compression.compress(noise(), 0, 1);
  expect(compressed([text()], compression, 0)).toEqual([]);
  expect(compressed([text()], compression, 1)).toEqual([0]);
  expect(compression.compress(text(), 0, 2)).toBeDefined();
});
