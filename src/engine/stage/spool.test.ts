import { deserialize, serialize } from "node:v8";
import { crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import { createMemoryScratch } from "../../sim/ports/memory-scratch.ts";
import { Spool } from "./spool.ts";

const codec = {
  encode: (values: readonly unknown[]) => serialize(values),
  decode: (bytes: Uint8Array) => deserialize(bytes) as unknown[],
};
const spoolOf = (memoryBytes: number, beforeChunk = () => {}) =>
  new Spool({ codec, crc32, scratch: createMemoryScratch(), memoryBytes, beforeChunk });

describe("a spool", () => {
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
