/** Killed before every single step on disk that makes a finished job's outputs visible, and after the last. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { temporaryDirectory } from "./cli-process.ts";
import { RecoveryProject } from "./recovery-project.ts";

const TWO_OUTPUTS = `
import { appendFileSync } from "node:fs";
import { job, read } from "bicoastal";
export default job({
  name: "two-outputs",
  params: { round: 1 },
  run: ({ round }) => {
    const rows = read.range(6, { partitions: 2 }).mapPartitions(function* (numbers, ctx) {
      appendFileSync("runs.log", "rows/" + ctx.partition + "\\n");
      for (const n of numbers) yield "round " + round + " row " + n;
    });
    return {
      fresh: rows.write("text", "out-fresh", { overwrite: round === 1 }),
      replaced: rows.sortBy((row) => row, { descending: true }).write("text", "out-replaced", { overwrite: true }),
      rows,
    };
  },
});
`;

/** Loaded before the command: counts the main thread's changes on disk, and kills the process before the nth. */
const KILL_AT_STEP = `
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { isMainThread } from "node:worker_threads";
let steps = 0;
const wrap = (holder, name) => {
  const real = holder[name];
  holder[name] = (...args) => {
    const concerns = /\\.bicoastal-|out-|blocks/.test(String(args[0]));
    if (concerns && ++steps === Number(process.env.KILL_AT_STEP)) process.kill(process.pid, "SIGKILL");
    return real(...args);
  };
};
if (isMainThread && process.env.KILL_AT_STEP !== undefined) {
  for (const name of ["mkdir", "open", "rename", "unlink", "rmdir"]) wrap(fs.promises, name);
  wrap(fs, "rmSync");
  syncBuiltinESMExports();
}
`;
const OUTPUTS = ["out-fresh", "out-replaced"];
/** Fewer would say that the steps are not seen. */
const STEPS_MIN = 15;

class CommitProject extends RecoveryProject {
  killBeforeStep(step: number, ...args: readonly string[]) {
    const preload = pathToFileURL(join(this.directory, "kill-at-step.mjs")).href;
    const env = { NODE_OPTIONS: `--import=${preload}`, KILL_AT_STEP: String(step) };
    return this.startWith(env, ...args, "--json", "--quiet", "--threads", "1").ended;
  }

  /** What somebody sees who looks at an output now: its rows in order, or undefined where there is none. */
  look(output: string): string[] | undefined {
    const directory = join(this.directory, output);
    if (!existsSync(directory)) return undefined;
    return readdirSync(directory)
      .filter((name) => name.startsWith("part-"))
      .sort()
      .flatMap((name) => readFileSync(join(directory, name), "utf8").trimEnd().split("\n"));
  }
}

const rowsOf = (round: number): string[] => Array.from({ length: 6 }, (_, n) => `round ${round} row ${n}`);

test("killed before each step of the commit", async () => {
  const project = new CommitProject();
  project.write({ "two-outputs.ts": TWO_OUTPUTS, "kill-at-step.mjs": KILL_AT_STEP });
  expect(await project.run("run", "two-outputs.ts", "--json")).toMatchObject({ code: 0 });
  rmSync(join(project.directory, "out-fresh"), { recursive: true });
  rmSync(project.dataDir, { recursive: true });

  // Every task is done when the first step of the commit is due.
  const first = await project.killBeforeStep(1, "run", "two-outputs.ts", "--round", "2");
  expect(first).toMatchObject({ signal: "SIGKILL", stdout: "" });
  const audit = await project.audit();
  expect(audit?.state.isComplete()).toBe(true);
  const job = audit?.job ?? "";
  const saved = temporaryDirectory();
  cpSync(project.directory, saved, { recursive: true });
  const restore = (): void => {
    rmSync(project.directory, { recursive: true });
    mkdirSync(project.directory);
    cpSync(saved, project.directory, { recursive: true });
    project.forgetRuns();
  };

  const seen = new Set<string>();
  for (let step = 1; ; step++) {
    restore();
    const killed = await project.killBeforeStep(step, "resume", job);
    const [fresh, replaced] = OUTPUTS.map((output) => project.look(output));
    // All of an output or nothing of it; of the one that is replaced the old, nothing, or the new.
    expect([undefined, rowsOf(2)]).toContainEqual(fresh);
    expect([rowsOf(1).reverse(), undefined, rowsOf(2).reverse()]).toContainEqual(replaced);
    seen.add(`${fresh?.[0]}, ${replaced?.[0]}, ${(await project.audit())?.state.status.kind}`);
    const ended = killed.signal === null;
    const result = ended ? killed : await project.run("resume", job, "--json");
    expect({ code: result.code, stderr: result.stderr }).toMatchObject({ code: 0 });
    expect(OUTPUTS.map((output) => project.look(output))).toEqual([rowsOf(2), rowsOf(2).reverse()]);
    expect(
      result.stdout
        .trimEnd()
        .split("\n")
        .filter((line) => line.includes('"row"')).length,
    ).toBe(6);
    expect(project.leftovers()).toEqual([]);
    expect(project.runs()).toEqual([]);
    expect((await project.audit())?.state.status.kind).toBe("committed");
    if (ended) {
      expect(step).toBeGreaterThan(STEPS_MIN);
      break;
    }
  }
  // Each of these was there at some step.
  expect([...seen].sort()).toEqual([
    "round 2 row 0, round 1 row 5, running",
    "round 2 row 0, round 2 row 5, committed",
    "round 2 row 0, round 2 row 5, running",
    "round 2 row 0, undefined, running",
    "undefined, round 1 row 5, running",
  ]);
});
