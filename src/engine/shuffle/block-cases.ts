/** Shuffles of every kind, and rows for them: what properties of damaged blocks go through. */
import type { WideNode } from "../../plan/node.ts";

export const PARTITIONS = 3;
const input = { kind: "source", source: { format: "of", values: [], partitions: undefined } } as const;
const collation = { locale: "de", numeric: true, sensitivity: "variant" } as const;
const total = (a: number, b: number): number => a + b;
const sum = { init: (value: number) => value, add: total, merge: total, finish: undefined };
const aggregate = { kind: "aggregate", input, empty: undefined, partitions: undefined } as const;
const sort = { kind: "sort", input, by: "record", descending: false, partitions: undefined } as const;

const pairs = (count: number): unknown[] =>
  Array.from({ length: count }, (_, index) => [`key ${index % 7}`, index % 11]);
const texts = (count: number): unknown[] =>
  Array.from({ length: count }, (_, index) => `line ${(index * 7919) % 101}`);
const mixed = (count: number): unknown[] =>
  Array.from(
    { length: count },
    (_, index) => [index, `é${index}`, null, { at: index / 3, big: 3n }][index % 4],
  );
const records = (count: number): unknown[] =>
  Array.from({ length: count }, (_, index) => [
    index % 5,
    { id: index, name: `name ${index % 3}`, tags: ["x", index] },
  ]);

/** The node, and what each of its sides is given. */
export const BLOCK_CASES: readonly (readonly [
  string,
  WideNode,
  readonly ((count: number) => unknown[])[],
])[] = [
  ["count", { ...aggregate, key: "pair", aggregator: "count", emit: "pair" }, [pairs]],
  ["sum", { ...aggregate, key: "pair", aggregator: sum, emit: "pair" }, [pairs]],
  ["distinct", { ...aggregate, key: "record", aggregator: "count", emit: "key" }, [mixed]],
  ["group", { kind: "group", input, key: "pair", combine: undefined, partitions: undefined }, [records]],
  ["cogroup", { kind: "cogroup", left: input, right: input, partitions: undefined }, [pairs, records]],
  [
    "join",
    { kind: "join", how: "full", strategy: "shuffle", left: input, right: input, partitions: undefined },
    [records, records],
  ],
  [
    "join of pairs",
    { kind: "join", how: "inner", strategy: "shuffle", left: input, right: input, partitions: undefined },
    [pairs, pairs],
  ],
  ["sort of texts", sort, [texts]],
  ["sort of anything", sort, [mixed]],
  ["sort by a field", { ...sort, by: ([, value]: readonly [unknown, number]) => value }, [pairs]],
  ["sort of a language", { ...sort, collation }, [texts]],
  ["top", { kind: "top", input, count: 5, by: ([, value]: readonly [unknown, number]) => value }, [pairs]],
  ["repartition", { kind: "repartition", input, partitions: PARTITIONS }, [records]],
];
