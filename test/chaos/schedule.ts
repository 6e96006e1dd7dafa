/**
 * Which faults come, in which order, with what: by the seed alone.
 *
 * The kinds are dealt like cards, each once before any comes again, so that a short run meets most of them; a third of the
 * steps has a second fault beside the first. Whom a fault meets is a number here and a node only when it comes: who drives
 * then, nobody can tell before.
 */
import { Prng } from "../../src/base/prng.ts";

export const FAULT_KINDS = [
  "kill a worker",
  "kill a driver",
  "kill drivers again and again",
  "freeze a worker",
  "freeze a driver",
  "drain and restart a node",
  "restart every node in turn",
  "restart everything together",
  "lose a region with its disks",
  "kill etcd's leader",
  "kill a member of etcd",
  "kill a majority of etcd",
  "kill all of etcd",
  "freeze etcd's leader",
  "lose a disk of etcd",
  "damage a disk of etcd",
  "kill a client",
  "cut two nodes from each other",
  "cut a node from the others",
  "cut a node from the store",
  "cut a region off",
  "delay messages",
  "lose messages",
  "fill a disk",
  "damage blocks",
  "damage stored jobs",
  "shift a clock",
  "run a clock at another speed",
  "squeeze a node's memory",
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/** What may come beside another fault: what takes one node and no more. */
const BESIDE: readonly FaultKind[] = [
  "kill a worker",
  "kill a driver",
  "freeze a worker",
  "freeze a driver",
  "damage blocks",
  "kill a member of etcd",
];
/** A majority of etcd must agree on a new member, so that no other one may be away. */
const REPLACE_MEMBER: readonly FaultKind[] = [
  "lose a disk of etcd",
  "damage a disk of etcd",
  "lose a region with its disks",
];
const PAIR_CHANCE = 1 / 3;
/** Later a job has ended before a fault finds it. */
const PROGRESS_MAX = 0.8;

export interface Fault {
  readonly kind: FaultKind;
  /** Which of those that it may meet, from 0 to 1. */
  readonly pick: number;
  /** How long or how bad, from 0 to 1. */
  readonly size: number;
}

export interface Step {
  readonly number: number;
  readonly faults: readonly Fault[];
  /** How far a job is to be when it comes: its share of tasks that are done, from 0 to 1. */
  readonly progress: number;
}

export function* scheduleOf(seed: string, kinds: readonly FaultKind[]): Generator<Step, never> {
  const random = new Prng(`${seed}/faults`);
  const faultOf = (kind: FaultKind): Fault => ({ kind, pick: random.next(), size: random.next() });
  for (let number = 1; ; ) {
    for (const kind of shuffled(kinds, random)) {
      const beside = BESIDE.filter(
        (other) => other !== kind && kinds.includes(other) && mayMeet(kind, other),
      );
      const second = random.chance(PAIR_CHANCE) && beside.length > 0 ? [random.pick(beside)] : [];
      const faults = [kind, ...second].map(faultOf);
      yield { number: number++, faults, progress: PROGRESS_MAX * random.next() };
    }
  }
}

const mayMeet = (kind: FaultKind, other: FaultKind): boolean =>
  other !== "kill a member of etcd" || !REPLACE_MEMBER.includes(kind);

function shuffled<T>(list: readonly T[], random: Prng): readonly T[] {
  const cards = [...list];
  for (let i = cards.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [cards[i], cards[j]] = [cards[j]!, cards[i]!];
  }
  return cards;
}
