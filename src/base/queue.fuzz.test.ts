import fc from "fast-check";
import { expect, it } from "vitest";
import { Queue } from "./queue.ts";

it("gives what a list would, in every order of pushing, taking and draining", () => {
  const operation = fc.oneof(fc.nat(), fc.constantFrom("shift" as const, "shift" as const, "drain" as const));
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
      const queue = new Queue<number>();
      let model: number[] = [];
      for (const each of operations) {
        if (each === "shift") {
          expect(queue.shift()).toBe(model.shift());
        } else if (each === "drain") {
          expect(queue.drain()).toEqual(model);
          model = [];
        } else {
          queue.push(each);
          model.push(each);
        }
        expect(queue.size).toBe(model.length);
      }
    }),
  );
});
