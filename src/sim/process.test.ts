import { describe, expect, it } from "vitest";
import { type ClockBench, clockContract } from "../ports/clock.contract.ts";
import { SimProcess } from "./process.ts";
import { Scheduler } from "./scheduler.ts";

async function elapse(scheduler: Scheduler, ms: number): Promise<void> {
  let over = false;
  scheduler.after(ms, () => {
    over = true;
  });
  await scheduler.play(() => over, Number.POSITIVE_INFINITY);
}

clockContract("a simulated process", (): ClockBench => {
  const scheduler = new Scheduler();
  const { clock } = new SimProcess("p", scheduler);
  return { clock, elapse: (ms) => elapse(scheduler, ms) };
});

describe("a simulated process", () => {
  it("does nothing more once it is killed, whatever was under way", async () => {
    const scheduler = new Scheduler();
    const process = new SimProcess("p", scheduler);
    const seen: string[] = [];
    process.clock.setTimer(5, () => seen.push("timer"));
    void process.awaiting(5, async () => "work").then((value) => seen.push(value));
    process.kill();
    process.enter(() => seen.push("entered"));
    await elapse(scheduler, 10);
    expect([seen, process.alive]).toEqual([[], false]);
  });

  it("does not do what was called off by the first thing that it did after it thawed", async () => {
    const scheduler = new Scheduler();
    const process = new SimProcess("p", scheduler);
    const seen: string[] = [];
    process.clock.setTimer(5, () => {
      seen.push("first");
      cancel();
    });
    const cancel = process.clock.setTimer(7, () => seen.push("second"));
    process.freeze();
    await elapse(scheduler, 20);
    process.thaw();
    await elapse(scheduler, 1);
    expect(seen).toEqual(["first"]);
  });

  it("is caught up with all it missed, in order, when it thaws", async () => {
    const scheduler = new Scheduler();
    const process = new SimProcess("p", scheduler);
    const seen: string[] = [];
    process.clock.setTimer(7, () => seen.push(`second at ${scheduler.nowMs}`));
    process.clock.setTimer(5, () => seen.push(`first at ${scheduler.nowMs}`));
    process.freeze();
    await elapse(scheduler, 20);
    expect(seen).toEqual([]);
    process.thaw();
    expect(seen).toEqual([]);
    await elapse(scheduler, 1);
    expect(seen).toEqual(["first at 20", "second at 20"]);
  });

  it("holds up its main thread while that is busy, and not its other ones", async () => {
    const scheduler = new Scheduler();
    const process = new SimProcess("p", scheduler);
    const seen: string[] = [];
    process.clock.setTimer(5, () => seen.push(`timer at ${scheduler.nowMs}`));
    process.afterInThread(7, () => seen.push(`thread at ${scheduler.nowMs}`));
    process.block();
    await elapse(scheduler, 20);
    expect([seen, process.frozen]).toEqual([["thread at 7"], true]);
    process.unblock();
    await elapse(scheduler, 1);
    expect(seen).toEqual(["thread at 7", "timer at 20"]);
  });

  it("is wholly still where it is frozen as well as busy, until both are over", async () => {
    const scheduler = new Scheduler();
    const process = new SimProcess("p", scheduler);
    const seen: string[] = [];
    process.clock.setTimer(5, () => seen.push("timer"));
    process.afterInThread(7, () => seen.push("thread"));
    process.block();
    process.freeze();
    await elapse(scheduler, 20);
    process.thaw();
    await elapse(scheduler, 1);
    expect([seen, process.frozen]).toEqual([[], true]);
    process.unblock();
    await elapse(scheduler, 1);
    expect([seen, process.frozen]).toEqual([["timer", "thread"], false]);
  });
});
