/**
 * The reduce side of a join: both sides in key order, walked together. Of each key the right side is held in
 * memory, the left side streams.
 */
import type { JoinNode, JoinType } from "../../../plan/node.ts";
import type { Batch, BatchInput } from "../../batch.ts";
import { BatchRows, GeneratedInput } from "../generated-input.ts";
import { compareSides, type Groups } from "../group/groups.ts";
import { sortSides } from "../group/open-groups.ts";
import type { ReadMeter, ShuffleRequest } from "../shuffle-request.ts";

export function openJoin(request: ShuffleRequest<JoinNode>): BatchInput {
  const meter: ReadMeter = { bytes: 0 };
  return new GeneratedInput(async () => {
    const sorted = await sortSides(request, meter);
    const [left, right] = sorted.sides;
    return { batches: joinBatches(left, right, request.node.how), dispose: sorted.dispose };
  }, meter);
}

/** What a join gives for keys of one side only, and of both. */
interface Rules {
  readonly leftOnly: boolean;
  readonly rightOnly: boolean;
  readonly both: "pairs" | "left" | "nothing";
}

const RULES: Record<JoinType, Rules> = {
  inner: { leftOnly: false, rightOnly: false, both: "pairs" },
  left: { leftOnly: true, rightOnly: false, both: "pairs" },
  right: { leftOnly: false, rightOnly: true, both: "pairs" },
  full: { leftOnly: true, rightOnly: true, both: "pairs" },
  semi: { leftOnly: false, rightOnly: false, both: "left" },
  anti: { leftOnly: true, rightOnly: false, both: "nothing" },
};

function* joinBatches(left: Groups, right: Groups, how: JoinType): Generator<Batch, void> {
  const rules = RULES[how];
  const batch = new BatchRows();
  let onLeft = left.next();
  let onRight = right.next();
  while (onLeft || onRight) {
    const order = compareSides(onLeft ? left : undefined, onRight ? right : undefined);
    if (order === 0) yield* matched(left, right, rules, batch);
    else if (order < 0 && rules.leftOnly) yield* alone(left, how === "anti" ? "bare" : "left", batch);
    else if (order > 0 && rules.rightOnly) yield* alone(right, "right", batch);
    if (order <= 0) onLeft = left.next();
    if (order >= 0) onRight = right.next();
  }
  if (batch.rows.length > 0) yield batch.batch();
}

/** Rows of a key that both sides have. */
function* matched(left: Groups, right: Groups, rules: Rules, batch: BatchRows): Generator<Batch, void> {
  if (rules.both === "nothing") return;
  if (rules.both === "left") return yield* alone(left, "bare", batch);
  const { key } = left;
  const rightValues = right.allValues();
  while (left.hasValue()) {
    const leftValue = left.takeValue();
    for (const rightValue of rightValues) {
      batch.push([key, [leftValue, rightValue]]);
      if (batch.isFull) {
        yield batch.batch();
        batch.clear();
      }
    }
  }
}

/** Rows of one side without the other: the missing value is undefined, or left out altogether. */
function* alone(side: Groups, as: "left" | "right" | "bare", batch: BatchRows): Generator<Batch, void> {
  const { key } = side;
  while (side.hasValue()) {
    const value = side.takeValue();
    if (as === "bare") batch.push([key, value]);
    else batch.push([key, as === "left" ? [value, undefined] : [undefined, value]]);
    if (batch.isFull) {
      yield batch.batch();
      batch.clear();
    }
  }
}
