/** The reduce side that hands frames on as they are: repartition. */
import type { RepartitionNode } from "../../plan/node.ts";
import type { Batch, BatchInput } from "../batch.ts";
import type { FrameRows } from "./block/frame.ts";
import { framesOf, type ReadMeter, type ShuffleRequest } from "./shuffle-request.ts";

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
