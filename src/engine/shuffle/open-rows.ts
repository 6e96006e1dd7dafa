/** The reduce sides that hand frames on as they are, or nearly: repartition and top. */
import type { RepartitionNode, TopNode } from "../../plan/node.ts";
import type { Batch, BatchInput } from "../batch.ts";
import type { FrameRows } from "./block/frame.ts";
import { GeneratedInput } from "./generated-input.ts";
import { owned } from "./own-string.ts";
import { framesOf, type ReadMeter, type ShuffleRequest, takePairs } from "./shuffle-request.ts";
import { TopHeap } from "./top/top-heap.ts";

export function openTop(request: ShuffleRequest<TopNode>): BatchInput {
  const meter: ReadMeter = { bytes: 0 };
  return new GeneratedInput(async () => {
    const heap = new TopHeap(request.node.count);
    for (const side of request.sides) {
      await takePairs(side, request, meter, (key, row) => {
        if (heap.wants(key)) heap.add(owned(key), owned(row));
      });
    }
    const { rows } = heap.sorted();
    const batches: Batch[] = rows.length === 0 ? [] : [{ rows, count: rows.length }];
    return { batches: batches.values(), dispose() {} };
  }, meter);
}

export function openRepartition(request: ShuffleRequest<RepartitionNode>): BatchInput {
  return new FramesInput(request);
}

/** Frame by frame, one block open at a time. */
class FramesInput implements BatchInput {
  readonly #meter: ReadMeter = { bytes: 0 };
  readonly #frames: AsyncGenerator<FrameRows, void, undefined>;

  constructor({ sides, partition, env }: ShuffleRequest) {
    this.#frames = framesOf(sides.flat(), partition, env, this.#meter, "none");
  }

  get bytesIn(): number {
    return this.#meter.bytes;
  }

  async next(): Promise<Batch | undefined> {
    const frame = await this.#frames.next();
    if (frame.done === true) return undefined;
    return { rows: frame.value.values, count: frame.value.values.length };
  }

  close(): void {
    // Closes the block that is open; there is nothing to wait for.
    void this.#frames.return();
  }
}
