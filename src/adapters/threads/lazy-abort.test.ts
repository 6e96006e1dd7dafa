import { expect, test } from "vitest";
import { LazyAbort } from "./lazy-abort.ts";

test("a signal that was asked for is aborted", () => {
  const abort = new LazyAbort();
  const { signal } = abort;
  expect(signal.aborted).toBe(false);
  abort.abort();
  expect(signal.aborted).toBe(true);
  expect(abort.signal).toBe(signal);
});

test("a signal that is asked for late is aborted from the start", () => {
  const abort = new LazyAbort();
  abort.abort();
  expect(abort.signal.aborted).toBe(true);
});
