/** What a run of one seed is asked for, and what it came to. */

import type { EngineEnvironment } from "../../engine/environment.ts";
import type { ControlStore } from "../../ports/control-store.ts";
import type { FaultRates } from "../faults/rates.ts";
import type { SpecialJob } from "../jobs/sim-job.ts";

export interface SeedResult {
  readonly seed: string;
  /** Empty where all was well. */
  readonly problems: readonly string[];
  /** The same for the same seed and code. */
  readonly traceHash: string;
  readonly virtualMs: number;
  readonly steps: number;
  readonly faults: ReadonlyMap<string, number>;
  readonly sometimes: ReadonlySet<string>;
  /** Nobody found out whether the store's answers fit together (S10), which is one of the problems. */
  readonly undecided: boolean;
  /** Where asked for: the crash points that were passed, in order. */
  readonly points: readonly string[];
}

/** What the simulator takes from adapters, which it may not import: pure functions both. */
export type SimLibraries = Pick<EngineEnvironment, "codec" | "crc32" | "gzip">;

export interface SeedOptions {
  /** Gets every line of the run's story. */
  readonly print?: (line: string) => void;
  /** No faults but the crashes asked for. */
  readonly calm?: boolean;
  /** Crash points at which the process that comes there goes down; as `points` of a calm run names them. */
  readonly crashAt?: readonly string[];
  /** Names the points at which a process can crash. */
  readonly listPoints?: boolean;
  /** Only jobs of this kind. */
  readonly jobs?: SpecialJob;
  /** Faults at other rates than the seed has drawn. */
  readonly rates?: Partial<FaultRates>;
  /** No times in which most of what is tried goes wrong. */
  readonly noStorms?: boolean;
  /** Breaks the store that everybody uses, to see that the checks notice. */
  readonly breakStore?: (store: ControlStore) => ControlStore;
}
