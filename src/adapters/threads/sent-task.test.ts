import { expect, test } from "vitest";
import { Ahead } from "./sent-task.ts";

const afterTasksOf = (...tookMs: readonly number[]): number => {
  const ahead = new Ahead();
  for (const ms of tookMs) ahead.count(ms);
  return ahead.tasks;
};
const tiny = Array<number>(50).fill(0.01);

test("before any task has ended, none is sent ahead", () => {
  expect(afterTasksOf()).toBe(0);
});

test("the shorter tasks are, the more are sent ahead, up to a bound", () => {
  expect(afterTasksOf(...Array<number>(50).fill(0.5))).toBeLessThan(10);
  expect(afterTasksOf(...tiny)).toBeGreaterThan(100);
  expect(afterTasksOf(...Array<number>(50).fill(0))).toBe(128);
});

test("behind one that was no tiny one after all none is sent, and soon some are again", () => {
  expect(afterTasksOf(...tiny, 3)).toBe(0);
  expect(afterTasksOf(...tiny, 3, ...tiny)).toBeGreaterThan(100);
});
