import { expect, test } from "vitest";
import { SimProcess } from "../process.ts";
import { Scheduler } from "../scheduler.ts";
import { CrashPoints } from "./crash-points.ts";

/** A process that sets two timers; what of them went off. */
async function played(points: CrashPoints): Promise<readonly string[]> {
  const scheduler = new Scheduler();
  const seen: string[] = [];
  const clock = points.timersOf(new SimProcess("p", scheduler));
  clock.setTimer(50, () => seen.push("first"));
  clock.setTimer(60, () => seen.push("second"));
  clock.setTimer(100, () => seen.push("third"))();
  await scheduler.play(() => false, 1_000);
  return seen;
}

test("each timer that goes off is a point, by the digits of its time", async () => {
  const points = new CrashPoints([], true, () => {});
  expect(await played(points)).toEqual(["first", "second"]);
  expect(points.passed).toEqual(["a timer of 100 ms at the most#0", "a timer of 100 ms at the most#1"]);
});

test("a process goes down instead of what its timer was for", async () => {
  const crashed: string[] = [];
  const points = new CrashPoints(["a timer of 100 ms at the most#1"], false, ({ name }) =>
    crashed.push(name),
  );
  expect([await played(points), crashed]).toEqual([["first"], ["p"]]);
});
