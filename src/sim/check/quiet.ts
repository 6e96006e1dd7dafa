/**
 * What is looked at when every job has long committed and no fault has stood for as long: nobody has lost a watch, and nobody asks
 * the store more often than a cluster does that never saw a fault (L18).
 */
import type { Scheduler } from "../scheduler.ts";
import type { StoreHistory } from "./store/store-history.ts";

/** Longer than the longest pause before anything is tried again, and than a node stays away. Virtual milliseconds. */
const SETTLE_MS = 65_000;
const LOOK_MS = 60_000;
/**
 * What a node without jobs asks of the store in that time: three renewals in each 4 seconds of its lease, and for each of
 * its three views a list and a watch every 30. The calm runs of the tests hold it to this.
 */
export const ASKED_PER_NODE = 57;
const ASKED_TIMES_MAX = 1.2;

export interface QuietParts {
  readonly scheduler: Scheduler;
  readonly history: StoreHistory;
  /** How many nodes live. */
  readonly nodes: () => number;
}

/** Waits, and gives how often each node asked meanwhile. */
export async function askedWhenQuiet({ scheduler, history, nodes }: QuietParts): Promise<number> {
  const wait = (ms: number): Promise<boolean> => scheduler.play(() => false, scheduler.nowMs + ms);
  await wait(SETTLE_MS);
  const before = history.asked;
  await wait(LOOK_MS);
  history.lookForForgotten();
  return (history.asked - before) / nodes();
}

/** L18: what is wrong with that. */
export function quietProblems(asked: number): readonly string[] {
  if (asked <= ASKED_TIMES_MAX * ASKED_PER_NODE) return [];
  return [
    `L18: long after the last fault each node asks the store ${asked} times in ${LOOK_MS} ms, instead of ${ASKED_PER_NODE}`,
  ];
}
