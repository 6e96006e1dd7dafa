import fc from "fast-check";
import { expect, test } from "vitest";
import { describePlan, fingerprint } from "../plan/fingerprint.ts";
import type { Dataset } from "./dataset.ts";
import type { RunOutput } from "./job.ts";
import { job } from "./job.ts";
import { read } from "./read.ts";

type Pairs = Dataset<readonly [number, number]>;

/** One operator, as data: what it does and a number for its options. */
const step = fc.record({
  operator: fc.constantFrom(
    "map",
    "filter",
    "sample",
    "reduceByKey",
    "countBy",
    "distinct",
    "sortBy",
    "top",
    "repartition",
    "selfUnion",
    "selfJoin",
    "mapReduce",
  ),
  option: fc.integer({ min: 1, max: 9 }),
});
type Step = { operator: string; option: number };

function apply(input: Pairs, { operator, option }: Step): Pairs {
  const partitions = { partitions: option };
  switch (operator) {
    case "map":
      return input.map(([a, b]) => [b, a]);
    case "filter":
      return input.filter(([a]) => a > 0);
    case "sample":
      return input.sample(option / 10, { seed: option });
    case "reduceByKey":
      return input.reduceByKey((a, b) => a + b, partitions);
    case "countBy":
      return input.countBy(([a]) => a, partitions);
    case "distinct":
      return option % 2 === 0 ? input.distinct(partitions) : input.distinct(([a]) => a);
    case "sortBy":
      return input.sortBy(([a]) => a, { descending: option > 4 });
    case "top":
      return input.top(option);
    case "repartition":
      return input.repartition(option);
    case "selfUnion":
      return input.union(input);
    case "selfJoin":
      return input.join(input, option > 4 ? "semi" : "anti");
    default:
      return input.mapReduce<number, number, [number, number]>({
        map: ([a, b], emit) => emit(a, b),
        reduce: (key, values, emit) => emit([key, [...values].length]),
      });
  }
}

const build = (steps: readonly Step[], ends: number) =>
  job({
    name: "fuzz",
    run: () => {
      const start: Pairs = read.range(9).map((n) => [n, n]);
      const made = [start];
      for (const one of steps) made.push(apply(made.at(-1) as Pairs, one));
      const last = made.slice(-ends).map((set, index) => [`end${index}`, index === 1 ? set.count() : set]);
      return Object.fromEntries(last) as Record<string, Pairs> satisfies RunOutput;
    },
  });

test("building twice gives equal structures, and a change of an option another", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), fc.integer({ min: 1, max: 3 }), (steps, ends) => {
      const made = build(steps, ends);
      const first = made.build({});
      const second = made.build({});
      expect(describePlan(second)).toStrictEqual(describePlan(first));
      expect(fingerprint(second)).toBe(fingerprint(first));
      expect(first.ends).toHaveLength(Math.min(ends, steps.length + 1));
      const more = build([...steps, { operator: "repartition", option: 1 }], ends).build({});
      expect(fingerprint(more)).not.toBe(fingerprint(first));
    }),
  );
});

test("building does not change what was built before", () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 8 }), (steps) => {
      const base: Pairs = read.range(3).map((n) => [n, n]);
      const plan = () => fingerprint(job({ name: "fuzz", run: () => base }).build({}));
      const before = plan();
      for (const one of steps) apply(base, one);
      expect(plan()).toBe(before);
    }),
  );
});
