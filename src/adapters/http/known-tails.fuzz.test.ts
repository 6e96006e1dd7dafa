/** What is known of others' blobs is right, is bounded, and is gone once a node failed to give something. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { nodeId } from "../../base/ids.ts";
import { KnownTails } from "./known-tails.ts";

/** More than the longest end that is kept, and than all of them together. */
const LONG = 16 * 1024 + 1;
const MANY = 1000;

type Step =
  | { readonly kind: "add"; readonly node: string; readonly key: string; readonly bytes: number }
  | { readonly kind: "get"; readonly node: string; readonly key: string }
  | { readonly kind: "forget"; readonly node: string }
  | { readonly kind: "begin" };

const node = fc.constantFrom("a", "b");
const key = fc.nat(5).map((number) => `jobs/${number}`);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant("add" as const),
    node,
    key,
    bytes: fc.oneof(fc.nat(100), fc.constantFrom(LONG - 1, LONG)),
  }),
  fc.record({ kind: fc.constant("get" as const), node, key }),
  fc.record({ kind: fc.constant("forget" as const), node }),
  fc.record({ kind: fc.constant("begin" as const) }),
);

test("gives what was added first, until it is forgotten", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const tails = new KnownTails();
      const model = new Map<string, number>();
      for (const [index, it] of steps.entries()) {
        if (it.kind === "begin") tails.begin();
        else if (it.kind === "forget") {
          tails.forget(it.node);
          for (const name of [...model.keys()]) if (name.startsWith(`${it.node} `)) model.delete(name);
        } else {
          const blob = { node: nodeId(it.node), key: it.key };
          const name = `${it.node} ${it.key}`;
          if (it.kind === "add") {
            const bytes = new Uint8Array(it.bytes).fill(index);
            tails.add(blob, { size: index, bytes });
            // It has its own.
            bytes.fill(255);
            if (it.bytes < LONG && !model.has(name)) model.set(name, index);
          }
          const known = tails.get(blob);
          expect(known?.size).toBe(model.get(name));
          for (const byte of known?.bytes ?? []) if (byte !== known?.size) expect(byte).toBe(known?.size);
        }
      }
    }),
  );
});

const blobOf = (index: number) => ({ node: nodeId(`n${index % 3}`), key: `jobs/${index}` });
const known = (tails: KnownTails, from: number, to: number): number => {
  let count = 0;
  for (let index = from; index < to; index++) if (tails.get(blobOf(index)) !== undefined) count++;
  return count;
};
const addAll = (tails: KnownTails, from: number, to: number): void => {
  for (let index = from; index < to; index++)
    tails.add(blobOf(index), { size: LONG, bytes: new Uint8Array(LONG - 1) });
};

test("keeps the first that have room, and those only as long as tasks ask for them", () => {
  const tails = new KnownTails();
  tails.begin();
  addAll(tails, 0, MANY);
  const kept = known(tails, 0, MANY);
  expect(kept).toBeGreaterThan(100);
  expect(kept).toBeLessThan(300);
  expect(known(tails, 0, kept)).toBe(kept);

  // The same again: nothing is displaced by what has no room.
  tails.begin();
  expect(known(tails, 0, kept)).toBe(kept);
  addAll(tails, kept, MANY);
  expect(known(tails, 0, MANY)).toBe(kept);

  // Another job's: the first task that comes after one without a use for the old ones has room.
  tails.begin();
  addAll(tails, MANY, 2 * MANY);
  expect(known(tails, MANY, 2 * MANY)).toBe(0);
  tails.begin();
  addAll(tails, MANY, 2 * MANY);
  expect(known(tails, MANY, 2 * MANY)).toBe(kept);
  expect(known(tails, 0, MANY)).toBe(0);
});
