import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeWho } from "./who-route.ts";

const encoder = new TextEncoder();

test("what answers at an address is somebody, or nobody", () => {
  const said = fc.oneof(
    fc.record({ node: fc.string(), incarnation: fc.string() }),
    fc.record({ node: fc.jsonValue(), incarnation: fc.jsonValue() }),
    fc.jsonValue(),
  );
  fc.assert(
    fc.property(said, fc.nat(200), (value, bytes) => {
      const encoded = encoder.encode(JSON.stringify(value));
      const { node, incarnation } = (value ?? {}) as Record<string, unknown>;
      const isSomebody = typeof node === "string" && typeof incarnation === "string";
      expect(decodeWho(encoded)).toEqual(isSomebody ? { node, incarnation } : undefined);
      // Cut short, an object is none.
      if (isSomebody && bytes < encoded.length) expect(decodeWho(encoded.subarray(0, bytes))).toBeUndefined();
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      expect(decodeWho(bytes)).toBeUndefined();
    }),
  );
});
