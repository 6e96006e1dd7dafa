import { FAULT_KINDS } from "./faults/rates.ts";
import type { SeedResult } from "./worlds/seed.ts";

export type WorldName = "job" | "nodes";

const EVERYWHERE = [
  "adoptedAttemptCounted",
  "backupWon",
  "commitEndedByAnother",
  "deposedDriverTriedToWrite",
  "nodeSetAside",
  "outputDiffered",
  "outputLostAfterItsConsumerBegan",
  "poisonFailed",
  "resumedAfterFailure",
  "storm",
  "takeOver",
  "takeOverInMidShuffle",
  "unknownWriteWasDone",
  "unknownWriteWasNotDone",
];

/** Situations that a few hundred seeds of a world must meet: a set that does not has tried too little. */
const WORTH_MEETING: Readonly<Record<WorldName, readonly string[]>> = {
  job: EVERYWHERE,
  nodes: [
    ...EVERYWHERE,
    "cancelled",
    "drained",
    "minorityCutOff",
    "newerVersionRefused",
    "setBackWhileDriven",
    "watchCompacted",
  ],
};

/** Faults that a world of one job has no place for. */
const ONLY_OF_NODES: readonly string[] = [
  "cancel",
  "diskLost",
  "drain",
  "newerVersion",
  "nodeGone",
  "peerUnreachable",
  "regionCut",
  "regionKill",
  "setBack",
  "watchFails",
  "watchLate",
  "watchStarved",
];

/** What many seeds of one world came to. */
export class Tally {
  readonly world: WorldName;
  readonly faults = new Map<string, number>();
  readonly met = new Set<string>();
  seeds = 0;
  failed = 0;
  /** Of those that failed: where nobody found out whether one store gave all the answers. */
  undecided = 0;
  virtualMs = 0;

  constructor(world: WorldName) {
    this.world = world;
  }

  add(result: SeedResult): void {
    this.seeds++;
    if (result.problems.length > 0) this.failed++;
    if (result.undecided) this.undecided++;
    this.virtualMs += result.virtualMs;
    for (const [kind, times] of result.faults) this.faults.set(kind, (this.faults.get(kind) ?? 0) + times);
    for (const situation of result.sometimes) this.met.add(situation);
  }

  get faultCount(): number {
    let count = 0;
    for (const times of this.faults.values()) count += times;
    return count;
  }

  /** Faults and situations that should have come up by now. */
  get missing(): readonly string[] {
    const foreign = this.world === "job" ? ONLY_OF_NODES : [];
    const kinds = FAULT_KINDS.filter((kind) => !foreign.includes(kind) && !this.faults.has(kind));
    return [...kinds, ...WORTH_MEETING[this.world].filter((situation) => !this.met.has(situation))];
  }
}
