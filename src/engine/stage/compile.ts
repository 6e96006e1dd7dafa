/**
 * Turns a stage into loops, once for all its tasks in this thread: the machine code and the type feedback V8
 * gathers for it belong to the loop function, so a loop made anew for each task would start cold each time.
 */
import type { Prng } from "../../base/prng.ts";
import type { TaskContext } from "../../plan/context.ts";
import type { SampleNode, UserFunction } from "../../plan/node.ts";
import type { Stage } from "../../plan/stage.ts";
import type { BroadcastTable } from "../shuffle/join/broadcast-table.ts";
import type { KeyedSink, RowSink } from "../shuffle/sink.ts";
import type { Site } from "./failure.ts";
import { generateStage } from "./generate.ts";
import { loopSupport } from "./loop-support.ts";

/** What a loop reads of its task, and tells it. */
export interface LoopState {
  readonly ctx: TaskContext;
  /** One for each sink of the stage. */
  readonly sinks: readonly (KeyedSink | RowSink)[];
  /** Rows given to each sink; the loop adds to them at the end of each batch. */
  readonly sinkRows: number[];
  /** One for each `sample` of the stage. */
  readonly samples: readonly Prng[];
  /** One for each `mapPartitions` of the stage: takes the records before it. */
  readonly spools: readonly RowSpool[];
  /** One for each broadcast of the stage. */
  readonly tables: readonly BroadcastTable[];
  /** Iterators of flatMap results in use, outermost first; those left after a failure must be closed. */
  readonly openIterators: Iterator<unknown>[];
  /** Set when a loop throws: index into `sites`, index of the row in its batch, and the row. */
  failedSite: number;
  failedRow: number;
  failedRecord: unknown;
}

export interface RowSpool {
  push(row: unknown): void;
}

/** Takes rows [0, count) through the operators. After it threw, the state says where. */
export type BatchLoop = (rows: readonly unknown[], count: number, state: LoopState) => number;
/**
 * Takes the next `count` rows of an iterator through the operators, each before the next is asked for: a generator
 * may yield the same object again and again. Returns how many there were, fewer only at the end.
 */
export type IteratorLoop = (rows: Iterator<unknown>, count: number, state: LoopState) => number;

export interface CompiledPartitionMap {
  readonly fn: UserFunction;
  /** Where in `sites` its failures belong. */
  readonly site: number;
  /** The loop its results go through. */
  readonly loop: IteratorLoop;
}

export interface CompiledStage {
  /** Takes the stage's input. */
  readonly loop: BatchLoop;
  /** In the order in which they must run: one before those that stand below it. */
  readonly partitionMaps: readonly CompiledPartitionMap[];
  readonly samples: readonly SampleNode[];
  readonly sites: readonly Site[];
}

const compiledStages = new WeakMap<Stage, CompiledStage>();

export function compileStage(stage: Stage): CompiledStage {
  let compiled = compiledStages.get(stage);
  if (compiled === undefined) {
    compiled = compile(stage);
    compiledStages.set(stage, compiled);
  }
  return compiled;
}

function compile(stage: Stage): CompiledStage {
  const { segments, functions, samples, sites } = generateStage(stage);
  const names = Object.keys(loopSupport);
  const support = Object.values(loopSupport);
  const fractions = samples.map((sample) => sample.fraction);
  const loops = segments.map(({ source }) => {
    const make = new Function("functions", "fractions", ...names, source);
    return make(functions, fractions, ...support) as unknown;
  });
  const partitionMaps = segments.slice(1).map(({ after }, index): CompiledPartitionMap => {
    return { fn: after!.fn, site: after!.site, loop: loops[index + 1] as IteratorLoop };
  });
  return { loop: loops[0] as BatchLoop, partitionMaps, samples, sites };
}
