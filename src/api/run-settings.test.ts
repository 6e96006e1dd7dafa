import { describe, expect, it } from "vitest";
import { memoryBytesMin, shareMemory, threadsWithin } from "./memory-budget.ts";
import { runSettings } from "./run-settings.ts";

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const MACHINE = { cores: 4, memoryBytes: 8 * GIB, heapBytesMax: 4 * GIB };

describe("threads and memory", () => {
  it("are the machine's cores, and half of its memory, unless told otherwise", () => {
    const { threads, memory } = runSettings({}, MACHINE);
    expect(threads).toBe(4);
    expect(memory).toEqual(shareMemory(4 * GIB, 4));
  });

  it("mean fewer threads where the memory is not enough for one a core", () => {
    expect(runSettings({ memory: "256MiB" }, MACHINE).threads).toBe(3);
    expect(runSettings({ memory: "120MiB" }, MACHINE).threads).toBe(1);
    expect(runSettings({}, { cores: 64, memoryBytes: GIB, heapBytesMax: GIB }).threads).toBe(9);
  });

  it.each([
    [{ memory: "100MiB" }, "Option memory is 100MiB; it must be at least 120MiB for 1 thread."],
    [
      { memory: "200MiB", threads: 3 },
      "Option memory is 200MiB; it must be at least 216MiB for 3 threads; use fewer threads, or more memory.",
    ],
    [{ memory: 0 }, 'Option memory is 0; it must be a number of bytes, or a size such as "512MiB" or "2GB".'],
    [{ memory: "lots" }, /^Option memory is "lots"; it must be a number of bytes/],
    [{ threads: 0 }, /^Option threads is 0; it must be a whole number from 1/],
  ])("that cannot work are refused: %j", (options, message) => {
    const expected: unknown = typeof message === "string" ? message : expect.stringMatching(message);
    const refused = expect.objectContaining({ code: "USAGE", message: expected });
    expect(() => runSettings(options, MACHINE)).toThrow(refused);
  });

  it("of a container that is too small for anything say so", () => {
    expect(() => runSettings({}, { cores: 2, memoryBytes: 128 * MIB, heapBytesMax: GIB })).toThrow(
      /memory is 64MiB; a run needs at least 120MiB for 1 thread/,
    );
  });

  it("of a debugged run are one thread's", () => {
    expect(runSettings({ debug: true, memory: "1GiB" }, MACHINE)).toMatchObject({
      threads: 1,
      memory: shareMemory(GIB, 1),
    });
  });
});

describe("the shares of a budget", () => {
  it("stay within it, for every budget and number of threads", () => {
    for (const threads of [1, 2, 3, 8, 64]) {
      for (let bytes = memoryBytesMin(threads); bytes < 64 * GIB; bytes = Math.ceil(bytes * 1.7)) {
        expect(threadsWithin(bytes)).toBeGreaterThanOrEqual(threads);
        const { threadsBytes, youngBytes, taskMemoryBytes } = shareMemory(bytes, threads);
        expect(threadsBytes).toBeLessThan(bytes);
        expect(youngBytes).toBeGreaterThanOrEqual(3 * MIB);
        expect(taskMemoryBytes).toBeGreaterThan(10 * MIB);
        expect(threads * (youngBytes + taskMemoryBytes)).toBeLessThan(threadsBytes);
      }
      expect(threadsWithin(memoryBytesMin(threads) - 1)).toBe(threads - 1);
    }
  });
});
