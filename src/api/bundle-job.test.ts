import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadJobFile } from "./compose.ts";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "bicoastal-bundle-job-"));
});
afterAll(() => rm(directory, { recursive: true }));

const load = async (text: string) => {
  const file = join(directory, "jobs.ts");
  await writeFile(file, `import { job, read } from "bicoastal";\n${text}`);
  return loadJobFile({ file, dataDir: join(directory, "data") }).then(
    (job) => job.name,
    (error) => error,
  );
};

test("refuses two jobs with one name in one module, naming both places", async () => {
  const error = await load(
    `export const a = job({ name: "x", run: () => read.range(1) });
     export default job({ name: "x", run: () => read.range(2) });`,
  );
  expect(error).toMatchObject({ code: "JOB_INVALID", details: { job: "x" } });
  expect(error.message).toMatch(
    /Two jobs are named x: the one at \S+jobs\.ts:2:\d+, and the one at \S+jobs\.ts:3:\d+\./,
  );
});

test("takes a job in place of the one that an earlier version of the module defined", async () => {
  expect(await load(`export default job({ name: "y", run: () => read.range(1) });`)).toBe("y");
  expect(await load(`\n\nexport default job({ name: "y", run: () => read.range(2) });`)).toBe("y");
  expect(await load(`export default job({ name: "y", run: () => read.range(1) });`)).toBe("y");
});

test("takes a job that a function makes twice", async () => {
  const text = `const make = () => job({ name: "z", run: () => read.range(1) });\nmake();\nexport default make();`;
  expect(await load(text)).toBe("z");
});
