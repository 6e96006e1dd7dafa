/**
 * A job whose function gives other rows each time that it is called, which no function should: what it gives may be anything,
 * but must be made of one call for each record. Where an output was lost, and another took its place after somebody had read it,
 * the job must fail and say so (S6).
 */
import type { ErrorInfo } from "../../base/errors.ts";
import type { Prng } from "../../base/prng.ts";
import type { Plan, PlanNode, UserFunction } from "../../plan/node.ts";

export interface UnstableJob {
  readonly name: string;
  readonly plan: Plan;
  /** Nobody knows. */
  readonly expected: readonly [];
  readonly judge: (found: readonly (readonly string[] | undefined)[]) => string | undefined;
  readonly isFinal: (error: ErrorInfo) => boolean;
}

/** The record's place, and what the call for it has drawn. */
type Drawn = readonly [at: number, drawn: number];

/** So few calls draw the same that a mixture shows. */
const DRAWN_BELOW = 1_000_000;
/** Each record goes to all of them, so that several tasks read what one call gave. */
const KEYS = ["a", "b", "c", "d", "e"];
const fn = (f: (...args: never[]) => unknown): UserFunction => f;

export function unstableJob(count: number, tasks: number, random: Prng): UnstableJob {
  const source = {
    format: "of",
    values: Array.from({ length: count }, (_, at) => at),
    partitions: tasks,
  } as const;
  const draw = (at: number): readonly (readonly [string, Drawn])[] => {
    const drawn = random.below(DRAWN_BELOW);
    return KEYS.map((key) => [key, [at, drawn]]);
  };
  const drawn: PlanNode = { kind: "flatMap", input: { kind: "source", source }, fn: fn(draw) };
  const groups = {
    kind: "group",
    input: drawn,
    key: "pair",
    combine: undefined,
    partitions: KEYS.length,
  } as const;
  const whole = fn(([key, list]: readonly [string, Iterable<Drawn>]) => [key, [...list]]);
  const read: PlanNode = { kind: "map", input: groups, fn: whole };
  const plan: Plan = {
    ends: [{ name: "end0", end: { kind: "collect", input: read, rowsMax: 100_000, single: false } }],
    shape: "record",
  };
  return {
    name: "unstable",
    plan,
    expected: [],
    judge: (found) => judge(count, found[0] ?? []),
    isFinal: ({ code }) => code === "OUTPUT_DIFFERS",
  };
}

/** What is wrong with the rows that the job gave. */
function judge(count: number, rows: readonly string[]): string | undefined {
  const parsed = rows.map((row) => JSON.parse(row) as readonly [string, readonly Drawn[]]);
  const keys = parsed.map(([key]) => key).sort();
  if (keys.join() !== (count === 0 ? "" : KEYS.join())) return `S6: the keys are ${keys.join()}`;
  const first = parsed[0]?.[1] ?? [];
  const places = first.map(([at]) => at).sort((a, b) => a - b);
  if (places.length !== count || places.some((at, index) => at !== index))
    return `S6: the records are ${places.join()}`;
  const lists = new Set(parsed.map(([, list]) => JSON.stringify(list)));
  return lists.size > 1
    ? `S6: tasks have read what different calls gave: ${[...lists].join(" and ")}`
    : undefined;
}
