/** Sources that need no files. */
import type { SourceFormat } from "../plan/node.ts";
import { checkOptions, checkPartitions, checkWhole, invalidArgument } from "./check-arguments.ts";
import type { WideOptions } from "./operators/aggregate.ts";

/** Values written into a job are held in the memory of every thread; more belong in a file. */
export const OF_VALUES_MAX = 10_000_000;

const ANY_WHOLE: readonly [number, number] = [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER];

/** `(end)`, `(start, end)` or `(start, end, step)`, each with options behind. */
export function rangeSource(args: readonly unknown[]): SourceFormat {
  const last = args.at(-1);
  const options = args.length > 1 && typeof last === "object" ? last : undefined;
  const given = options === undefined ? args : args.slice(0, -1);
  const [first, second, third = 1] = given;
  const [start, end] = given.length > 1 ? [first, second] : [0, first];
  if (given.length > 3) throw invalidArgument("read.range", "the fourth argument", given[3], "left out");
  const step = checkWhole("read.range", "step", third, ANY_WHOLE);
  if (step === 0) throw invalidArgument("read.range", "step", step, "a whole number other than 0");
  const from = checkWhole("read.range", "start", start, ANY_WHOLE);
  const to = checkWhole("read.range", "end", end, ANY_WHOLE);
  if ((to - from) / step > Number.MAX_SAFE_INTEGER) {
    throw invalidArgument("read.range", "end", to, "no more than 2^53-1 steps away from the start");
  }
  const { partitions } = checkOptions("read.range", options, ["partitions"]);
  return {
    format: "range",
    start: from,
    end: to,
    step,
    partitions: checkPartitions("read.range", partitions),
  };
}

export function ofSource(values: unknown, options: WideOptions | undefined): SourceFormat {
  const { partitions } = checkOptions("read.of", options, ["partitions"]);
  return {
    format: "of",
    values: Object.freeze(listOf(values)),
    partitions: checkPartitions("read.of", partitions),
  };
}

function listOf(values: unknown): unknown[] {
  if (typeof values === "string") {
    throw invalidArgument("read.of", "values", values, `a list: [${JSON.stringify("…")}] for one text`);
  }
  if (typeof values !== "object" || values === null || !(Symbol.iterator in values)) {
    throw invalidArgument(
      "read.of",
      "values",
      values,
      "an array or another iterable (not an asynchronous one)",
    );
  }
  const list: unknown[] = [];
  for (const value of values as Iterable<unknown>) {
    if (list.length === OF_VALUES_MAX) {
      throw invalidArgument(
        "read.of",
        "values",
        values,
        `no more than ${OF_VALUES_MAX} values; put more into a file`,
      );
    }
    list.push(value);
  }
  return list;
}
