import { expect, test } from "vitest";
import { plannedJob } from "./job-plan.ts";
import { FAULT_KINDS, type Step, scheduleOf } from "./schedule.ts";

function stepsOf(seed: string, count: number): readonly Step[] {
  const steps = scheduleOf(seed, FAULT_KINDS);
  return Array.from({ length: count }, () => steps.next().value);
}

test("a seed says which faults and which jobs come, and another seed says others", () => {
  const steps = stepsOf("a", 60);
  expect(stepsOf("a", 60)).toEqual(steps);
  expect(stepsOf("b", 60)).not.toEqual(steps);
  expect(plannedJob("a", 1, 7)).toEqual(plannedJob("a", 1, 7));
  expect(plannedJob("b", 1, 7)).not.toEqual(plannedJob("a", 1, 7));
});

test("every kind of fault comes before one comes again, and some have another one beside them", () => {
  for (const seed of ["a", "b", "c"]) {
    const steps = stepsOf(seed, 2 * FAULT_KINDS.length);
    const first = steps.map(({ faults }) => faults[0]!.kind);
    const [once, again] = [first.slice(0, FAULT_KINDS.length), first.slice(FAULT_KINDS.length)];
    expect([...once].sort()).toEqual([...FAULT_KINDS].sort());
    expect([...again].sort()).toEqual([...FAULT_KINDS].sort());
    expect(again).not.toEqual(once);
    const pairs = steps.filter(({ faults }) => faults.length === 2);
    expect(pairs.length).toBeGreaterThan(0);
    for (const { faults } of pairs) expect(faults[0]!.kind).not.toBe(faults[1]!.kind);
  }
});

test("no member of etcd is killed beside one that is replaced", () => {
  const pairs = stepsOf("a", 3_000).flatMap(({ faults }) =>
    faults.length === 2 ? [faults.map(({ kind }) => kind)] : [],
  );
  const besideMember = new Set(
    pairs.filter(([, other]) => other === "kill a member of etcd").map(([kind]) => kind),
  );
  expect(besideMember.has("kill a driver")).toBe(true);
  for (const kind of [
    "lose a disk of etcd",
    "damage a disk of etcd",
    "lose a region with its disks",
  ] as const)
    expect(besideMember.has(kind)).toBe(false);
});

test("what this machine cannot do is left out, and the rest comes in an order of its own", () => {
  const kinds = FAULT_KINDS.slice(0, 3);
  const steps = scheduleOf("a", kinds);
  const met = Array.from({ length: 9 }, () => steps.next().value.faults.map(({ kind }) => kind)).flat();
  expect(new Set(met)).toEqual(new Set(kinds));
});
