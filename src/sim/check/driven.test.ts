import { expect, test } from "vitest";
import { MemoryStoreBackend } from "../ports/memory-control-store-backend.ts";
import { SimProcess } from "../process.ts";
import { Scheduler } from "../scheduler.ts";
import { DrivenCheck } from "./driven.ts";

/** What is found of a job that has these keys, and that is looked at every 10 seconds. */
function looked(looks: readonly { readonly keys: readonly string[]; readonly hasNodes?: boolean }[]) {
  const backend = new MemoryStoreBackend(new SimProcess("store", new Scheduler()).clock);
  const check = new DrivenCheck(backend);
  looks.forEach(({ keys, hasNodes = true }, index) => {
    for (const key of ["open/j", "jobs/j/driver"]) {
      const op = keys.includes(key)
        ? ({ kind: "put", key, value: Buffer.from("x") } as const)
        : ({ kind: "delete", key } as const);
      backend.txn({ compare: [], success: [op] });
    }
    check.look(["j"], hasNodes, index * 10_000);
  });
  return check.problems;
}
const times = <T>(count: number, look: T): readonly T[] => new Array<T>(count).fill(look);
const OPEN = { keys: ["open/j"] };
const DRIVEN = { keys: ["open/j", "jobs/j/driver"] };

test("an open job that nobody drives for long is told of, once", () => {
  expect(looked(times(20, OPEN))).toEqual([expect.stringContaining("L16: j is open")]);
});

test("one that is driven now and then, has ended, or has no node to drive it is not", () => {
  expect(looked([...times(7, OPEN), DRIVEN, ...times(7, OPEN)])).toEqual([]);
  expect(looked(times(20, { keys: [] }))).toEqual([]);
  expect(looked([...times(7, OPEN), { ...OPEN, hasNodes: false }, ...times(7, OPEN)])).toEqual([]);
});
