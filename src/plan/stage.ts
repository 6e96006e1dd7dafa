/**
 * What the plan becomes for running: stages of fused narrow operators between shuffles.
 *
 * A stage has one input, a tree of narrow steps (a tree, because several ends may share the work above them) and
 * sinks at the leaves. A union is no stage: its inputs' stages all carry what stands below it, and a shuffle or an
 * end lists them as producers in order.
 */
import type { StageId } from "../base/ids.ts";
import type { EndNode, JoinNode, NarrowNode, SourceNode, WideNode } from "./node.ts";

export type StageInput =
  | {
      readonly kind: "source";
      readonly source: SourceNode /** Index among the plan's sources. */;
      readonly sourceIndex: number;
    }
  /** `sides`: one list of producers for most, two for cogroup and join (left, right). */
  | {
      readonly kind: "shuffle";
      readonly shuffle: WideNode;
      readonly sides: readonly (readonly Producer[])[];
    };

/** A sink of an earlier stage that feeds a shuffle or an end. */
export interface Producer {
  readonly stage: StageId;
  readonly sink: number;
}

export interface Step {
  readonly kind: "step";
  /** A join: its other side is one of the stage's broadcasts. */
  readonly op: NarrowNode | JoinNode;
  readonly next: readonly Branch[];
}
export interface SinkRef {
  readonly kind: "sink";
  /** Index in the stage's `sinks`. */
  readonly sink: number;
}
export type Branch = Step | SinkRef;

export type Sink =
  | {
      readonly kind: "shuffle";
      readonly shuffle: WideNode /** 0, or 1 for the right side of cogroup and join. */;
      readonly side: 0 | 1;
    }
  /** All of the join's small side, for whole tasks to read: one partition. */
  | { readonly kind: "broadcast"; readonly join: JoinNode }
  | {
      readonly kind: "end";
      readonly end: EndNode /** Index in the plan's ends. */;
      readonly endIndex: number;
    };

/** The small side of a join that the stage does itself: every task reads all of it before its own input. */
export interface Broadcast {
  readonly join: JoinNode;
  /** Which side it is: 0 left, 1 right. */
  readonly side: 0 | 1;
  readonly producers: readonly Producer[];
}

export interface Stage {
  readonly id: StageId;
  readonly input: StageInput;
  /** One for each join among the steps, in the order in which they are first met. */
  readonly broadcasts: readonly Broadcast[];
  readonly branches: readonly Branch[];
  readonly sinks: readonly Sink[];
  /** Stages whose every task must be complete before a task of this one can start; ascending. */
  readonly dependsOn: readonly StageId[];
}

/** A plan cut into stages, in topological order. */
export interface StagePlan {
  readonly stages: readonly Stage[];
  /** The plan's sources in order of first use. */
  readonly sources: readonly SourceNode[];
  /** For each end of the plan: the sinks that feed it, in order. */
  readonly endProducers: readonly (readonly Producer[])[];
}
