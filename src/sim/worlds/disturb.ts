import { BicoastalError } from "../../base/errors.ts";
import type { NodeId } from "../../base/ids.ts";
import type { Faults } from "../faults/faults.ts";
import type { SimProcess } from "../process.ts";

const DAY_MS = 86_400_000;
const STUTTERS_MAX = 12;
const STUTTER_PAUSE_MS_MAX = 2_000;
const STUTTER_RUN_MS_MAX = 60;
const CLOCK_RATES = [0.5, 0.8, 1.25, 2];

/** Where the store stands in the network. */
export const STORE_NODE = "store" as NodeId;

/** The store takes nothing now, or not so much: whoever wants to write comes again. */
export const isRefusal = (error: unknown): boolean =>
  error instanceof BicoastalError && (error.code === "DISK_FULL" || error.code === "STORE_REFUSED");

/** A new process: its clock may be wrong from now on. */
export function begin(process: SimProcess, faults: Faults): void {
  if (faults.happens("clockDrifts", () => process.name)) process.drift(faults.random.pick(CLOCK_RATES));
}

/** Stops it, as a debugger or a full machine would. */
export function freeze(process: SimProcess, forMs: number, { scheduler, trace }: Faults): void {
  trace.fault("freeze", `${process.name} for ${forMs} ms`);
  process.freeze();
  scheduler.after(forMs, () => process.thaw());
}

/** Something on its main thread takes long, while its attempts go on in theirs. */
export function block(process: SimProcess, forMs: number, { scheduler, trace }: Faults): void {
  trace.fault("loopBlocked", `${process.name} for ${forMs} ms`);
  process.block();
  scheduler.after(forMs, () => process.unblock());
}

/** It runs for moments, and stands still for long between them: a slow zombie. */
export function stutter(process: SimProcess, faults: Faults): void {
  const { random, scheduler, trace } = faults;
  const times = 1 + random.below(STUTTERS_MAX);
  const stop = (left: number): void => {
    if (left === 0 || !process.alive || faults.stopped || process.frozen) return;
    const forMs = random.below(STUTTER_PAUSE_MS_MAX);
    trace.fault("stutter", `${process.name} for ${forMs} ms`);
    process.freeze();
    scheduler.after(forMs, () => {
      process.thaw();
      scheduler.after(1 + random.below(STUTTER_RUN_MS_MAX), () => stop(left - 1));
    });
  };
  stop(times);
}

/** Somebody sets a clock by a day. */
export function jumpWall(process: SimProcess, { random, trace }: Faults): void {
  const byMs = random.pick([-DAY_MS, DAY_MS]);
  trace.fault("wallJump", `${process.name} by ${byMs} ms`);
  process.jumpWall(byMs);
}

/** Loses a block, flips one bit of it, or cuts it off. */
export function spoilBlock(blobs: Map<string, Uint8Array>, { random, trace }: Faults): void {
  const keys = [...blobs.keys()].filter((key) => key.includes("/blocks/")).sort();
  if (keys.length === 0) return;
  const key = random.pick(keys);
  const bytes = blobs.get(key)!;
  const how = bytes.length === 0 ? "blockLost" : random.pick(["blockLost", "blockDamaged", "blockCut"]);
  if (how === "blockLost") {
    trace.fault(how, key);
    blobs.delete(key);
    return;
  }
  const at = random.below(bytes.length);
  trace.fault(how, `${key} at byte ${at}`);
  const damaged = how === "blockCut" ? bytes.slice(0, at) : bytes.slice();
  if (how === "blockDamaged") damaged[at] = damaged[at]! ^ (1 << random.below(8));
  blobs.set(key, damaged);
}
