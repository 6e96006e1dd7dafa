/** The reduce sides that give groups: group and cogroup. */
import type { CogroupNode, GroupNode } from "../../../plan/node.ts";
import type { Batch, BatchInput } from "../../batch.ts";
import { BatchRows, GeneratedInput } from "../generated-input.ts";
import { type ReadMeter, type ShuffleRequest, takeColumns } from "../shuffle-request.ts";
import { Group } from "./group.ts";
import { GroupSorter } from "./group-sorter.ts";
import { compareSides, Groups } from "./groups.ts";

/** A group is handed out as an array while it takes less than this part of the memory. */
const INLINE_PART = 1 / 16;

export function openGroup(request: ShuffleRequest<GroupNode>): BatchInput {
  const meter: ReadMeter = { bytes: 0 };
  return new GeneratedInput(async () => {
    const sorted = await sortSides(request, meter);
    const [groups] = sorted.sides;
    return { batches: groupBatches(groups), dispose: sorted.dispose };
  }, meter);
}

export function openCogroup(request: ShuffleRequest<CogroupNode>): BatchInput {
  const meter: ReadMeter = { bytes: 0 };
  return new GeneratedInput(async () => {
    const sorted = await sortSides(request, meter);
    const [left, right] = sorted.sides;
    return { batches: cogroupBatches(left, right), dispose: sorted.dispose };
  }, meter);
}

export interface SortedSides {
  /** One for each side; a second one without rows where there is only one side. */
  readonly sides: readonly [Groups, Groups];
  dispose(): void;
}

/** Takes all blocks of all sides and brings each side into key order, sharing the memory between them. */
export async function sortSides(request: ShuffleRequest, meter: ReadMeter): Promise<SortedSides> {
  const { env, checkpoint } = request;
  const memoryBytes = Math.max(1, Math.floor(request.memoryBytes / request.sides.length));
  const options = { env, memoryBytes, checkpoint };
  const sorters = [new GroupSorter(options), new GroupSorter(options)] as const;
  const disposeSorters = (): void => {
    for (const sorter of sorters) sorter.dispose();
  };
  try {
    for (const [i, side] of request.sides.entries()) {
      const sorter = sorters[i] as GroupSorter;
      await takeColumns(side, request, meter, (columns) => sorter.take(columns));
    }
    const inlineBytes = memoryBytes * INLINE_PART;
    const sides = [groupsOf(sorters[0], inlineBytes), groupsOf(sorters[1], inlineBytes)] as const;
    const dispose = (): void => {
      for (const side of sides) side.close();
      disposeSorters();
    };
    return { sides, dispose };
  } catch (error) {
    disposeSorters();
    throw error;
  }
}

function groupsOf(sorter: GroupSorter, inlineBytes: number): Groups {
  const { inMemory } = sorter;
  return new Groups({
    rows: sorter.finish(),
    inlineBytes: inMemory ? Number.POSITIVE_INFINITY : inlineBytes,
  });
}

function* groupBatches(groups: Groups): Generator<Batch, void> {
  const batch = new BatchRows();
  while (groups.next()) {
    const group = groups.values();
    batch.pushMeasured([groups.key, group]);
    // It can be read only until the next group begins.
    if (group instanceof Group) batch.seal();
    if (batch.isFull) {
      yield batch.batch();
      batch.clear();
    }
  }
  if (batch.rows.length > 0) yield batch.batch();
}

function* cogroupBatches(left: Groups, right: Groups): Generator<Batch, void> {
  const batch = new BatchRows();
  let onLeft = left.next();
  let onRight = right.next();
  while (onLeft || onRight) {
    const order = compareSides(onLeft ? left : undefined, onRight ? right : undefined);
    const leftValues = order <= 0 ? left.values() : [];
    const rightValues = order >= 0 ? right.values() : [];
    batch.pushMeasured([order <= 0 ? left.key : right.key, [leftValues, rightValues]]);
    if (leftValues instanceof Group || rightValues instanceof Group) batch.seal();
    if (batch.isFull) {
      yield batch.batch();
      batch.clear();
    }
    if (order <= 0) onLeft = left.next();
    if (order >= 0) onRight = right.next();
  }
  if (batch.rows.length > 0) yield batch.batch();
}
