import type { Prng } from "../../base/prng.ts";

/** Probabilities for one thing to go wrong once; means in virtual milliseconds. */
export interface FaultRates {
  readonly messageLost: number;
  readonly messageDoubled: number;
  readonly messageLate: number;
  /** Longest delay of a late message or store call. */
  readonly delayMsMax: number;
  /** The store says no, and did nothing. */
  readonly storeRefuses: number;
  /** The store did it, and the answer is lost. */
  readonly storeReplyLost: number;
  readonly storeLate: number;
  /** The attempt's thread dies. */
  readonly attemptDies: number;
  /** The attempt never ends. */
  readonly attemptHangs: number;
  /** A node, from its start to its end, takes `SLOW_FACTOR` times as long for everything. */
  readonly nodeIsSlow: number;
  /** A node on which, from its start to its end, every attempt dies. */
  readonly nodeIsSick: number;
  /** Mean time between kills of a worker, of the driver, freezes, partitions and lost or damaged blocks; 0 never. */
  readonly workerKillEveryMs: number;
  readonly driverKillEveryMs: number;
  readonly freezeEveryMs: number;
  readonly partitionEveryMs: number;
  readonly blockLossEveryMs: number;
  /** Mean time between restarts of a node that is asked to drain first. */
  readonly drainEveryMs: number;
}

/** Nothing goes wrong: for the phase in which the job must end. */
export const NO_FAULTS: FaultRates = {
  messageLost: 0,
  messageDoubled: 0,
  messageLate: 0,
  delayMsMax: 5,
  storeRefuses: 0,
  storeReplyLost: 0,
  storeLate: 0,
  attemptDies: 0,
  attemptHangs: 0,
  nodeIsSlow: 0,
  nodeIsSick: 0,
  workerKillEveryMs: 0,
  driverKillEveryMs: 0,
  freezeEveryMs: 0,
  partitionEveryMs: 0,
  blockLossEveryMs: 0,
  drainEveryMs: 0,
};

/**
 * Draws the rates of one run. Each fault is left out of every other run altogether: some bugs show only where others
 * do not get in their way (swarm testing; Groce et al., ISSTA 2012).
 */
export function drawRates(random: Prng): FaultRates {
  const maybe = (most: number): number => (random.chance(0.5) ? 0 : random.next() * most);
  const every = (least: number, most: number): number =>
    random.chance(0.5) ? 0 : least + random.below(most - least);
  return {
    messageLost: maybe(0.3),
    messageDoubled: maybe(0.3),
    messageLate: maybe(0.3),
    delayMsMax: 10 + random.below(20_000),
    storeRefuses: maybe(0.2),
    storeReplyLost: maybe(0.2),
    storeLate: maybe(0.3),
    attemptDies: maybe(0.15),
    attemptHangs: maybe(0.05),
    nodeIsSlow: maybe(0.4),
    nodeIsSick: maybe(0.3),
    workerKillEveryMs: every(2_000, 30_000),
    driverKillEveryMs: every(2_000, 30_000),
    freezeEveryMs: every(5_000, 40_000),
    partitionEveryMs: every(5_000, 40_000),
    blockLossEveryMs: every(500, 20_000),
    drainEveryMs: every(2_000, 30_000),
  };
}
