/** Blocks that are lost or damaged between a kill and the resume, under a running job, and after its end. */
import { mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { type Given, killAt, moments, RecoveryProject } from "./recovery-project.ts";

const damages: Readonly<Record<string, (path: string) => void>> = {
  deleted: (path) => rmSync(path),
  "cut short": (path) => truncateSync(path, Math.floor(readFileSync(path).length * 0.6)),
  emptied: (path) => truncateSync(path, 0),
  "changed in one byte": (path) => {
    const bytes = readFileSync(path);
    const index = Math.floor(bytes.length / 2);
    bytes[index] = (bytes[index] ?? 0) ^ 0x10;
    writeFileSync(path, bytes);
  },
  "another's": (path) => writeFileSync(path, "something else, and longer than what was there".repeat(500)),
  "a directory": (path) => {
    rmSync(path);
    mkdirSync(path);
  },
};

let undisturbed: Promise<Given> | undefined;
function expected(): Promise<Given> {
  undisturbed ??= (async () => {
    const project = new RecoveryProject();
    return project.given(await project.run("run", "everything.ts", "--json"));
  })();
  return undisturbed;
}

const whole = (project: RecoveryProject): string[] =>
  project.blockFiles().filter((path) => !path.includes("~"));

test.each(Object.keys(damages))("blocks that are %s while no process runs are made again", async (how) => {
  const want = await expected();
  const project = new RecoveryProject();
  project.hold();
  await killAt(moments.held, project, project.startSlowly(30, "run", "everything.ts", "--threads", "2"));
  project.release();
  const before = await project.audit();
  const blocks = whole(project);
  for (const [index, path] of blocks.entries()) if (index % 3 !== 1) damages[how]?.(path);
  project.forgetRuns();
  const result = await project.run("resume", before?.job ?? "", "--json", "--threads", "2");
  expect({ code: result.code, stderr: result.stderr }).toMatchObject({ code: 0 });
  expect(project.given(result)).toEqual(want);
  expect(project.leftovers()).toEqual([]);
  const after = await project.audit();
  expect(after?.state.status.kind).toBe("committed");
  const again = project.runs().filter((task) => before?.complete.has(task));
  expect(again.length).toBeGreaterThan(0);
});

test.each(["deleted", "cut short", "changed in one byte"])(
  "blocks that are %s under a running job are made again",
  async (how) => {
    const want = await expected();
    const project = new RecoveryProject();
    project.hold();
    const running = project.startSlowly(30, "run", "everything.ts", "--threads", "2");
    // Nobody has read yet what there is for the join.
    while (!moments.held.reached(project, 0)) await new Promise((resolve) => setTimeout(resolve, 1));
    for (const path of whole(project)) damages[how]?.(path);
    project.release();
    const result = await running.ended;
    expect({ code: result.code, stderr: result.stderr }).toMatchObject({ code: 0 });
    expect(project.given(result)).toEqual(want);
    expect(project.leftovers()).toEqual([]);
    const runs = project.runs();
    expect(new Set(runs).size).toBeLessThan(runs.length);
  },
);

test("rows that are damaged after the job's end are an error, never wrong rows", async () => {
  const project = new RecoveryProject();
  await project.run("run", "everything.ts", "--json");
  const job = (await project.audit())?.job ?? "";
  for (const how of ["changed in one byte", "cut short", "deleted"]) {
    for (const path of whole(project)) damages[how]?.(path);
    const { code, stdout, stderr } = await project.run("resume", job, "--json", "--quiet");
    expect([code, stdout]).toEqual([1, ""]);
    expect(JSON.parse(stderr)).toMatchObject({
      error: { code: how === "deleted" ? "BLOB_MISSING" : "BLOB_CORRUPT", job },
    });
  }
});
