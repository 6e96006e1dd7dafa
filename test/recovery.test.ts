/**
 * The machine is switched off in the middle of a job: `kill -9` at many moments, then `bicoastal resume`.
 *
 * Whatever the moment: the log is sound, the job can be looked at, no task that was complete runs again, and rows and
 * files are in the end those of a run that nobody disturbed.
 */
import { expect, test } from "vitest";
import { connect } from "../src/index.ts";
import { jsonLines } from "./cli-process.ts";
import {
  type Given,
  killAt,
  MARKED_TASKS_MIN,
  type Moment,
  moments,
  RecoveryProject,
} from "./recovery-project.ts";

const { after, begun, blocks, staged, shown } = moments;
const SLOW_MS = 50;

let undisturbed: Promise<Given> | undefined;

/** One run that nobody disturbs, for all tests. */
function expected(): Promise<Given> {
  undisturbed ??= (async () => {
    const project = new RecoveryProject();
    const result = await project.run("run", "everything.ts", "--json", "--threads", "1");
    expect(jsonLines(result).length).toBeGreaterThan(1_000);
    const runs = project.runs();
    expect(new Set(runs).size).toBe(runs.length);
    expect(runs.length).toBeGreaterThanOrEqual(MARKED_TASKS_MIN);
    expect(project.leftovers()).toEqual([]);
    return project.given(result);
  })();
  return undisturbed;
}

/** Looks at the job that was killed, and gives the tasks that must not run again; undefined where it was not submitted. */
async function lookAt(
  project: RecoveryProject,
): Promise<{ job: string; complete: ReadonlySet<string> } | undefined> {
  const audit = await project.audit();
  if (audit === undefined) return undefined;
  const { job, state, complete } = audit;
  const session = await connect({ dataDir: project.dataDir });
  try {
    const [listed] = await session.jobs();
    const details = await session.job(job);
    expect(listed).toMatchObject({ job, name: "everything", tasksDone: [...state.outputs()].length });
    expect(details).toMatchObject({ ...listed, epochs: audit.epochs, error: undefined });
    expect(details.state).toBe(state.status.kind === "committed" ? "succeeded" : "interrupted");
  } finally {
    await session.close();
  }
  return { job, complete };
}

/** Runs, kills at each moment in turn, each time going on with another number of threads, and ends in peace. */
async function survive(kills: readonly Moment[]): Promise<void> {
  const want = await expected();
  const project = new RecoveryProject();
  let command = ["run", "everything.ts"];
  let finished: ReadonlySet<string> = new Set();
  for (const [index, moment] of kills.entries()) {
    project.forgetRuns();
    const threads = String(1 + ((index + 1) % 3));
    await killAt(moment, project, project.startSlowly(SLOW_MS, ...command, "--threads", threads));
    expect(project.runs().filter((task) => finished.has(task))).toEqual([]);
    const seen = await lookAt(project);
    if (seen === undefined) continue;
    expect([...finished].filter((task) => !seen.complete.has(task))).toEqual([]);
    finished = seen.complete;
    command = ["resume", seen.job];
  }
  project.forgetRuns();
  const result = await project.run(...command, "--json", "--threads", "3");
  expect({ code: result.code, stderr: result.stderr }).toMatchObject({ code: 0 });
  expect(project.runs().filter((task) => finished.has(task))).toEqual([]);
  expect(project.given(result)).toEqual(want);
  expect(project.leftovers()).toEqual([]);
  const audit = await project.audit();
  expect(audit?.state.status.kind).toBe("committed");
  if (audit === undefined) return;

  // What is done is told again, and nothing runs for it.
  project.forgetRuns();
  expect(project.given(await project.run("resume", audit.job, "--json"))).toEqual(want);
  expect(project.runs()).toEqual([]);
}

test.each(
  [
    [after(0)],
    [after(150)],
    [after(300)],
    [begun(1)],
    [begun(9)],
    [begun(22)],
    [blocks(3)],
    [blocks(14)],
    [staged(1)],
    [staged(5)],
    [shown("out-counts")],
    [shown("out-sorted")],
    [begun(2), after(0), after(180), begun(3), begun(5), staged(6)],
    [blocks(6), begun(1), begun(1), begun(1), shown("out-counts"), after(250)],
  ].map((kills) => ({ at: kills.map(({ name }) => name).join(", then "), kills })),
)("killed at: $at", async ({ kills }) => {
  await survive(kills);
});
