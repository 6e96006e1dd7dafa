/** Operators as data, each applied to a data set and to its model alike. */
import fc from "fast-check";
import type { Dataset } from "../../src/api/dataset.ts";
import { hashKey } from "../../src/base/hash.ts";
import type { JoinType } from "../../src/plan/node.ts";
import {
  blurred,
  broadcastOf,
  byKey,
  cogroupsOf,
  defaultPartitions,
  groupsOf,
  joinOf,
  type Model,
  mapParts,
  modelOf,
  repartitionOf,
  rowsOf,
  sortOf,
  unionOf,
} from "./model.ts";
import { NASTY, show } from "./values.ts";

export interface Twin {
  readonly data: Dataset<unknown>;
  readonly model: Model;
}

export interface Step {
  readonly kind: keyof typeof operators;
  /** Which of the data sets so far, counted from the last. */
  readonly input: number;
  readonly other: number;
  readonly n: number;
  /** 0: by default. */
  readonly partitions: number;
}

type Pair = readonly [unknown, unknown];
type Pairs = Dataset<Pair>;
type Apply = (input: Twin, step: Step, other: Twin) => Twin;

const JOINS: readonly JoinType[] = ["inner", "left", "right", "full", "semi", "anti"];

/** Keys of a row: of few values (hot), of many, and of every type. */
function keyOf(row: unknown, n: number): unknown {
  const hash = hashKey(row);
  switch (n % 5) {
    case 0:
      return hash % 2;
    case 1:
      return row;
    case 2:
      return NASTY[hash % NASTY.length];
    case 3:
      return Array.isArray(row) ? row[0] : row;
    default:
      return "hot";
  }
}

const keyed = (rows: readonly unknown[], n: number): Pair[] => rows.map((row) => [keyOf(row, n), row]);

function copies(row: unknown, n: number): unknown[] {
  return Array.from({ length: (hashKey(row) + n) % 3 }, (_, index) => (index === 0 ? row : [index, row]));
}

const optionsOf = ({ partitions }: Step) => (partitions === 0 ? {} : { partitions });
const countOf = ({ partitions }: Step, ...sides: readonly Model[]): number =>
  partitions === 0 ? defaultPartitions(...sides) : partitions;

/** Records that do not grow without end when steps follow each other: a row of a group, or a pair. */
function trimmed(row: unknown): unknown {
  const text = show(row);
  return text.length <= 400 ? row : [hashKey(row), text.length];
}

const narrow =
  (
    data: (input: Dataset<unknown>, n: number) => Dataset<unknown>,
    model: (rows: readonly unknown[], n: number) => readonly unknown[],
  ): Apply =>
  (input, { n }) => ({ data: data(input.data, n), model: mapParts(input.model, (rows) => model(rows, n)) });

/** Borders that the model does not know would show. */
const whereExact =
  (apply: Apply): Apply =>
  (input, step, other) =>
    input.model.exact ? apply(input, step, other) : input;

/** How a group is read: to its end, not at all, for a while, or beyond its row's turn. */
function readGroup(values: Iterable<unknown>, n: number): unknown[] {
  if (n % 3 === 0) return [...values];
  const some: unknown[] = [];
  for (const one of values) {
    if (some.push(one) > n) break;
  }
  return some;
}

function groupRow(key: unknown, values: Iterable<unknown>, n: number): unknown {
  return n === 5 ? [key] : [key, trimmed(readGroup(values, n))];
}

const wideGroup =
  (data: (grouped: Dataset<[unknown, Iterable<unknown>]>, n: number) => Dataset<unknown>): Apply =>
  (input, step) => {
    const { n } = step;
    const count = countOf(step, input.model);
    const grouped = input.data.groupBy((row) => keyOf(row, n) as never, optionsOf(step));
    const groups = groupsOf(keyed(rowsOf(input.model), n));
    const model = byKey(
      groups.map(([key, values]) => [key, [key, values]]),
      count,
    );
    const rows = (all: readonly unknown[]) =>
      all.map((row) => {
        const [key, values] = row as readonly [unknown, readonly unknown[]];
        return groupRow(key, values, n);
      });
    return { data: data(grouped, n), model: mapParts(model, rows) };
  };

const rowOfGroup =
  (n: number) =>
  ([key, values]: readonly [unknown, Iterable<unknown>]): unknown =>
    groupRow(key, values, n);

const concatenated = {
  zero: (): unknown[] => [],
  add: (list: unknown[], row: unknown): unknown[] => {
    list.push(show(row).slice(0, 40));
    return list;
  },
  merge: (list: unknown[], later: unknown[]): unknown[] => {
    for (const one of later) list.push(one);
    return list;
  },
};
const concatenatedOf = (rows: readonly unknown[]): unknown[] => rows.map((row) => show(row).slice(0, 40));

export const operators = {
  map: narrow(
    (data, n) => data.map((row): unknown => trimmed([n, row])),
    (rows, n) => rows.map((row) => trimmed([n, row])),
  ),
  record: narrow(
    (data, n) => data.map((row): unknown => trimmed({ id: n, row })),
    (rows, n) => rows.map((row) => trimmed({ id: n, row })),
  ),
  text: narrow(
    (data) => data.map((row) => show(row)),
    (rows) => rows.map((row) => show(row)),
  ),
  replace: narrow(
    (data, n) => data.map((row): unknown => NASTY[(hashKey(row) + n) % NASTY.length]),
    (rows, n) => rows.map((row) => NASTY[(hashKey(row) + n) % NASTY.length]),
  ),
  filter: narrow(
    (data, n) => data.filter((row) => hashKey(row) % 5 !== n),
    (rows, n) => rows.filter((row) => hashKey(row) % 5 !== n),
  ),
  flatMap: narrow(
    (data, n) => data.flatMap((row): Iterable<unknown> => copies(row, n)),
    (rows, n) => rows.flatMap((row) => copies(row, n)),
  ),
  flatMapStream: narrow(
    (data, n) =>
      data.flatMap(function* (row): Iterable<unknown> {
        yield* copies(row, n);
      }),
    (rows, n) => rows.flatMap((row) => copies(row, n)),
  ),
  keyBy: narrow(
    (data, n) => data.keyBy((row) => keyOf(row, n) as never),
    (rows, n) => keyed(rows, n),
  ),
  sampleAll: narrow(
    (data, n) => data.sample(n % 2, { seed: n }),
    (rows, n) => (n % 2 === 0 ? [] : rows),
  ),
  mapPartitions: whereExact(
    narrow(
      (data, n) =>
        data.mapPartitions(function* (rows): Iterable<unknown> {
          let at = 0;
          for (const row of rows) {
            if (n === 1 && at === 3) return;
            yield trimmed([at++, row]);
          }
          yield at;
        }),
      (rows, n) =>
        n === 1 && rows.length > 3
          ? rows.slice(0, 3).map((row, at) => trimmed([at, row]))
          : [...rows.map((row, at) => trimmed([at, row])), rows.length],
    ),
  ),
  union: (input, { n }, other) => {
    const all = n === 0 ? [other, input, other] : [input, other];
    const [first, ...rest] = all as [Twin, ...Twin[]];
    return {
      data: first.data.union(...rest.map((one) => one.data)),
      model: unionOf(all.map((one) => one.model)),
    };
  },
  groupMap: wideGroup((grouped, n) => grouped.map(rowOfGroup(n))),
  groupFlat: wideGroup((grouped, n) => grouped.flatMap((group) => [rowOfGroup(n)(group)])),
  groupPartitions: wideGroup((grouped, n) =>
    grouped.mapPartitions(function* (groups): Iterable<unknown> {
      for (const group of groups) yield rowOfGroup(n)(group);
    }),
  ),
  groupKept: (input, step) => {
    const { n } = step;
    const grouped = input.data.groupBy((row) => keyOf(row, n) as never, optionsOf(step));
    const groups = groupsOf(keyed(rowsOf(input.model), n)).map(([key, values]): Pair => [key, [key, values]]);
    const model = byKey(groups, countOf(step, input.model));
    const data = grouped.repartition(3).map((row): unknown => trimmed([row[0], [...row[1]]]));
    return { data, model: mapParts(repartitionOf(model, 3), (rows) => rows.map(trimmed)) };
  },
  cogroup: (input, step, other) => {
    const { n } = step;
    const left = input.data.keyBy((row) => keyOf(row, n) as never);
    const right = other.data.keyBy((row) => keyOf(row, n) as never);
    const data = left.cogroup(right, optionsOf(step)).map(([key, [ls, rs]]): unknown => {
      if (n % 2 === 0) return trimmed([key, readGroup(ls, n), readGroup(rs, n)]);
      const second = readGroup(rs, n);
      return trimmed([key, readGroup(ls, n), second]);
    });
    const rows = cogroupsOf(keyed(rowsOf(input.model), n), keyed(rowsOf(other.model), n));
    const model = byKey(
      rows.map(([key, ls, rs]) => [key, trimmed([key, readGroup(ls, n), readGroup(rs, n)])]),
      countOf(step, input.model, other.model),
    );
    return { data, model };
  },
  join: (input, step, other) => {
    const { n } = step;
    const how = JOINS[(n + step.partitions) % JOINS.length] as JoinType;
    // At most so many rows a side, as the model's product of two hot keys would not end.
    const left = input.data.keyBy((row) => keyOf(row, 1) as never);
    const right = other.data.distinct().keyBy((row) => keyOf(row, n === 4 ? 1 : n) as never);
    const distinct = groupsOf(rowsOf(other.model).map((row): Pair => [row, null])).map(([row]) => row);
    const between = byKey(
      distinct.map((row) => [row, row]),
      defaultPartitions(other.model),
    );
    const lefts = keyed(rowsOf(input.model), 1);
    const rights = keyed(rowsOf(between), n === 4 ? 1 : n);
    const model = joinOf(lefts, rights, how, countOf(step, input.model, between));
    const data: Dataset<unknown> = left.join(right, { how, ...optionsOf(step) });
    return {
      data: data.map((row): unknown => trimmed(row)),
      model: mapParts(model, (rows) => rows.map(trimmed)),
    };
  },
  // Behind a shuffle of its own, as both sides may come from one reading.
  joinBroadcast: whereExact((input, { n, partitions }, other) => {
    const how = (["inner", "left", "semi", "anti", "right"] as const)[n % 5] ?? "inner";
    const large = input.data.repartition(3).keyBy((row) => keyOf(row, 1) as never);
    const small = other.data.distinct().keyBy((row) => keyOf(row, partitions) as never);
    const distinct = groupsOf(rowsOf(other.model).map((row): Pair => [row, null])).map(([row]) => row);
    const between = byKey(
      distinct.map((row) => [row, row]),
      defaultPartitions(other.model),
    );
    const smalls = keyed(rowsOf(between), partitions);
    const strategy = "broadcast";
    const data: Dataset<unknown> =
      how === "right" ? small.join(large, { how, strategy }) : large.join(small, { how, strategy });
    return {
      data: data.map((row): unknown => trimmed(row)),
      model: mapParts(repartitionOf(input.model, 3), (rows) =>
        broadcastOf(keyed(rows, 1), smalls, how).map(trimmed),
      ),
    };
  }),
  reduceByKey: (input, step) => {
    const { n } = step;
    const pairs: Pairs = input.data.map((row) => [keyOf(row, n), [show(row).slice(0, 40)]] as const);
    const reduced = (pairs as Dataset<readonly [never, string[]]>).reduceByKey(
      (a, b) => [...a, ...b],
      optionsOf(step),
    );
    const rows = groupsOf(keyed(rowsOf(input.model), n)).map(([key, values]): Pair => {
      return [key, trimmed([key, concatenatedOf(values)])];
    });
    return {
      data: reduced.map((row): unknown => trimmed(row)),
      model: byKey(rows, countOf(step, input.model)),
    };
  },
  aggregateByKey: (input, step) => {
    const { n } = step;
    const data = input.data
      .keyBy((row) => keyOf(row, n) as never)
      .aggregateByKey({
        ...concatenated,
        finish: (list: unknown[]) => trimmed([list.length, list]),
        ...optionsOf(step),
      });
    const rows = groupsOf(keyed(rowsOf(input.model), n)).map(([key, values]): Pair => {
      return [key, [key, trimmed([values.length, concatenatedOf(values)])]];
    });
    return { data, model: byKey(rows, countOf(step, input.model)) };
  },
  countBy: (input, step) => {
    const { n } = step;
    const rows = groupsOf(keyed(rowsOf(input.model), n)).map(([key, values]): Pair => {
      return [key, [key, values.length]];
    });
    const data = input.data.countBy((row) => keyOf(row, n) as never, optionsOf(step));
    return { data, model: byKey(rows, countOf(step, input.model)) };
  },
  distinct: (input, step) => {
    const { n } = step;
    const whole = n === 0;
    const pairs = whole ? rowsOf(input.model).map((row): Pair => [row, row]) : keyed(rowsOf(input.model), n);
    const data = whole
      ? input.data.distinct(optionsOf(step))
      : input.data.distinct((row) => keyOf(row, n) as never, optionsOf(step));
    const rows = groupsOf(pairs).map(([key, [first]]): Pair => [key, first]);
    return { data, model: byKey(rows, countOf(step, input.model)) };
  },
  sortBy: (input, step) => {
    const { n } = step;
    const descending = n % 3 === 2 ? [true, false] : n % 3 === 1;
    const by = (row: unknown): unknown => (n % 3 === 2 ? [keyOf(row, n), keyOf(row, 1)] : keyOf(row, n));
    const data = input.data.sortBy((row) => by(row) as never, { descending, ...optionsOf(step) });
    return { data, model: blurred(sortOf(rowsOf(input.model), by, descending), countOf(step, input.model)) };
  },
  top: (input, step) => {
    const { n } = step;
    const count = n === 4 ? 1000 : n + 1;
    const by = (row: unknown): unknown => keyOf(row, n);
    const data = n === 1 ? input.data.top(count) : input.data.top(count, (row) => by(row) as never);
    return { data, model: modelOf([sortOf(rowsOf(input.model), by, true).slice(0, count)]) };
  },
  repartition: whereExact((input, { n, partitions }) => {
    const count = partitions === 0 ? n + 1 : partitions;
    return { data: input.data.repartition(count), model: repartitionOf(input.model, count) };
  }),
  mapReduce: (input, step) => {
    const { n } = step;
    const combines = n % 2 === 0;
    const data = input.data.mapReduce<never, string[], unknown>({
      map: (row, emit) => {
        for (const one of copies(row, n)) emit(keyOf(one, n) as never, [show(one).slice(0, 40)]);
      },
      ...(combines ? { combine: (_: never, values: Iterable<string[]>) => [...values].flat() } : {}),
      reduce: (key, values, emit) => {
        if (n === 3) emit(key);
        emit(trimmed([key, [...values].flat()]));
      },
      ...optionsOf(step),
    });
    const mapped = rowsOf(input.model).flatMap((row) => copies(row, n));
    const rows = groupsOf(keyed(mapped, n)).flatMap(([key, values]): Pair[] => {
      const row: Pair = [key, trimmed([key, concatenatedOf(values)])];
      return n === 3 ? [[key, key], row] : [row];
    });
    return { data, model: byKey(rows, countOf(step, input.model)) };
  },
} as const satisfies Record<string, Apply>;

export const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom(...(Object.keys(operators) as (keyof typeof operators)[])),
  input: fc.nat({ max: 2 }),
  other: fc.nat({ max: 3 }),
  n: fc.nat({ max: 5 }),
  partitions: fc.nat({ max: 4 }),
});
