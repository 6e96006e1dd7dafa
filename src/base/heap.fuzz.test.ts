import fc from "fast-check";
import { expect, it } from "vitest";
import { MinHeap } from "./heap.ts";

const number = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.double({ noNaN: true }), fc.maxSafeInteger());
const command = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("push" as const), value: number }) },
  { weight: 4, arbitrary: fc.constant({ kind: "pop" } as const) },
  { weight: 1, arbitrary: fc.constant({ kind: "clear" } as const) },
);

it("gives what a sorted list gives, whatever the order of pushes and pops", () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 200 }), (commands) => {
      const heap = new MinHeap();
      let model: number[] = [];
      for (const next of commands) {
        if (next.kind === "push") {
          heap.push(next.value);
          model.push(next.value);
          model.sort((a, b) => a - b);
        } else if (next.kind === "pop") {
          expect(heap.pop()).toEqual(model.shift());
        } else {
          heap.clear();
          model = [];
        }
        expect(heap.size).toBe(model.length);
      }
      while (model.length > 0) expect(heap.pop()).toEqual(model.shift());
      expect(heap.pop()).toBeUndefined();
    }),
  );
});
