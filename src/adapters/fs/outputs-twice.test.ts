/**
 * Two drivers of one job that commit its output at the same time: one stood still at any step of its commit, was replaced, and
 * goes on when the next one is at any step of its own, or done.
 */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { jobId } from "../../base/ids.ts";
import type { CommittedFile, OutputTarget } from "../../ports/outputs.ts";
import { createFileOutputs } from "./outputs.ts";
import { type OutputFiles, outputFiles } from "./outputs-files.ts";
import { outputPathsOf } from "./outputs-paths.ts";

/** Of one that is alone: fewer would say that they are not seen. */
const STEPS_MIN = 15;
/** Of the second one: each moment of the first is tried with so many others. */
const STRIDE = 4;

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "bicoastal-outputs-"));
});
afterEach(() => rm(root, { recursive: true }));

/** Files of which every step, those that only look included, waits for its turn. */
class Paced {
  readonly files: OutputFiles;
  steps = 0;
  #left = 0;
  #goOn = (): void => {};
  #stands: (() => void) | undefined;

  constructor() {
    const paced =
      <Args extends unknown[], T>(action: (...args: Args) => Promise<T>) =>
      async (...args: Args): Promise<T> => {
        await this.#turn();
        this.steps++;
        return action(...args);
      };
    this.files = {
      kind: paced(outputFiles.kind),
      fileBytes: paced(outputFiles.fileBytes),
      entries: paced(outputFiles.entries),
      readText: paced(outputFiles.readText),
      makeDirectory: paced(outputFiles.makeDirectory),
      rename: paced(outputFiles.rename),
      // Nothing is switched off here, so that nothing has to be durable.
      writeText: paced(writeFile),
      removeFile: paced(outputFiles.removeFile),
      removeDirectory: paced(outputFiles.removeDirectory),
      syncDirectory: paced(async () => {}),
    };
  }

  async #turn(): Promise<void> {
    while (this.#left <= 0) {
      const waiting = new Promise<void>((resolve) => {
        this.#goOn = resolve;
      });
      this.#stands?.();
      await waiting;
    }
    this.#left--;
  }

  /** Lets it do so many steps; resolves when it stands before the next one, or is over. */
  async go(steps: number, over: Promise<unknown>): Promise<void> {
    const stands = new Promise<void>((resolve) => {
      this.#stands = resolve;
    });
    this.#left = steps;
    this.#goOn();
    await Promise.race([stands, over]);
  }
}

const targetOf = (job: string): OutputTarget => ({
  job: jobId(job),
  endIndex: 0,
  directory: join(root, "out"),
  overwrite: true,
});

async function stage(target: OutputTarget, text: string): Promise<readonly CommittedFile[]> {
  const { staging } = outputPathsOf(target);
  await mkdir(staging);
  const files = [0, 1].map((index) => {
    return { staged: `p${index}.a0`, name: `part-${index}`, bytes: text.length + 2 };
  });
  for (const [index, { staged }] of files.entries())
    await writeFile(join(staging, staged), `${text} ${index}`);
  return files;
}

async function shown(): Promise<Record<string, string>> {
  const names = (await readdir(join(root, "out"))).filter((name) => name.startsWith("part-"));
  const texts = await Promise.all(names.map((name) => readFile(join(root, "out", name), "utf8")));
  return Object.fromEntries(names.map((name, index) => [name, texts[index]!]));
}

async function commitAlone(target: OutputTarget): Promise<void> {
  const paced = new Paced();
  const commit = createFileOutputs(paced.files).commit(target, await stage(target, "old"));
  await paced.go(Number.POSITIVE_INFINITY, commit);
  await commit;
  expect(paced.steps).toBeGreaterThan(STEPS_MIN);
}

/** The first does so many steps and stands, the second so many; then the first comes to its end, and after it the second. */
async function both(
  files: readonly CommittedFile[],
  target: OutputTarget,
  firstSteps: number,
  secondSteps: number,
): Promise<readonly [Paced, Paced]> {
  const [first, second] = [new Paced(), new Paced()];
  const commit = ({ files: fs }: Paced): Promise<string> =>
    createFileOutputs(fs)
      .commit(target, files)
      .then(
        () => "shown",
        (error: unknown) => String(error),
      );
  const ends = [commit(first), commit(second)] as const;
  await first.go(firstSteps, ends[0]);
  await second.go(secondSteps, ends[1]);
  for (const [index, paced] of [first, second].entries())
    await paced.go(Number.POSITIVE_INFINITY, ends[index]!);
  expect(await Promise.all(ends), `${firstSteps}, ${secondSteps}`).toEqual(["shown", "shown"]);
  return [first, second];
}

test.each([
  ["a new output", false],
  ["one that replaces another", true],
])("%s is shown whole by both, and nothing is left beside it", async (_, replaces) => {
  let [firstOver, secondOver] = [false, false];
  for (let firstSteps = 0; !firstOver; firstSteps++) {
    secondOver = false;
    for (let secondSteps = 0; !secondOver; secondSteps += STRIDE) {
      if (replaces) await commitAlone(targetOf("job-a"));
      const target = targetOf("job-b");
      const files = await stage(target, "new");
      const [first, second] = await both(files, target, firstSteps, secondSteps);
      const when = `${firstSteps}, ${secondSteps}`;
      expect(await shown(), when).toEqual({ "part-0": "new 0", "part-1": "new 1" });
      expect(await readdir(root), when).toEqual(["out"]);
      await rm(join(root, "out"), { recursive: true });
      firstOver = first.steps <= firstSteps;
      secondOver = second.steps <= secondSteps;
    }
  }
  expect(firstOver && secondOver).toBe(true);
});
