/** What is told of jobs that are not repeatable, and of modules that never end. */
import { expect, test } from "vitest";
import { jsonLines } from "./cli-process.ts";
import { CliProject } from "./cli-project.ts";

const JOB = `
import { job, read } from "bicoastal";
import { stamp } from "stamps";
const loadedAt = Date.now();
export default job({
  name: "chance",
  run: () =>
    read
      .range(1000, { partitions: 8 })
      .map((n) => n + (Math.random() < 2 ? 1 : loadedAt))
      .filter(() => stamp() > 0)
      .count(),
});
`;

const project = (): CliProject =>
  new CliProject().write({
    "package.json": "{}",
    "job.ts": JOB,
    "node_modules/stamps/package.json": '{ "name": "stamps", "type": "module", "main": "stamps.js" }',
    "node_modules/stamps/stamps.js": "export const stamp = () => Date.now();\n",
  });

test.each([[["--threads", "2"]], [["--debug"]]])("chance and the clock in functions: %s", async (flags) => {
  const result = await project().run("run", "job.ts", "--json", ...flags);
  expect(jsonLines(result)).toEqual([1000]);
  const warnings = result.stderr.split("\n").filter((line) => line.startsWith("warning"));
  expect(warnings.sort()).toEqual([
    expect.stringMatching(/^warning \S*job\.ts:10 calls Math\.random\(\) .*ctx\.random\(\)/),
    expect.stringMatching(/^warning the package stamps \(\S*stamps\.js:1\) calls Date\.now\(\) .*ctx\.now/),
  ]);
});

test("a module that loops for ever while it is loaded ends with an error", async () => {
  const it = new CliProject().write({ "loop.ts": "for (;;);\n" });
  const { child } = it.startWith({ BICOASTAL_LOAD_TIMEOUT_MS: "300" }, "run", "loop.ts");
  let stderr = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const code = await new Promise((resolve) => child.on("close", resolve));
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: expect.stringMatching(/^error\[BUNDLE_FAILED\]: "loop\.ts" had not loaded after 0\.3 s: .*\n$/),
  });
});
