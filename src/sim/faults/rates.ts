import type { Prng } from "../../base/prng.ts";

/** Probabilities for one thing to go wrong once; means in virtual milliseconds, of which 0 is never. */
export interface FaultRates {
  // ---- Network
  readonly messageLost: number;
  readonly messageDoubled: number;
  readonly messageLate: number;
  /** A message that was sent long ago, by a process that may be gone, comes again. */
  readonly messageReplayed: number;
  /** Longest delay of a late message or store call. */
  readonly delayMsMax: number;
  /** Some links are cut: of one node or one pair, in one direction or both, for good or on and off. */
  readonly partitionEveryMs: number;
  // ---- Store
  /** The store says no, and did nothing. */
  readonly storeRefuses: number;
  /** The store did it, and the answer is lost. */
  readonly storeReplyLost: number;
  /** The request is lost, and nobody knows that. */
  readonly storeRequestLost: number;
  /** The store says that it is full, and may have done it. */
  readonly storeFull: number;
  /** The store says that a transaction is larger than it takes, and did nothing. */
  readonly storeTooLarge: number;
  readonly storeLate: number;
  /** What a watch has to tell comes late, in order. */
  readonly watchLate: number;
  /** A watch ends, with the next thing that it has to tell. */
  readonly watchFails: number;
  /** The store has no quorum for a while. */
  readonly storeAwayEveryMs: number;
  /** Another member leads: all leases begin again. */
  readonly leaderChangeEveryMs: number;
  /** A lease ends before its time. */
  readonly leaseCutEveryMs: number;
  /** The store is set back to a state of some seconds ago. */
  readonly setBackEveryMs: number;
  /** What the store remembers of the past goes, whoever watches. */
  readonly compactEveryMs: number;
  // ---- Processes
  readonly workerKillEveryMs: number;
  readonly driverKillEveryMs: number;
  readonly freezeEveryMs: number;
  /** A process's main thread is busy for long, and its attempts go on. */
  readonly blockEveryMs: number;
  /** Mean time between restarts of a node that is asked to drain first. */
  readonly drainEveryMs: number;
  /** All nodes of a region go, or are cut off from all others. */
  readonly regionLossEveryMs: number;
  /** A process runs in short moments between long pauses for a while. */
  readonly stutterEveryMs: number;
  /** Somebody asks for a job to stop. */
  readonly cancelEveryMs: number;
  // ---- Time
  /** A process has, from its start on, a clock that is fast or slow. */
  readonly clockDrifts: number;
  readonly wallJumpEveryMs: number;
  // ---- Disks and outputs
  readonly blockLossEveryMs: number;
  readonly diskFull: number;
  /** Writing or reading fails. */
  readonly diskFails: number;
  /** There is no room for what a task spills, */
  readonly scratchFull: number;
  /** or it cannot be read again. */
  readonly scratchFails: number;
  /** What was not made durable is torn or gone after a crash. */
  readonly unsyncedLost: number;
  /** The outputs' storage says no, and did nothing. */
  readonly outputRefuses: number;
  /** The outputs' storage did it, and the answer is lost. */
  readonly outputReplyLost: number;
  // ---- Attempts
  /** The attempt's thread dies. */
  readonly attemptDies: number;
  /** The attempt never ends. */
  readonly attemptHangs: number;
  /** The attempt does not hear for long that it is to stop. */
  readonly stopLate: number;
  /** A function of the user's throws. */
  readonly userThrows: number;
  /** The attempt needs more memory than there is. */
  readonly memoryExhausted: number;
  /** The cluster has a job that only nodes of a newer version understand. */
  readonly newerVersion: number;
  /** A node, from its start to its end, takes many times as long for everything. */
  readonly nodeIsSlow: number;
  /** A node on which, from its start to its end, every attempt dies. */
  readonly nodeIsSick: number;
}

/** Nothing goes wrong: for the phase in which the job must end. */
export const NO_FAULTS: FaultRates = {
  messageLost: 0,
  messageDoubled: 0,
  messageLate: 0,
  messageReplayed: 0,
  delayMsMax: 5,
  partitionEveryMs: 0,
  storeRefuses: 0,
  storeReplyLost: 0,
  storeRequestLost: 0,
  storeFull: 0,
  storeTooLarge: 0,
  storeLate: 0,
  watchLate: 0,
  watchFails: 0,
  storeAwayEveryMs: 0,
  leaderChangeEveryMs: 0,
  leaseCutEveryMs: 0,
  setBackEveryMs: 0,
  compactEveryMs: 0,
  workerKillEveryMs: 0,
  driverKillEveryMs: 0,
  freezeEveryMs: 0,
  blockEveryMs: 0,
  drainEveryMs: 0,
  regionLossEveryMs: 0,
  stutterEveryMs: 0,
  cancelEveryMs: 0,
  clockDrifts: 0,
  wallJumpEveryMs: 0,
  blockLossEveryMs: 0,
  diskFull: 0,
  diskFails: 0,
  scratchFull: 0,
  scratchFails: 0,
  unsyncedLost: 0,
  outputRefuses: 0,
  outputReplyLost: 0,
  attemptDies: 0,
  attemptHangs: 0,
  stopLate: 0,
  userThrows: 0,
  memoryExhausted: 0,
  newerVersion: 0,
  nodeIsSlow: 0,
  nodeIsSick: 0,
};

/**
 * Draws the rates of one run. Each fault is left out of every other run altogether: some bugs show only where others
 * do not get in their way (swarm testing; Groce et al., ISSTA 2012).
 */
export function drawRates(random: Prng): FaultRates {
  // So many kinds at once would leave next to nothing undisturbed: some runs have few of them.
  const kinds = random.pick([0.15, 0.3, 0.5]);
  const maybe = (most: number): number => (random.chance(kinds) ? random.next() * most : 0);
  const every = (least: number, most: number): number =>
    random.chance(kinds) ? least + random.below(most - least) : 0;
  return {
    messageLost: maybe(0.3),
    messageDoubled: maybe(0.3),
    messageLate: maybe(0.3),
    messageReplayed: maybe(0.2),
    delayMsMax: 10 + random.below(20_000),
    partitionEveryMs: every(2_000, 40_000),
    storeRefuses: maybe(0.2),
    storeReplyLost: maybe(0.2),
    storeRequestLost: maybe(0.2),
    storeFull: maybe(0.03),
    storeTooLarge: maybe(0.03),
    storeLate: maybe(0.3),
    watchLate: maybe(0.5),
    watchFails: maybe(0.2),
    storeAwayEveryMs: every(5_000, 40_000),
    leaderChangeEveryMs: every(1_000, 20_000),
    leaseCutEveryMs: every(2_000, 30_000),
    // A world that has a place for it draws it apart.
    setBackEveryMs: 0,
    compactEveryMs: every(500, 10_000),
    workerKillEveryMs: every(1_000, 30_000),
    driverKillEveryMs: every(1_000, 30_000),
    freezeEveryMs: every(2_000, 40_000),
    blockEveryMs: every(2_000, 40_000),
    drainEveryMs: every(2_000, 30_000),
    regionLossEveryMs: every(5_000, 60_000),
    stutterEveryMs: every(2_000, 30_000),
    cancelEveryMs: every(5_000, 60_000),
    clockDrifts: maybe(0.6),
    wallJumpEveryMs: every(2_000, 30_000),
    blockLossEveryMs: every(300, 20_000),
    diskFull: maybe(0.1),
    diskFails: maybe(0.1),
    scratchFull: maybe(0.1),
    scratchFails: maybe(0.05),
    unsyncedLost: maybe(1),
    outputRefuses: maybe(0.3),
    outputReplyLost: maybe(0.3),
    attemptDies: maybe(0.15),
    attemptHangs: maybe(0.05),
    stopLate: maybe(0.8),
    userThrows: maybe(0.1),
    memoryExhausted: maybe(0.1),
    newerVersion: maybe(0.3),
    nodeIsSlow: maybe(0.4),
    nodeIsSick: maybe(0.6),
  };
}

/** All that may go wrong, by the names under which it is told. */
export const FAULT_KINDS: readonly string[] = [
  "attemptDies",
  "attemptHangs",
  "blockCut",
  "blockDamaged",
  "blockLost",
  "cancel",
  "clockDrifts",
  "compact",
  "diskFails",
  "diskFull",
  "diskLost",
  "drain",
  "driverKill",
  "freeze",
  "leaderChange",
  "leaseCut",
  "loopBlocked",
  "memoryExhausted",
  "messageCut",
  "messageDoubled",
  "messageLate",
  "messageLost",
  "messageReplayed",
  "newerVersion",
  "nodeGone",
  "nodeIsSick",
  "nodeIsSlow",
  "outputRefuses",
  "outputReplyLost",
  "partition",
  "peerUnreachable",
  "regionCut",
  "regionKill",
  "scratchFails",
  "scratchFull",
  "setBack",
  "stopLate",
  "storeAway",
  "storeFull",
  "storeLate",
  "storeRefuses",
  "storeReplyCut",
  "storeReplyLost",
  "storeRequestLost",
  "storeTooLarge",
  "storeUnreachable",
  "stutter",
  "unsyncedLost",
  "userThrows",
  "wallJump",
  "watchFails",
  "watchLate",
  "watchStarved",
  "workerKill",
];
