/**
 * The reduce side of a join. Both sides go into one table as long as they fit the memory, the smaller first; from then
 * on, what there is and what still comes is sorted by key, on scratch, and merged. Either way the same rows come in
 * the same order: by key, then in left order, then in right order.
 */
import { assert } from "../../../base/assert.ts";
import type { JoinNode } from "../../../plan/node.ts";
import type { ProducerBlocks } from "../../../plan/task.ts";
import type { BatchInput } from "../../batch.ts";
import { columnValues } from "../block/column-decode.ts";
import { GeneratedInput, type Reduction } from "../generated-input.ts";
import { GroupSorter } from "../group/group-sorter.ts";
import { Groups } from "../group/groups.ts";
import { nestedFramesOf, type ReadMeter, type ShuffleRequest } from "../shuffle-request.ts";
import { JoinTable, type Side } from "./join-table.ts";
import { mergeBatches } from "./merge-join.ts";
import { SpooledRows } from "./spooled-rows.ts";

/** Of the memory, for one key's right side; the rest is the two sorters'. */
const RIGHT_PART = 1 / 8;

export function openJoin(request: ShuffleRequest<JoinNode>): BatchInput {
  const meter: ReadMeter = { bytes: 0 };
  return new GeneratedInput(() => new JoinReduction(request, meter).run(), meter);
}

class JoinReduction {
  readonly #request: ShuffleRequest<JoinNode>;
  readonly #meter: ReadMeter;
  readonly #firstSide: Side;
  #table: JoinTable | undefined;
  #sorters: readonly [GroupSorter, GroupSorter] | undefined;

  constructor(request: ShuffleRequest<JoinNode>, meter: ReadMeter) {
    this.#request = request;
    this.#meter = meter;
    const [left, right] = request.sides;
    assert(left !== undefined && right !== undefined, "a join has two sides");
    this.#firstSide = bytesOf(left) < bytesOf(right) ? 0 : 1;
    this.#table = new JoinTable(request.node.how, this.#firstSide);
  }

  async run(): Promise<Reduction> {
    try {
      await this.#take(this.#firstSide);
      await this.#take(this.#firstSide === 0 ? 1 : 0);
      if (this.#table === undefined) return this.#merge();
      return { batches: this.#table.batches(), dispose: () => {} };
    } catch (error) {
      this.#dispose();
      throw error;
    }
  }

  async #take(side: Side): Promise<void> {
    const { sides, partition, env, memoryBytes, checkpoint, breathe } = this.#request;
    for await (const frame of nestedFramesOf(sides[side]!, partition, env, this.#meter)) {
      if (this.#table !== undefined) {
        this.#table.add(side, frame);
        if (this.#table.bytes >= memoryBytes) this.#spill(this.#table);
      } else {
        const sorter = this.#sorters![side];
        const keys = columnValues(frame.keys!, frame.rows);
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
    const { node, env, memoryBytes, checkpoint } = this.#request;
    const [left, right] = this.#sorters!.map((sorter) => {
      return new Groups({ rows: sorter.finish(), inlineBytes: Number.POSITIVE_INFINITY });
    }) as [Groups, Groups];
    const rightRows = new SpooledRows({ env, memoryBytes: memoryBytes * RIGHT_PART, checkpoint });
    return {
      batches: mergeBatches(left, right, node.how, rightRows),
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
