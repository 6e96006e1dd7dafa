import fc from "fast-check";
import { expect, it } from "vitest";
import { TopHeap } from "./top-heap.ts";

const STEPS = fc.array(
  fc.oneof({ weight: 9, arbitrary: fc.nat(20) }, { weight: 1, arbitrary: fc.constant("let go" as const) }),
  { maxLength: 200 },
);

/** Greatest first, equal ones in their order. */
const ranked = (rows: readonly (readonly [number, number])[], count: number) =>
  [...rows].sort(([a], [b]) => b - a).slice(0, count);

it("keeps the greatest, also of what it lets go of in between", () => {
  fc.assert(
    fc.property(STEPS, fc.integer({ min: 1, max: 12 }), (steps, count) => {
      const heap = new TopHeap(count);
      const all: [number, number][] = [];
      const gone: [number, number][] = [];
      const letGo = (): void => {
        const { keys, rows } = heap.letGo();
        expect(keys.length).toBeLessThanOrEqual(count);
        gone.push(...keys.map((key, i): [number, number] => [key as number, rows[i] as number]));
        expect(heap.isEmpty).toBe(true);
        expect(heap.bytes).toBe(0);
      };
      for (const [i, step] of steps.entries()) {
        if (step === "let go") letGo();
        else {
          all.push([step, i]);
          if (heap.wants(step)) heap.add(step, i);
          expect(heap.bytes > 0).toBe(!heap.isEmpty);
        }
      }
      letGo();
      expect(ranked(gone, count)).toEqual(ranked(all, count));
    }),
  );
});
