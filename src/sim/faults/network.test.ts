import { describe, expect, it } from "vitest";
import { nodeId } from "../../base/ids.ts";
import { Prng } from "../../base/prng.ts";
import { type TestMessage, transportContract } from "../../ports/transport.contract.ts";
import { SimProcess } from "../process.ts";
import { Scheduler } from "../scheduler.ts";
import { Trace } from "../trace.ts";
import { CrashPoints } from "./crash-points.ts";
import { Faults } from "./faults.ts";
import { SimNetwork } from "./network.ts";
import { type FaultRates, NO_FAULTS } from "./rates.ts";

function create(rates: FaultRates) {
  const scheduler = new Scheduler();
  const trace = new Trace(() => scheduler.nowMs, undefined);
  const points = new CrashPoints([], false, () => {});
  const faults = new Faults({ scheduler, random: new Prng("network"), trace, points, drawn: rates });
  const network = new SimNetwork<TestMessage>(faults);
  const join = (name: string, process = new SimProcess(name, scheduler)) =>
    network.join(nodeId(name), process);
  const settle = async (): Promise<void> => {
    await scheduler.play(() => false, Number.POSITIVE_INFINITY);
  };
  return { scheduler, network, trace, join, settle };
}

transportContract("SimNetwork without faults", () => create(NO_FAULTS));

describe("SimNetwork", () => {
  const send = async (rates: Partial<FaultRates>): Promise<readonly string[]> => {
    const { join, settle } = create({ ...NO_FAULTS, ...rates });
    const seen: string[] = [];
    const a = join("a");
    join("b").receive((_, { text }) => seen.push(text));
    for (let i = 0; i < 1_000; i++) a.send(nodeId("b"), { kind: "test", text: String(i) });
    await settle();
    return seen;
  };

  it("loses and doubles messages as often as the rates say", async () => {
    expect(await send({ messageLost: 1 })).toEqual([]);
    const half = await send({ messageLost: 0.5 });
    expect(half.length).toBeGreaterThan(400);
    expect(half.length).toBeLessThan(600);
    const doubled = await send({ messageDoubled: 1 });
    expect([doubled.length, new Set(doubled).size]).toEqual([2_000, 1_000]);
  });

  it("brings messages out of order", async () => {
    const seen = (await send({})).map(Number);
    expect([...seen].sort((x, y) => x - y)).toEqual(seen.map((_, index) => index));
    expect(seen).not.toEqual([...seen].sort((x, y) => x - y));
  });

  it("cuts a node off both ways until it heals", async () => {
    const { join, network, settle } = create(NO_FAULTS);
    const seen: string[] = [];
    const a = join("a");
    const b = join("b");
    for (const node of [a, b]) node.receive((from, { text }) => seen.push(`${from}: ${text}`));
    const both = async (text: string): Promise<void> => {
      a.send(b.self, { kind: "test", text });
      b.send(a.self, { kind: "test", text });
      await settle();
    };
    network.isolate(a.self);
    await both("lost");
    network.heal();
    await both("back");
    expect([...seen].sort()).toEqual(["a: back", "b: back"]);
  });

  it("brings nothing to a process that was killed", async () => {
    const { scheduler, join, settle } = create(NO_FAULTS);
    const process = new SimProcess("b", scheduler);
    const seen: string[] = [];
    const a = join("a");
    join("b", process).receive((_, { text }) => seen.push(text));
    a.send(nodeId("b"), { kind: "test", text: "too late" });
    process.kill();
    await settle();
    expect(seen).toEqual([]);
  });
});
