/**
 * Times in which most of what is tried goes wrong: rates that nobody could bear for long, for a while, and then those that the seed
 * has drawn again. What runs meanwhile takes longer, so that storms meet jobs in their midst.
 */
import type { Prng } from "../../base/prng.ts";
import type { FaultRates } from "./rates.ts";

/** How a run is between its faults. */
export interface Weather {
  /** Between two storms, and for how long one lasts, at the most. Virtual milliseconds; no storms where the latter is 0. */
  readonly lullMsMax: number;
  readonly stormMsMax: number;
  /** What an attempt waits before and after its work, at the most. */
  readonly taskMsMax: number;
  /** For how long faults come, at the most. */
  readonly faultyMsMax: number;
}

export const CALM_WEATHER: Weather = { lullMsMax: 0, stormMsMax: 0, taskMsMax: 400, faultyMsMax: 60_000 };

const STORMY = 0.5;

/** Drawn apart from all else in a run, which is the same without storms. */
export function drawWeather(random: Prng): Weather {
  if (!random.chance(STORMY)) return CALM_WEATHER;
  return {
    lullMsMax: random.pick([1_000, 5_000, 20_000]),
    stormMsMax: random.pick([5_000, 20_000, 60_000]),
    taskMsMax: random.pick([400, 4_000]),
    faultyMsMax: 240_000,
  };
}

interface Storm {
  readonly name: string;
  readonly rates: Partial<FaultRates>;
}

/** The least that a rate is raised to, and the most. */
const LEAST = 0.3;
const MOST = 0.95;

type Fault = Exclude<keyof FaultRates, `${string}Ms` | `${string}MsMax`>;

/** What goes wrong together. */
const STORMS: readonly (readonly [string, readonly Fault[]])[] = [
  ["messages", ["messageLost", "messageDoubled", "messageLate", "messageReplayed"]],
  ["store", ["storeRefuses", "storeReplyLost", "storeRequestLost", "storeLate", "watchLate", "watchFails"]],
  ["disks", ["diskFull", "diskFails", "scratchFull", "scratchFails", "outputRefuses", "outputReplyLost"]],
  ["attempts", ["attemptDies", "userThrows", "memoryExhausted", "stopLate"]],
];

/** One or two kinds at once; of each, every other fault is left out, so that the others show. */
export function drawStorm(random: Prng): Storm {
  const kinds = new Map([random.pick(STORMS), random.pick(STORMS)]);
  const rates: Partial<Record<Fault, number>> = {};
  for (const faults of kinds.values())
    for (const fault of faults) if (random.chance(0.5)) rates[fault] = LEAST + random.next() * (MOST - LEAST);
  return { name: [...kinds.keys()].join(" and "), rates };
}
