import type { JobId, StageId } from "../base/ids.ts";
import type { JoinWays } from "../plan/join-ways.ts";
import type { WriteFormat } from "../plan/node.ts";
import type { Producer } from "../plan/stage.ts";
import type { JobConstants, SourceSplit } from "../plan/task.ts";

/** More tasks than this in one job is a mistake more often than not: a log and a driver of gigabytes. */
export const TASKS_MAX = 1_000_000;

/** What the driver must know of a plan: how many tasks, and what waits for what. */
export interface StageShape {
  readonly id: StageId;
  /** For people. */
  readonly label: string;
  readonly tasks: number;
  readonly dependsOn: readonly StageId[];
  readonly input:
    | { readonly kind: "source"; readonly sourceIndex: number }
    | { readonly kind: "shuffle"; readonly sides: readonly (readonly Producer[])[] };
  /** For each join whose small side every task reads: what makes that side. */
  readonly broadcasts: readonly (readonly Producer[])[];
  /** Partitions each sink writes. */
  readonly sinkPartitions: readonly number[];
}

export interface JobPolicy {
  /** Tries of one task before the job fails; from 1. */
  readonly attemptsMax: number;
  /** Longest time one attempt may take; undefined: as long as it wants. */
  readonly taskTimeoutMs: number | undefined;
  /** First pause before a retry; doubles each time up to the most. */
  readonly retryDelayMs: number;
  readonly retryDelayMsMax: number;
}

/** An end of the plan: what is shown when every task is complete, and from whose output. */
export interface EndShape {
  readonly name: string;
  readonly producers: readonly Producer[];
  readonly end:
    | { readonly kind: "collect"; readonly rowsMax: number; readonly single: boolean }
    | {
        readonly kind: "write";
        readonly format: WriteFormat;
        /** Absolute. */
        readonly directory: string;
        readonly overwrite: boolean;
      };
}

/** A submitted job, frozen. Stored as one blob, named in the log's first record. */
export interface JobSpec {
  readonly version: 1;
  readonly id: JobId;
  readonly name: string;
  readonly params: unknown;
  readonly constants: JobConstants;
  readonly fingerprint: string;
  /** The span of whoever submitted it, as `Span.context` says it. Undefined where nobody traced that. */
  readonly trace?: string;
  /** How the plan's joins run. Its stages follow from the plan and these. */
  readonly joins: JoinWays;
  readonly stages: readonly StageShape[];
  readonly ends: readonly EndShape[];
  /** Whether the caller gets a record of results, or the one result. */
  readonly shape: "single" | "record";
  /** For each source of the plan, in order: the splits of its stage's tasks. */
  readonly splits: readonly (readonly SourceSplit[])[];
  readonly policy: JobPolicy;
}
