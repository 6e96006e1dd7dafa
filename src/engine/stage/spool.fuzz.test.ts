import { deserialize, serialize } from "node:v8";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { expect, it } from "vitest";
import { createMemoryScratch } from "../../sim/ports/memory-scratch.ts";
import { Spool } from "./spool.ts";

const codec = {
  encode: (values: readonly unknown[]) => serialize(values),
  decode: (bytes: Uint8Array) => deserialize(bytes) as unknown[],
};
const spoolOf = (memoryBytes: number) =>
  new Spool({ codec, crc32, scratch: createMemoryScratch(), memoryBytes, beforeChunk: () => {} });

it("a spool gives back what it was given, however little memory it has", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.string(), fc.integer(), fc.record({ id: fc.nat(), tags: fc.array(fc.string()) }))),
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
