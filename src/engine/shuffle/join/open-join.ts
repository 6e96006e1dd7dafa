/**
 * The reduce side of a join. Both sides go into one table as long as they fit the memory, the smaller first; from then
 * on, what there is and what still comes is sorted by key, on scratch, and merged. Either way the same rows come in
 * the same order: by key, then in left order, then in right order.
 *
 * Rows of hot keys that were put apart (hot-key-sink.ts) come behind all others, in that order too: those of the left
 * side with all right rows of their keys, then those of the right side with the left rows that are at home. So each
 * pair of rows meets once, whichever side has hot keys, or both.
 */
import { assert } from "../../../base/assert.ts";
import type { JoinNode, JoinType } from "../../../plan/node.ts";
import type { ProducerBlocks } from "../../../plan/task.ts";
import type { BatchInput } from "../../batch.ts";
import { SequenceInput } from "../../read/sequence-input.ts";
import { columnValues } from "../block/column-decode.ts";
import { GeneratedInput, type Reduction } from "../generated-input.ts";
import { GroupSorter } from "../group/group-sorter.ts";
import { Groups } from "../group/groups.ts";
import { nestedFramesOf, type PairColumns, type ReadMeter, type ShuffleRequest } from "../shuffle-request.ts";
import { homeTaken, splitPartition } from "./hot-key-sink.ts";
import { JoinTable, type Side } from "./join-table.ts";
import { mergeBatches } from "./merge-join.ts";
import { SpooledRows } from "./spooled-rows.ts";

/** Of the memory, for one key's right side; the rest is the two sorters'. */
const RIGHT_PART = 1 / 8;

export function openJoin(request: ShuffleRequest<JoinNode>): BatchInput {
  const meter: ReadMeter = { bytes: 0 };
  const [left, right] = request.sides;
  assert(left !== undefined && right !== undefined, "a join has two sides");
  const { partition, partitions, env } = request;
  const sides = [left, right] as const;
  const hasSplit = [false, false];
  const own: Joined = {
    how: request.node.how,
    firstSide: bytesOf(left) < bytesOf(right) ? 0 : 1,
    framesOf: (side) =>
      nestedFramesOf(sides[side], partition, env, meter, ({ block, producer, place }) => {
        const split = splitPartition(homeTaken(place, partition, partitions), partitions);
        hasSplit[side] ||= block.frames(producer.sink, split).length > 0;
      }),
  };
  const opened = (joined: Joined) =>
    new GeneratedInput(() => new JoinReduction(request, joined).run(), meter);
  const openedSplit = (side: Side) =>
    hasSplit[side] === true ? opened(splitRows(request, side, sides, meter)) : NOTHING;
  return new SequenceInput([() => opened(own), () => openedSplit(0), () => openedSplit(1)]);
}

/** What one table joins. */
interface Joined {
  readonly how: JoinType;
  readonly firstSide: Side;
  framesOf(side: Side): AsyncIterable<PairColumns>;
}

const NOTHING: BatchInput = { next: () => undefined, bytesIn: 0, close: () => {} };

/** What is given of rows that were put apart, by their side: rows of the other without a match are given by their home. */
const SPLIT_HOW: Record<JoinType, readonly [left: JoinType, right: JoinType]> = {
  inner: ["inner", "inner"],
  left: ["left", "inner"],
  right: ["inner", "right"],
  full: ["left", "right"],
  // Their right sides have keys only, and are not put apart.
  semi: ["semi", "semi"],
  anti: ["anti", "anti"],
};

/**
 * A side's rows that this task takes of those that were put apart, with the other side's rows of the same homes, among
 * which the keys are looked for. A left row meets all of these; a right row those at home only, as the others meet it.
 */
function splitRows(
  { node, partition, partitions, env }: ShuffleRequest<JoinNode>,
  side: Side,
  sides: readonly [readonly ProducerBlocks[], readonly ProducerBlocks[]],
  meter: ReadMeter,
): Joined {
  const homes = new Set<number>();
  const homeAt = (place: number) => homeTaken(place, partition, partitions);
  const taken = () =>
    nestedFramesOf(
      sides[side],
      (place) => [splitPartition(homeAt(place), partitions)],
      env,
      meter,
      ({ place, extents }) => {
        if (extents.length > 0) homes.add(homeAt(place));
      },
    );
  async function* matches(): AsyncGenerator<PairColumns, void, undefined> {
    const other = side === 0 ? sides[1] : sides[0];
    for (const home of [...homes].sort((a, b) => a - b)) {
      const wanted = side === 0 ? () => [home, splitPartition(home, partitions)] : home;
      yield* nestedFramesOf(other, wanted, env, meter);
    }
  }
  return {
    how: SPLIT_HOW[node.how][side],
    firstSide: side,
    framesOf: (of) => (of === side ? taken() : matches()),
  };
}

class JoinReduction {
  readonly #request: ShuffleRequest<JoinNode>;
  readonly #joined: Joined;
  #table: JoinTable | undefined;
  #sorters: readonly [GroupSorter, GroupSorter] | undefined;

  constructor(request: ShuffleRequest<JoinNode>, joined: Joined) {
    this.#request = request;
    this.#joined = joined;
    this.#table = new JoinTable(joined.how, joined.firstSide);
  }

  async run(): Promise<Reduction> {
    try {
      const { firstSide } = this.#joined;
      await this.#take(firstSide);
      await this.#take(firstSide === 0 ? 1 : 0);
      if (this.#table === undefined) return this.#merge();
      return { batches: this.#table.batches(), dispose: () => {} };
    } catch (error) {
      this.#dispose();
      throw error;
    }
  }

  async #take(side: Side): Promise<void> {
    const { memoryBytes, checkpoint, breathe } = this.#request;
    for await (const frame of this.#joined.framesOf(side)) {
      if (this.#table !== undefined) {
        this.#table.add(side, frame);
        if (this.#table.bytes >= memoryBytes) this.#spill(this.#table);
      } else {
        const sorter = this.#sorters![side];
        const keys = columnValues(frame.keys, frame.rows);
        const values = columnValues(frame.values, frame.rows);
        for (let row = 0; row < frame.rows; row++) sorter.add(keys[row], values[row]);
      }
      checkpoint?.();
      if (breathe !== undefined) await breathe();
    }
  }

  #spill(table: JoinTable): void {
    const { env, memoryBytes, checkpoint } = this.#request;
    const half = Math.max(1, Math.floor((memoryBytes * (1 - RIGHT_PART)) / 2));
    const options = { env, memoryBytes: half, checkpoint };
    this.#sorters = [new GroupSorter(options), new GroupSorter(options)];
    this.#table = undefined;
    this.#sorters[0].begin(table.sorted(0));
    this.#sorters[1].begin(table.sorted(1));
  }

  #merge(): Reduction {
    const { env, memoryBytes, checkpoint } = this.#request;
    const [left, right] = this.#sorters!.map((sorter) => {
      return new Groups({ rows: sorter.finish(), inlineBytes: Number.POSITIVE_INFINITY });
    }) as [Groups, Groups];
    const rightRows = new SpooledRows({ env, memoryBytes: memoryBytes * RIGHT_PART, checkpoint });
    return {
      batches: mergeBatches(left, right, this.#joined.how, rightRows),
      dispose: () => {
        rightRows.clear();
        this.#dispose();
      },
    };
  }

  #dispose(): void {
    for (const sorter of this.#sorters ?? []) sorter.dispose();
    this.#table = undefined;
  }
}

/** Of all partitions, and of all else in the blocks: which of two is smaller is not worth opening them twice. */
const bytesOf = (producers: readonly ProducerBlocks[]): number =>
  producers.reduce((sum, { blocks }) => sum + blocks.reduce((bytes, block) => bytes + block.bytes, 0), 0);
