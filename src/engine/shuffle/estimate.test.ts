import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { buildSync } from "esbuild";
import { beforeAll, describe, expect, it } from "vitest";
import { estimateBytes } from "./estimate.ts";

/** Prints what values cost in memory, measured, and what is guessed: in a process of its own, where nothing else allocates. */
const MEASURE = `
import { estimateBytes } from "./estimate.ts";
const text = (start, length) => Buffer.from(String(start).padEnd(length, "x")).toString("latin1");
const times = (count, make) => Array.from({ length: count }, (_, i) => make(i));
const kinds = {
  warm: (i) => text(i, 8),
  "short text": (i) => text(i, 8),
  "long text": (i) => text(i, 1000),
  record: (i) => ({ id: i, name: text(i, 12), ratio: i / 3, inner: { flag: true } }),
  pair: (i) => [text(i, 8), i],
  list: (i) => times(10, (j) => i + j),
  "small map": (i) => new Map([[i, i]]),
  map: (i) => new Map(times(100, (j) => [j, i])),
  "small set": (i) => new Set([i]),
  set: (i) => new Set(times(100, (j) => i + j)),
  date: (i) => new Date(i),
  "small buffer": () => new Uint8Array(10),
  buffer: () => new Uint8Array(1000),
};
const held = () => { gc(); gc(); const { heapUsed, external } = process.memoryUsage(); return heapUsed + external; };
const result = {};
// So much of each that the few hundred KB that Node itself gives back now and then (compiled code, say) are little beside it.
const BYTES = 16 * 2 ** 20;
for (const [kind, make] of Object.entries(kinds)) {
  const count = Math.ceil(BYTES / estimateBytes(make(0)));
  const kept = new Array(count);
  for (let i = 0; i < 100; i++) make(i);
  const before = held();
  for (let i = 0; i < count; i++) kept[i] = make(i + 1e6);
  result[kind] = { real: (held() - before) / count + 8, guess: estimateBytes(kept[7]) };
}
delete result.warm;
console.log(JSON.stringify(result));
`;

describe("the guess at what values cost", () => {
  let measured: Record<string, { real: number; guess: number }>;
  beforeAll(() => {
    const { outputFiles } = buildSync({
      stdin: { contents: MEASURE, resolveDir: import.meta.dirname, loader: "js" },
      bundle: true,
      write: false,
      format: "esm",
      platform: "node",
      outfile: join(import.meta.dirname, "measure.js"),
    });
    const program = outputFiles[0]?.text ?? "";
    const args = ["--expose-gc", "--input-type=module", "--eval", program];
    measured = JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" }));
  });

  it("is between three quarters of the truth and two and a half times as much, for what programs are made of", () => {
    expect(Object.keys(measured).length).toBeGreaterThan(10);
    for (const [kind, { real, guess }] of Object.entries(measured)) {
      expect(guess / real, kind).toBeGreaterThan(0.75);
      expect(guess / real, kind).toBeLessThan(2.5);
    }
  });

  it("looks at the first elements of long lists only, and not into the depths", () => {
    const long = Array.from({ length: 1_000_000 }, () => 1);
    expect(estimateBytes(long)).toBe(estimateBytes([1, 1]) + (long.length - 2) * 16);
    let deep: unknown = 1;
    for (let i = 0; i < 100_000; i++) deep = [deep];
    expect(estimateBytes(deep)).toBeLessThan(1000);
  });
});
