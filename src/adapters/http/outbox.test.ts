import fc from "fast-check";
import { expect, test } from "vitest";
import { Outbox } from "./outbox.ts";

const codec = {
  encode: (messages: readonly string[]) => Buffer.from(JSON.stringify(messages)),
  decode: (bytes: Uint8Array) => JSON.parse(Buffer.from(bytes).toString()) as string[],
};

test("gives all messages in batches that fit, in order, but those that fit in none", () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: "grapheme-ascii", maxLength: 120 }), { maxLength: 300 }),
      (texts) => {
        let dropped = 0;
        const outbox = new Outbox<string>(codec, (messages) => (dropped += messages), 100);
        for (const text of texts) outbox.push(text);
        const got: string[] = [];
        for (let batch = outbox.take(); batch !== undefined; batch = outbox.take()) {
          expect(batch.length).toBeLessThanOrEqual(100);
          got.push(...codec.decode(batch));
        }
        const fitting = texts.filter((text) => codec.encode([text]).length <= 100);
        expect(got).toEqual(fitting);
        expect(dropped).toBe(texts.length - fitting.length);
        expect(outbox.isEmpty).toBe(true);
      },
    ),
  );
});
