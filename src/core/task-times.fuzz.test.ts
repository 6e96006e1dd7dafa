import fc from "fast-check";
import { expect, test } from "vitest";
import { stageId } from "../base/ids.ts";
import { TaskTimes } from "./task-times.ts";

const STAGE = stageId(1);

test("the median is that of all times counted, or less than a tenth and a millisecond above it", () => {
  const times = fc.array(fc.double({ min: 0, max: 1e9, noNaN: true }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(times, (all) => {
      const counted = new TaskTimes(2);
      for (const ms of all) counted.count(STAGE, ms);
      const median = [...all].sort((a, b) => a - b)[Math.ceil(all.length / 2) - 1]!;
      const found = counted.medianMs(STAGE)!;
      expect(found).toBeGreaterThanOrEqual(median - 1e-6 * median);
      expect(found).toBeLessThanOrEqual(1.1 * median + 1);
      expect(counted.medianMs(stageId(0))).toBeUndefined();
    }),
  );
});
