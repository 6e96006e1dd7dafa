/**
 * Which nodes are near to what a stage reads, so that its tasks go there.
 *
 * Every task of a stage reads a part of each of its blocks, so what counts is how many of their bytes lie on a node, and in
 * its region. A node is as good as the best where it has at least half as many as that: where blocks lie evenly, all are
 * near. One that is not near waits a while for work that it is nearer to, longer where it is in another region than most
 * of the blocks, and then takes any: delay scheduling (Zaharia et al., EuroSys 2010).
 */
import type { NodeId, StageId } from "../base/ids.ts";
import type { Producer } from "../plan/stage.ts";
import type { BlockRef } from "../plan/task.ts";
import type { JobState } from "./job-state.ts";
import type { WorkerState, WorkerTable } from "./worker-table.ts";

/** A node with free slots leaves tasks alone for so long whose blocks lie on other nodes of its region, */
export const REGION_WAIT_MS = 300;
/** and for so long those whose blocks lie mostly in other regions. */
export const FAR_WAIT_MS = 3_000;
/** Of what the best has. */
const NEAR_SHARE = 0.5;

interface Spread {
  /** Of the workers when this was made: they may have changed. */
  readonly workers: number;
  readonly blocks: readonly (readonly BlockRef[])[];
  readonly byNode: ReadonlyMap<NodeId, number>;
  readonly nodeBytesMax: number;
  readonly byRegion: ReadonlyMap<string, number>;
  readonly regionBytesMax: number;
}

export class Placement {
  readonly #state: JobState;
  readonly #workers: WorkerTable;
  readonly #producers: readonly (readonly Producer[])[];
  readonly #spreads = new Map<StageId, Spread>();
  readonly #bytes = new WeakMap<readonly BlockRef[], ReadonlyMap<NodeId, number>>();

  constructor(state: JobState, workers: WorkerTable) {
    this.#state = state;
    this.#workers = workers;
    this.#producers = state.spec.stages.map(({ input, broadcasts }) => [
      ...(input.kind === "shuffle" ? input.sides.flat() : []),
      ...broadcasts.flat(),
    ]);
  }

  /** How long this worker leaves the stage's tasks to others; the stage's inputs are all there. */
  waitMs(stage: StageId, worker: WorkerState): number {
    if (this.#workers.workerCount < 2 || this.#producers[stage]!.length === 0) return 0;
    const { byNode, nodeBytesMax, byRegion, regionBytesMax } = this.#spreadOf(stage);
    if ((byNode.get(worker.id) ?? 0) >= NEAR_SHARE * nodeBytesMax) return 0;
    return (byRegion.get(worker.region) ?? 0) >= NEAR_SHARE * regionBytesMax ? REGION_WAIT_MS : FAR_WAIT_MS;
  }

  #spreadOf(stage: StageId): Spread {
    const blocks = this.#producers[stage]!.map((producer) => this.#state.blocksOf(producer.stage));
    const known = this.#spreads.get(stage);
    const { version } = this.#workers;
    if (known?.workers === version && known.blocks.every((some, index) => some === blocks[index]))
      return known;
    const byNode = new Map<NodeId, number>();
    const byRegion = new Map<string, number>();
    let nodeBytesMax = 0;
    for (const some of blocks) {
      for (const [node, bytes] of this.#bytesOf(some)) {
        const worker = this.#workers.get(node);
        // Nobody waits for one that is gone, or takes nothing.
        if (worker === undefined || !worker.takes) continue;
        byRegion.set(worker.region, (byRegion.get(worker.region) ?? 0) + bytes);
        const sum = (byNode.get(node) ?? 0) + bytes;
        byNode.set(node, sum);
        nodeBytesMax = Math.max(nodeBytesMax, sum);
      }
    }
    let regionBytesMax = 0;
    for (const bytes of byRegion.values()) regionBytesMax = Math.max(regionBytesMax, bytes);
    const spread = { workers: version, blocks, byNode, nodeBytesMax, byRegion, regionBytesMax };
    this.#spreads.set(stage, spread);
    return spread;
  }

  /** Of one list of blocks, which its stage keeps as long as nothing in it changes. */
  #bytesOf(blocks: readonly BlockRef[]): ReadonlyMap<NodeId, number> {
    let byNode = this.#bytes.get(blocks) as Map<NodeId, number> | undefined;
    if (byNode !== undefined) return byNode;
    byNode = new Map();
    for (const { node, bytes } of blocks) {
      if (node !== undefined) byNode.set(node, (byNode.get(node) ?? 0) + bytes);
    }
    this.#bytes.set(blocks, byNode);
    return byNode;
  }
}
