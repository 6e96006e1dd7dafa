import { describe, expect, it } from "vitest";
import { MemoryWatch, type ThreadMemory } from "./memory-watch.ts";

const MIB = 2 ** 20;
const LIMIT = 400 * MIB;
const FAR_ABOVE = 900 * MIB;

const thread = (facts: Partial<ThreadMemory> = {}): ThreadMemory => ({
  busy: true,
  asked: false,
  collectedBytes: 50 * MIB,
  sinceBytes: 50 * MIB,
  ...facts,
});
const CALM = { collect: false, end: undefined };
const COLLECT = { collect: true, end: undefined };

describe("the watch over memory", () => {
  it("does nothing within the limit", () => {
    const watch = new MemoryWatch(LIMIT);
    expect(watch.look(0, LIMIT, [thread({ collectedBytes: LIMIT })])).toEqual(CALM);
  });

  it("asks for a collection above it, and not again at once", () => {
    const watch = new MemoryWatch(LIMIT);
    const threads = [thread(), thread()];
    expect(watch.look(0, LIMIT + 1, threads)).toEqual(COLLECT);
    expect(watch.look(25, LIMIT + 1, threads)).toEqual(CALM);
    expect(watch.look(499, LIMIT + 1, threads)).toEqual(CALM);
    expect(watch.look(500, LIMIT + 1, threads)).toEqual(COLLECT);
  });

  it("ends the thread that cannot answer, once it has had the time to", () => {
    const watch = new MemoryWatch(LIMIT);
    const threads = [thread(), thread({ asked: true, collectedBytes: 0, sinceBytes: 0 })];
    expect(watch.look(0, FAR_ABOVE, threads)).toEqual(COLLECT);
    expect(watch.look(99, FAR_ABOVE, threads)).toEqual(CALM);
    expect(watch.look(100, FAR_ABOVE, threads)).toEqual({
      collect: false,
      end: { thread: 1, bytes: FAR_ABOVE - 50 * MIB },
    });
  });

  it("holds nobody answerable for what was used before it", () => {
    const watch = new MemoryWatch(LIMIT);
    const looping = thread({ asked: true, collectedBytes: 0, sinceBytes: FAR_ABOVE - 10 * MIB });
    const growing = thread({ asked: true, collectedBytes: 10 * MIB, sinceBytes: FAR_ABOVE - 250 * MIB });
    watch.look(0, FAR_ABOVE, [looping, growing]);
    expect(watch.look(100, FAR_ABOVE, [looping]).end).toBeUndefined();
    expect(watch.look(125, FAR_ABOVE, [looping, growing]).end).toEqual({ thread: 1, bytes: 260 * MIB });
  });

  it("ends the one that says it holds the most, where all answer", () => {
    const watch = new MemoryWatch(LIMIT);
    const threads = [thread(), thread({ collectedBytes: 800 * MIB }), thread({ collectedBytes: 210 * MIB })];
    watch.look(0, FAR_ABOVE, threads);
    expect(watch.look(100, FAR_ABOVE, threads).end).toEqual({ thread: 1, bytes: 800 * MIB });
  });

  it("leaves what was ended the time to go", () => {
    const watch = new MemoryWatch(LIMIT);
    const silent = [thread({ asked: true }), thread({ asked: true })];
    watch.look(0, FAR_ABOVE, silent);
    expect(watch.look(100, FAR_ABOVE, silent).end?.thread).toBe(0);
    const left = [thread({ busy: false, collectedBytes: 0 }), thread({ asked: true })];
    expect(watch.look(125, FAR_ABOVE, left).end).toBeUndefined();
    expect(watch.look(600, FAR_ABOVE, left).end?.thread).toBe(1);
  });

  it("ends nobody who holds no more than a part, nor an idle thread", () => {
    const watch = new MemoryWatch(LIMIT);
    const threads = [
      thread({ collectedBytes: 200 * MIB }),
      thread({ busy: false, collectedBytes: 700 * MIB }),
    ];
    watch.look(0, FAR_ABOVE, threads);
    expect(watch.look(100, FAR_ABOVE, threads).end).toBeUndefined();
  });

  it("ends nobody between the limit and the ceiling", () => {
    const watch = new MemoryWatch(LIMIT);
    const threads = [thread({ asked: true }), thread()];
    watch.look(0, 500 * MIB, threads);
    expect(watch.look(100, 500 * MIB, threads).end).toBeUndefined();
  });
});
