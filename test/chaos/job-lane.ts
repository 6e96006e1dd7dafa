/**
 * Keeps one job after another running, as a program of a user would, and holds each to what it must give.
 *
 * A job is acknowledged once it was said to be submitted. From then on nothing excuses it: not this client, which loses its
 * connections as anybody does, and asks again; only what the store says of the job counts.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { BicoastalError, EndOutcome, Job, JobOutcome, Session } from "../../src/index.ts";
import type { Expected } from "./expected-rows.ts";
import { expectedOfJob, type PlannedJob, plannedJob } from "./job-plan.ts";

/** From the acknowledgement to the results; with faults all the while. Far longer than a job takes. */
const JOB_MS_MAX = 900_000;
const RETRY_MS = 500;

export interface DoneJob {
  readonly id: string;
  readonly name: string;
  readonly shape: string;
  readonly tookMs: number;
}

export interface LaneParts {
  readonly seed: string;
  readonly lane: number;
  readonly session: Session;
  readonly jobs: Readonly<Record<string, Job>>;
  readonly lines: readonly string[];
  readonly input: string;
  readonly outDir: string;
  readonly onSubmitted: (job: PlannedJob, id: string) => void;
  readonly onDone: (done: DoneJob) => void;
  readonly onProblem: (problem: string) => void;
  /** The client lost something and asks again. */
  readonly onRetry: (what: string) => void;
}

export class JobLane {
  /** Of all jobs that were acknowledged, also those that have not ended. */
  readonly acknowledged: string[] = [];
  /** The directories that acknowledged jobs are to have written. */
  readonly written: string[] = [];
  readonly #parts: LaneParts;
  #stopped = false;

  constructor(parts: LaneParts) {
    this.#parts = parts;
  }

  /** No further job begins; `run` resolves when the one that runs has ended. */
  stop(): void {
    this.#stopped = true;
  }

  async run(): Promise<void> {
    const { seed, lane } = this.#parts;
    for (let index = 0; !this.#stopped; index++) await this.#runJob(plannedJob(seed, lane, index));
  }

  async #runJob(job: PlannedJob): Promise<void> {
    const { onDone, onProblem, lines, outDir } = this.#parts;
    const expected = expectedOfJob(job, lines);
    for (let tries = 0; ; tries++) {
      const out = join(outDir, tries === 0 ? job.name : `${job.name}-again-${tries}`);
      const startMs = performance.now();
      const submitted = await this.#submit(job, out);
      if (submitted === undefined) {
        // Nobody took it, or nobody knows: as another job it does no harm.
        if (this.#stopped) return;
        await pause(RETRY_MS);
        continue;
      }
      const outcome = await this.#outcomeOf(job, submitted);
      if (outcome === undefined) return;
      for (const problem of compare(outcome.ends, expected, out))
        onProblem(`${outcome.job} (${job.shape}): ${problem}`);
      onDone({ id: outcome.job, name: job.name, shape: job.shape, tookMs: performance.now() - startMs });
      return;
    }
  }

  /** What it gave, or its id where only that is known; undefined where it was not acknowledged. */
  async #submit(job: PlannedJob, out: string): Promise<JobOutcome | string | undefined> {
    const { session, jobs, input, onSubmitted, onRetry } = this.#parts;
    const { shape } = job;
    const params = paramsOf(job, input, out);
    let id: string | undefined;
    try {
      return await session.run(jobs[shape]!, params, {
        onEvent: (event) => {
          if (event.kind !== "started" || id !== undefined) return;
          id = event.job;
          this.acknowledged.push(id);
          if ("out" in params) this.written.push(out);
          onSubmitted(job, id);
        },
      });
    } catch (thrown) {
      onRetry(`${job.name}: ${messageOf(thrown)}`);
      return id;
    }
  }

  async #outcomeOf(job: PlannedJob, submitted: JobOutcome | string): Promise<JobOutcome | undefined> {
    return typeof submitted === "string" ? await outcomeOf(this.#parts, submitted, job.shape) : submitted;
  }
}

/** Asks until there is an answer. Undefined where the job has failed, which was told then. */
export async function outcomeOf(
  { session, onProblem, onRetry }: Pick<LaneParts, "session" | "onProblem" | "onRetry">,
  id: string,
  shape: string,
): Promise<JobOutcome | undefined> {
  const endMs = performance.now() + JOB_MS_MAX;
  for (let last = ""; ; await pause(RETRY_MS)) {
    try {
      const { state, error } = await session.job(id);
      if (state === "failed" || state === "cancelled") {
        onProblem(`${id} (${shape}) ${state}: ${error?.code} ${error?.message}`);
        return undefined;
      }
      // Also of one that has ended this only asks for its results.
      return await session.resume(id);
    } catch (thrown) {
      last = messageOf(thrown);
      onRetry(`${id}: ${last}`);
    }
    if (performance.now() > endMs) {
      onProblem(`L15: ${id} (${shape}) has given nothing for ${JOB_MS_MAX / 1000} s: ${last}`);
      return undefined;
    }
  }
}

/** What the job is given; `out` where it writes. */
export function paramsOf({ rows, salt, pauseMs, shape }: PlannedJob, input: string, out: string) {
  const writes = shape === "groups" || shape === "sorted" || shape === "ends";
  return {
    ...{ rows, salt, pauseMs },
    ...(shape === "words" ? { input } : {}),
    ...(writes ? { out } : {}),
  };
}

/** S7: rows and lines, none lost and none doubled. */
export function compare(ends: readonly EndOutcome[], expected: Expected, out: string): readonly string[] {
  const rows = ends.flatMap((end): readonly unknown[] => {
    if (end.kind === "rows") return end.rows;
    return end.kind === "value" ? [end.value] : [];
  });
  const found = rows.map((row) => JSON.stringify(row)).sort();
  const problems = differences("S7: rows", found, expected.rows);
  if (expected.written === undefined) return problems;
  const lines = linesOf(out);
  if (lines === undefined) return [...problems, `S7: ${out} is not there`];
  const sorted = expected.inOrder ? lines : [...lines].sort();
  return [...problems, ...differences("S7: written lines", sorted, expected.written)];
}

function linesOf(directory: string): readonly string[] | undefined {
  if (!existsSync(directory)) return undefined;
  const parts = readdirSync(directory).filter((name) => name.startsWith("part-"));
  return parts
    .sort()
    .flatMap((name) => readFileSync(join(directory, name), "utf8").split("\n"))
    .filter((line) => line !== "");
}

function differences(what: string, found: readonly string[], expected: readonly string[]): readonly string[] {
  const at = expected.findIndex((line, index) => found[index] !== line);
  if (at < 0 && found.length === expected.length) return [];
  const [is, should] = at < 0 ? [found[expected.length], undefined] : [found[at], expected[at]];
  return [
    `${what}: ${found.length} instead of ${expected.length}; the first that differs is ${is} instead of ${should}`,
  ];
}

export const messageOf = (thrown: unknown): string => {
  const { code, message } = thrown as Partial<BicoastalError>;
  return code === undefined ? String(message ?? thrown) : `${code} ${message}`;
};

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
