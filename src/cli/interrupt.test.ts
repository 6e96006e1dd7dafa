import { expect, test } from "vitest";
import { FakeIo } from "./fake-io.ts";
import { ECHO_MS, listenForInterrupt } from "./interrupt.ts";

test("the first signal aborts and is told once; its echo does nothing; the second ends the process", () => {
  const io = new FakeIo();
  const told: string[] = [];
  const interrupt = listenForInterrupt(io, (name) => told.push(name));
  expect([interrupt.signal.aborted, interrupt.received]).toEqual([false, undefined]);
  io.signal("SIGINT");
  io.clock.advance(ECHO_MS - 1);
  io.signal("SIGINT");
  expect([interrupt.signal.aborted, interrupt.received, told, io.exits]).toEqual([
    true,
    "SIGINT",
    ["Ctrl-C"],
    [],
  ]);
  io.clock.advance(1);
  io.signal("SIGINT");
  expect(io.exits).toEqual([130]);
});

test("SIGTERM and SIGHUP stop as cleanly, with their own exit codes for the second time", () => {
  for (const [signal, code] of [
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const) {
    const io = new FakeIo();
    const interrupt = listenForInterrupt(io, () => {});
    io.signal(signal);
    expect(interrupt.received).toBe(signal);
    io.clock.advance(ECHO_MS);
    io.signal(signal);
    expect(io.exits).toEqual([code]);
  }
});

test("where the job goes on without this process, only Ctrl-C stops it", () => {
  for (const [first, left] of [
    ["SIGHUP", ["SIGHUP"]],
    ["SIGTERM", ["SIGTERM"]],
    ["SIGINT", []],
  ] as const) {
    const io = new FakeIo();
    const leaves: string[] = [];
    const interrupt = listenForInterrupt(
      io,
      () => {},
      (signal) => leaves.push(signal),
    );
    io.signal(first);
    expect([leaves, interrupt.signal.aborted]).toEqual([left, left.length === 0]);
  }
});

test("after close signals are nobody's", () => {
  const io = new FakeIo();
  listenForInterrupt(io, () => {}).close();
  expect(io.signalListeners.size).toBe(0);
});
