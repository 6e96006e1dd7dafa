/** What threads protect from, and `--debug` does not: user code that ends the process, or never ends itself. */
import { expect, test } from "vitest";
import { CliProject } from "./cli-project.ts";

const JOB = `
import { job, read } from "bicoastal";
export default job({
  name: "harmful",
  params: { how: "exit" },
  run: ({ how }) =>
    read.range(3).map((n) => {
      if (how === "exit") process.exit(0);
      console.error("the loop begins");
      for (;;) n++;
    }),
});
`;

const project = (): CliProject => new CliProject().write({ "package.json": "{}", "job.ts": JOB });

test("process.exit(0) in a function is no success", async () => {
  const { code, stdout, stderr } = await project().run("run", "job.ts", "--debug", "--json");
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toContain("error[THREAD_DIED]: The job's code ended this process");
});

test("Ctrl-C ends a loop that never ends, and the job can be resumed", async () => {
  const it = project();
  const running = it.start("run", "job.ts", "--how", "loop", "--debug");
  await running.says(/the loop begins/);
  running.child.kill("SIGINT");
  expect((await running.ended).signal).toBe("SIGINT");
  expect((await it.run("jobs")).stdout).toMatch(/harmful-\w+ +interrupted/);
});
