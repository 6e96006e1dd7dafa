/**
 * A join of sides that do not fit the memory: both in key order, walked together. The left side of a key streams, and
 * each of its values meets all of the right side's.
 */
import type { JoinType } from "../../../plan/node.ts";
import type { Batch } from "../../batch.ts";
import { BatchRows } from "../generated-input.ts";
import { compareSides, type Groups } from "../group/groups.ts";
import { owned } from "../own-string.ts";
import { JOIN_RULES, type JoinRules } from "./join-rules.ts";
import type { SpooledRows } from "./spooled-rows.ts";

/** `rightRows` is empty before and after. */
export function* mergeBatches(
  left: Groups,
  right: Groups,
  how: JoinType,
  rightRows: SpooledRows,
): Generator<Batch, void> {
  const rules = JOIN_RULES[how];
  const batch = new BatchRows();
  let onLeft = left.next();
  let onRight = right.next();
  while (onLeft || onRight) {
    const order = compareSides(onLeft ? left : undefined, onRight ? right : undefined);
    if (order === 0) yield* matched(left, right, rules, rightRows, batch);
    else if (order < 0 && rules.leftOnly) yield* alone(left, how === "anti" ? "bare" : "left", batch);
    else if (order > 0 && rules.rightOnly) yield* alone(right, "right", batch);
    if (order <= 0) onLeft = left.next();
    if (order >= 0) onRight = right.next();
  }
  if (batch.rows.length > 0) yield batch.batch();
}

/** Rows of a key that both sides have. */
function* matched(
  left: Groups,
  right: Groups,
  rules: JoinRules,
  rightRows: SpooledRows,
  batch: BatchRows,
): Generator<Batch, void> {
  if (rules.both === "nothing") return;
  if (rules.both === "left") return yield* alone(left, "bare", batch);
  const { key } = left;
  while (right.hasValue()) rightRows.add(owned(right.takeValue()));
  while (left.hasValue()) {
    const leftValue = left.takeValue();
    for (const lot of rightRows.lots()) {
      for (const rightValue of lot) {
        batch.push([key, [leftValue, rightValue]]);
        if (!batch.isFull) continue;
        yield batch.batch();
        batch.clear();
      }
    }
  }
  rightRows.clear();
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
