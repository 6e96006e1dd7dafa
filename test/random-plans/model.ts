/** A data set as arrays: what every operator means, written as naively as possible. */
import { compareKeys, sameKey } from "../../src/base/compare.ts";
import { hashKey, partitionOf } from "../../src/base/hash.ts";
import type { JoinType } from "../../src/plan/node.ts";

export interface ModelPart {
  readonly rows: readonly unknown[];
  /** Among the partitions of the stage it comes from. */
  readonly index: number;
}

export interface Model {
  readonly parts: readonly ModelPart[];
  /** Whether rows are in the right parts; else only their order, and how many parts there are, is known. */
  readonly exact: boolean;
}

type Pair = readonly [unknown, unknown];

export const rowsOf = ({ parts }: Model): readonly unknown[] => parts.flatMap((part) => part.rows);

export function modelOf(parts: readonly (readonly unknown[])[], exact = true): Model {
  return { parts: parts.map((rows, index) => ({ rows, index })), exact };
}

/** All rows in the first part: for where the borders are nobody's business. */
export function blurred(rows: readonly unknown[], parts: number): Model {
  return modelOf(
    Array.from({ length: parts }, (_, index) => (index === 0 ? rows : [])),
    false,
  );
}

export const mapParts = (model: Model, fn: (rows: readonly unknown[]) => readonly unknown[]): Model => ({
  ...model,
  parts: model.parts.map((part) => ({ ...part, rows: fn(part.rows) })),
});

export const unionOf = (models: readonly Model[]): Model => ({
  parts: models.flatMap((model) => model.parts),
  exact: models.every((model) => model.exact),
});

/** How many partitions a shuffle has that was not told. */
export function defaultPartitions(...sides: readonly Model[]): number {
  const tasks = sides.reduce((sum, side) => sum + side.parts.length, 0);
  return Math.min(Math.max(Math.min(tasks, 32), Math.ceil(tasks / 4), 1), 1024);
}

/** The values of each key in order of arrival, by key; the key as it came first. */
export function groupsOf(pairs: readonly Pair[]): readonly (readonly [unknown, readonly unknown[]])[] {
  const sorted = pairs.map((pair, at) => ({ pair, at }));
  sorted.sort((a, b) => compareKeys(a.pair[0], b.pair[0]) || a.at - b.at);
  const groups: [unknown, unknown[]][] = [];
  for (const { pair } of sorted) {
    const last = groups.at(-1);
    if (last !== undefined && sameKey(last[0], pair[0])) last[1].push(pair[1]);
    else groups.push([pair[0], [pair[1]]]);
  }
  return groups;
}

/** Rows that come in key order, each in the partition of its key. */
export function byKey(rows: readonly (readonly [key: unknown, row: unknown])[], partitions: number): Model {
  const parts: unknown[][] = Array.from({ length: partitions }, () => []);
  for (const [key, row] of rows) parts[partitionOf(hashKey(key), partitions)]?.push(row);
  return modelOf(parts);
}

/** Key by key, the values of both sides; the left side's key where it has it. */
export function cogroupsOf(
  left: readonly Pair[],
  right: readonly Pair[],
): readonly (readonly [unknown, readonly unknown[], readonly unknown[]])[] {
  const tagged = [
    ...left.map(([key, value]): Pair => [key, { side: 0, value }]),
    ...right.map(([key, value]): Pair => [key, { side: 1, value }]),
  ];
  return groupsOf(tagged).map(([key, all]) => {
    const values = all as readonly { readonly side: number; readonly value: unknown }[];
    const of = (side: number) => values.filter((one) => one.side === side).map((one) => one.value);
    return [key, of(0), of(1)];
  });
}

export function joinOf(
  left: readonly Pair[],
  right: readonly Pair[],
  how: JoinType,
  partitions: number,
): Model {
  const rows = cogroupsOf(left, right).flatMap(([key, ls, rs]): (readonly [unknown, unknown])[] => {
    if (how === "semi" || how === "anti") {
      return rs.length > 0 === (how === "semi") ? ls.map((l) => [key, [key, l]]) : [];
    }
    const lefts = ls.length > 0 || how === "inner" || how === "left" ? ls : [undefined];
    const rights = rs.length > 0 || how === "inner" || how === "right" ? rs : [undefined];
    return lefts.flatMap((l) => rights.map((r) => [key, [key, [l, r]]] as const));
  });
  return byKey(rows, partitions);
}

/** In the order of the large side; for "right" the small one is the left. */
export function broadcastOf(
  large: readonly Pair[],
  small: readonly Pair[],
  how: JoinType,
): readonly unknown[] {
  return large.flatMap(([key, value]): readonly unknown[] => {
    const matches = small.filter(([other]) => sameKey(other, key)).map(([, match]) => match);
    if (how === "semi" || how === "anti")
      return matches.length > 0 === (how === "semi") ? [[key, value]] : [];
    const kept = matches.length > 0 || how === "inner" ? matches : [undefined];
    return kept.map((match) => [key, how === "right" ? [match, value] : [value, match]]);
  });
}

export function repartitionOf(model: Model, partitions: number): Model {
  const parts: unknown[][] = Array.from({ length: partitions }, () => []);
  for (const { rows, index } of model.parts) {
    rows.forEach((row, at) => {
      parts[(index + at) % partitions]?.push(row);
    });
  }
  return modelOf(parts);
}

export function sortOf(
  rows: readonly unknown[],
  by: (row: unknown) => unknown,
  descending: boolean | readonly boolean[],
): readonly unknown[] {
  const compare = (a: unknown, b: unknown): number => {
    if (typeof descending === "boolean") return descending ? compareKeys(b, a) : compareKeys(a, b);
    const [first, second] = [a as readonly unknown[], b as readonly unknown[]];
    for (let i = 0; i < first.length; i++) {
      const order = compareKeys(first[i], second[i]);
      if (order !== 0) return descending[i] === true ? -order : order;
    }
    return 0;
  };
  return rows
    .map((row, at) => ({ row, key: by(row), at }))
    .sort((a, b) => compare(a.key, b.key) || a.at - b.at)
    .map(({ row }) => row);
}
