import { expect, test } from "vitest";
import { SharedState } from "./shared-state.ts";

test("a thread begins nothing of what was called back, until it has heard of it", () => {
  const runner = new SharedState();
  const thread = new SharedState(runner.buffer);
  expect(runner.begun()).toBe(0);
  expect(thread.begin(1)).toBe(true);
  expect(runner.callBack()).toBe(1);
  expect(thread.begin(2)).toBe(false);
  expect(runner.callBack()).toBe(1);
  expect(runner.begun()).toBe(1);
  runner.endCallBack();
  expect(thread.begin(3)).toBe(true);
  expect(runner.begun()).toBe(3);
});

test("what is called back before the thread began anything is all there is", () => {
  const runner = new SharedState();
  expect(runner.callBack()).toBe(0);
  expect(new SharedState(runner.buffer).begin(1)).toBe(false);
});

test("a stop is of one task, and progress begins anew with each", () => {
  const runner = new SharedState();
  const thread = new SharedState(runner.buffer);
  thread.begin(1);
  thread.setProgress(5, 7);
  runner.requestStop(1);
  expect([thread.stopRequested(1), thread.stopRequested(2)]).toEqual([true, false]);
  thread.begin(2);
  expect(runner.progress()).toEqual({ rowsIn: 0, bytesIn: 0 });
});
