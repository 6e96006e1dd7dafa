import { deserialize, serialize } from "node:v8";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createMemoryScratch } from "../../sim/memory-scratch.ts";
import { Spool } from "./spool.ts";

const codec = {
  encode: (values: readonly unknown[]) => serialize(values),
  decode: (bytes: Uint8Array) => deserialize(bytes) as unknown[],
};
const spoolOf = (memoryBytes: number, beforeChunk = () => {}) =>
  new Spool({ codec, crc32, scratch: createMemoryScratch(), memoryBytes, beforeChunk });

describe("a spool", () => {
  it("gives back what it was given, however little memory it has", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(fc.string(), fc.integer(), fc.record({ id: fc.nat(), tags: fc.array(fc.string()) })),
        ),
        fc.nat({ max: 300 }),
        fc.nat({ max: 3000 }),
        (some, memoryBytes, copies) => {
          const rows = some.flatMap((row) =>
            Array.from({ length: Math.ceil(copies / some.length) }, () => row),
          );
          const spool = spoolOf(memoryBytes);
          for (const row of rows) spool.push(row);
          spool.seal();
          expect([...spool]).toEqual(rows);
          expect([...spool]).toEqual(rows);
          spool.dispose();
        },
      ),
      { numRuns: 60 },
    );
  });

  it("can be left early and read again from the start", () => {
    const spool = spoolOf(0);
    for (let i = 0; i < 5000; i++) spool.push(i);
    spool.seal();
    for (const row of spool) if (row === 1500) break;
    expect(spool.lastRead).toBe(1500);
    const [first] = spool;
    expect(first).toBe(0);
  });

  it("looks at whether to stop before each chunk", () => {
    let chunks = 0;
    const spool = spoolOf(1e6, () => {
      chunks++;
      if (chunks === 3) throw new Error("stop");
    });
    for (let i = 0; i < 5000; i++) spool.push(i);
    spool.seal();
    expect(() => [...spool]).toThrow("stop");
    expect(spool.lastRead).toBe(2047);
  });

  it("says so when it is read too late", () => {
    const spool = spoolOf(100);
    spool.push(1);
    spool.seal();
    const rows = spool[Symbol.iterator]();
    spool.dispose();
    expect(() => rows.next()).toThrow("read after its results had ended");
  });
});
