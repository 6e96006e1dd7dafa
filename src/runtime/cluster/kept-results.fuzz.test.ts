import fc from "fast-check";
import { expect, test } from "vitest";
import { createMsgpackCodec } from "../../adapters/codec/msgpack-codec.ts";
import { BicoastalError } from "../../base/errors.ts";
import { jobId } from "../../base/ids.ts";
import type { EndResult } from "../commit.ts";
import { decodeResults, encodeResults } from "./kept-results.ts";

const codec = createMsgpackCodec();
const JOB = jobId("job-1");
const value = fc.anything({
  withBigInt: true,
  withDate: true,
  withMap: true,
  withSet: true,
  withTypedArray: true,
});
const name = fc.string({ maxLength: 5 });
const results: fc.Arbitrary<readonly EndResult[]> = fc.array(
  fc.oneof(
    fc.record(
      { kind: fc.constant("rows" as const), name, rows: fc.array(value, { maxLength: 5 }) },
      { noNullPrototype: true },
    ),
    fc.record(
      { kind: fc.constant("value" as const), name, value: fc.oneof(value, fc.constant(undefined)) },
      { noNullPrototype: true },
    ),
    fc.record(
      {
        kind: fc.constant("written" as const),
        name,
        directory: fc.string(),
        files: fc.nat(),
        bytes: fc.maxSafeNat(),
        rows: fc.maxSafeNat(),
      },
      { noNullPrototype: true },
    ),
  ),
  { maxLength: 4 },
);

/** Results, or BLOB_CORRUPT. */
function decoded(bytes: Uint8Array): readonly EndResult[] | undefined {
  try {
    return decodeResults(bytes, codec, JOB);
  } catch (error) {
    if (!(error instanceof BicoastalError) || error.code !== "BLOB_CORRUPT") throw error;
    expect(error.details.job).toBe(JOB);
    return undefined;
  }
}

function expectResults(found: readonly EndResult[]): void {
  for (const result of found) {
    expect(typeof result.name).toBe("string");
    if (result.kind === "rows") expect(Array.isArray(result.rows)).toBe(true);
    else if (result.kind === "written") {
      expect(typeof result.directory).toBe("string");
      for (const count of [result.files, result.bytes, result.rows])
        expect(Number.isSafeInteger(count)).toBe(true);
    } else expect(result.kind).toBe("value");
  }
}

test("what was kept is given back", () => {
  fc.assert(
    fc.property(results, (given) => {
      const bytes = Uint8Array.from(encodeResults(given, codec));
      const found = decoded(bytes);
      expect(found).toHaveLength(given.length);
      // The codec has its own say about what a value comes back as; twice, it is the same.
      expect(Buffer.compare(encodeResults(found!, codec), bytes)).toBe(0);
    }),
  );
});

test("what is damaged is results or BLOB_CORRUPT, whatever became of it", () => {
  let refused = 0;
  const change = fc.tuple(fc.nat(), fc.nat(255), fc.constantFrom("set", "cut", "insert"));
  fc.assert(
    fc.property(results, fc.array(change, { minLength: 1, maxLength: 4 }), (given, changes) => {
      let bytes = [...encodeResults(given, codec)];
      for (const [at, byte, kind] of changes) {
        const place = at % (bytes.length + 1);
        if (kind === "cut") bytes = bytes.slice(0, place);
        else bytes.splice(place, kind === "set" ? 1 : 0, byte);
      }
      const found = decoded(Uint8Array.from(bytes));
      if (found === undefined) refused++;
      else expectResults(found);
    }),
    { numRuns: 2_000 },
  );
  expect(refused).toBeGreaterThan(100);
});

test("anything that the codec encodes, and any bytes, are results or BLOB_CORRUPT", () => {
  const wellFormed = fc
    .array(fc.oneof(value, fc.array(value), results))
    .map((values) => codec.encode(values));
  fc.assert(
    fc.property(fc.oneof(wellFormed, fc.uint8Array({ maxLength: 200 })), (bytes) => {
      const found = decoded(bytes);
      if (found !== undefined) expectResults(found);
    }),
    { numRuns: 1_000 },
  );
});
