/**
 * The reduce side of a sort: the range of this partition out of every sorted run of every block, merged.
 *
 * The runs stay in their blocks and are read as the merge goes. Where there are more than may be open at a time,
 * neighbours are first merged into runs on scratch, which keeps the order of equal keys: producer, partition, run,
 * row.
 */
import type { SortNode } from "../../../plan/node.ts";
import type { Batch, BatchInput } from "../../batch.ts";
import type { SortKernel } from "../../kernel/sort-kernel.ts";
import { borrowSortKernel, returnSortKernel } from "../../kernel/sort-kernels.ts";
import { GeneratedInput, type Reduction } from "../generated-input.ts";
import type { ReadMeter, ShuffleRequest } from "../shuffle-request.ts";
import { type BlockRun, BlockRuns, type FoundRuns } from "./block-runs.ts";
import { mergedBatches } from "./merged-batches.ts";
import { openCollatedSort } from "./open-collated.ts";
import { OUT_BYTES, RunMerge } from "./run-merge.ts";
import type { RunSource } from "./run-source.ts";
import { ScratchRuns } from "./scratch-runs.ts";
import type { KeyRange } from "./sort-ranges.ts";

/** Rows that come out of a merge at a time: where they go on as bytes, and where they become values. */
const TEXT_ROWS = 8192;
const VALUE_ROWS = 1024;

/** What runs may take of the memory while they are merged: texts go on as they are, others leave garbage behind. */
const TEXTS_PART = 3 / 4;
const VALUES_PART = 1 / 2;
/** What a run takes of it, of its largest frame, where its keys are given their tags then. */
const TAGS_ROOM = 1.25;
/** What a run takes besides whose rows are not text: values that become of a frame. */
const VALUES_BYTES = 192 * 1024;
/** What a run on scratch takes, of its largest frame. */
const SCRATCH_ROOM = 1.25;
/** So many of them are to be merged at a time, where their frames need not be very small for it: each pass moves all rows. */
const SCRATCH_RUNS = 16;
const SCRATCH_FRAME_BYTES_MIN = 32 * 1024;
const FAN_IN_MIN = 2;
const FAN_IN_MAX = 1024;
/** Bounds open files. */
const BLOCKS_OPEN_MAX = 128;

/** Neighbours that may be merged at a time, within so much memory. */
function groupRuns(
  { runs, text }: FoundRuns,
  tagged: boolean,
  bytesMax: number,
): readonly (readonly BlockRun[])[] {
  const groups: BlockRun[][] = [];
  let blocks = new Set<string>();
  let bytes = 0;
  for (const run of runs) {
    let group = groups.at(-1);
    const runBytes = run.frameBytesMax * (tagged ? TAGS_ROOM : 1) + (text ? 0 : VALUES_BYTES);
    const isFull =
      group === undefined ||
      group.length === FAN_IN_MAX ||
      (group.length >= FAN_IN_MIN && bytes + runBytes > bytesMax) ||
      (blocks.size === BLOCKS_OPEN_MAX && !blocks.has(run.ref.key));
    if (group === undefined || isFull) {
      group = [];
      groups.push(group);
      blocks = new Set();
      bytes = 0;
    }
    group.push(run);
    blocks.add(run.ref.key);
    bytes += runBytes;
  }
  return groups;
}

/** Texts come out in frames that are the same whatever the memory is. */
const scratchFrameBytes = (mergeBytes: number, text: boolean): number =>
  text
    ? OUT_BYTES
    : Math.floor(
        Math.max(SCRATCH_FRAME_BYTES_MIN, Math.min(OUT_BYTES, mergeBytes / (SCRATCH_RUNS * SCRATCH_ROOM))),
      );

interface Merging {
  readonly range: KeyRange;
  /** Bytes that all keys of the range share. */
  readonly shared: number;
  /** Of a frame on scratch. */
  readonly frameBytes: number;
  /** Whether it goes to scratch. */
  readonly spills: boolean;
}

export function openSort(request: ShuffleRequest<SortNode>): BatchInput {
  if (request.node.collation !== undefined) return openCollatedSort(request);
  const meter: ReadMeter = { bytes: 0 };
  return new GeneratedInput(() => new SortReduction(request, meter).start(), meter);
}

class SortReduction {
  readonly #request: ShuffleRequest<SortNode>;
  readonly #blocks: BlockRuns;
  readonly #scratch: ScratchRuns;
  #kernel: SortKernel | undefined = borrowSortKernel();

  constructor(request: ShuffleRequest<SortNode>, meter: ReadMeter) {
    this.#request = request;
    this.#blocks = new BlockRuns(request, meter);
    this.#scratch = new ScratchRuns(request);
  }

  async start(): Promise<Reduction> {
    try {
      const batches = await this.#batches();
      return { batches, dispose: () => this.#dispose() };
    } catch (error) {
      this.#dispose();
      throw error;
    }
  }

  async #batches(): Promise<Iterator<Batch>> {
    const found = await this.#blocks.find();
    const { text } = found;
    const mergeBytes = this.#request.memoryBytes * (text ? TEXTS_PART : VALUES_PART);
    const groups = groupRuns(found, this.#blocks.tagged, mergeBytes);
    const merging = { shared: found.shared, frameBytes: scratchFrameBytes(mergeBytes, text) };
    let sources: readonly RunSource[];
    let { range } = found;
    if (groups.length <= 1) sources = await this.#blocks.open(found.runs);
    else {
      for (const group of groups) {
        const some = await this.#blocks.open(group);
        this.#scratch.spill(this.#merge(some, { ...merging, range, spills: true }), text);
        this.#blocks.close();
      }
      range = { from: undefined, to: undefined };
      for (;;) {
        const runBytes = Math.max(merging.frameBytes, this.#scratch.frameBytesMax) * SCRATCH_ROOM;
        const fanIn = Math.max(FAN_IN_MIN, Math.min(FAN_IN_MAX, Math.floor(mergeBytes / runBytes)));
        if (this.#scratch.runs.length <= fanIn) break;
        this.#scratch.mergePass(fanIn, text, (runs) =>
          this.#merge(runs, { ...merging, range, spills: true }),
        );
      }
      sources = this.#scratch.runs;
    }
    const asText = text && this.#request.asText === true;
    return mergedBatches(this.#merge(sources, { ...merging, range, spills: false }), { text, asText });
  }

  #merge(sources: readonly RunSource[], { range, shared, frameBytes, spills }: Merging): RunMerge {
    const { node, asText } = this.#request;
    const { text, tagged } = this.#blocks;
    return new RunMerge({
      kernel: this.#kernel as SortKernel,
      sources,
      range,
      shared,
      descending: node.descending === true,
      text,
      valueBytes: spills ? frameBytes : OUT_BYTES,
      // Texts that are their own keys need none beside them, unless keys have tags.
      keys: spills && (tagged || node.by !== "record"),
      rowsMax: text && asText === true ? TEXT_ROWS : VALUE_ROWS,
    });
  }

  #dispose(): void {
    this.#blocks.close();
    this.#scratch.dispose();
    if (this.#kernel !== undefined) returnSortKernel(this.#kernel);
    this.#kernel = undefined;
  }
}
