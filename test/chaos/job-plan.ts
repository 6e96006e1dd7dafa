/** Which jobs run, by the seed alone: the same for the same seed, however fast they come through. */
import { Prng } from "../../src/base/prng.ts";
import { type Expected, expectedOf, type JobInput, SHAPES, type Shape } from "./expected-rows.ts";

const LINES = 24_000;
const WORDS = 700;
const ROWS_MIN = 400;
const ROWS_MORE_MAX = 3_000;
const PAUSE_MS_MIN = 80;
const PAUSE_MS_MORE_MAX = 600;

export interface PlannedJob extends JobInput {
  /** Of the lane that it runs in, and its place in it. */
  readonly name: string;
  readonly shape: Shape;
  readonly pauseMs: number;
}

/** The `index`th job of a lane. */
export function plannedJob(seed: string, lane: number, index: number): PlannedJob {
  const random = new Prng(`${seed}/job/${lane}/${index}`);
  return {
    name: `${lane}-${index}`,
    shape: random.pick(SHAPES),
    rows: ROWS_MIN + random.below(ROWS_MORE_MAX),
    salt: random.below(1_000),
    pauseMs: PAUSE_MS_MIN + random.below(PAUSE_MS_MORE_MAX),
  };
}

/** The lines that the word counts read: some megabytes, so that several tasks read them. */
export function inputLines(seed: string): readonly string[] {
  const random = new Prng(`${seed}/lines`);
  return Array.from({ length: LINES }, () => {
    const words = Array.from(
      { length: 8 },
      () => `word-${random.below(WORDS).toString(36).padStart(8, "o")}`,
    );
    return words.join(" ");
  });
}

export const expectedOfJob = (job: PlannedJob, lines: readonly string[]): Expected =>
  expectedOf(job.shape, job, lines);
