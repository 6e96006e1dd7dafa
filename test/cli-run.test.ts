/** `bicoastal run` as users meet it: results, flags, and everything that can be wrong with a file or a command line. */
import { execFileSync } from "node:child_process";
import { chmodSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { jsonLines } from "./cli-process.ts";
import { CliProject } from "./cli-project.ts";

const WORDS = `
import { job, read } from "bicoastal";
console.log("loading");
export default job({
  name: "words",
  params: { input: "*.txt", top: 3, minLength: 1, skip: [] as string[], upper: false },
  run: ({ input, top, minLength, skip, upper }) =>
    read
      .lines(input)
      .flatMap((line, ctx) => {
        ctx.counter("lines");
        return line.split(" ");
      })
      .filter((word) => word.length >= minLength && !skip.includes(word))
      .map((word) => (upper ? word.toUpperCase() : word))
      .countBy((word) => word)
      .top(top, ([, count]) => count),
});
`;
const project = (): CliProject =>
  new CliProject().write({ "words.ts": WORDS, "a.txt": "b a b\nc a b\n", "b.txt": "b dd\n" });

test("rows are a table on stdout; the rest is on stderr", async () => {
  const { code, stdout, stderr } = await project().run("run", "words.ts");
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(stdout).toBe("key  value\nb        4\na        2\nc        1\n");
  expect(stderr).toMatch(/^job words-\w+: 3 stages, \d+ tasks$/m);
  expect(stderr).toMatch(/^lines {8}3$/m);
  expect(stderr).toMatch(/^done words-\w+: 3 rows, 17 B, \d+ tasks, [\d.]+ s/m);
});

test("--json keeps stdout for rows, whatever the job prints; flags win over --params", async () => {
  const it = project().write({ "params.json": '{ "top": 1, "minLength": 2 }' });
  const flags = [
    "--params",
    "params.json",
    "--top=2",
    "--min-length",
    "1",
    "--skip",
    "a",
    "--skip=c",
    "--upper",
  ];
  const result = await it.run("run", "words.ts", "--json", "--threads", "2", "--memory=256MiB", ...flags);
  expect(jsonLines(result)).toEqual([
    ["B", 4],
    ["DD", 1],
  ]);
  expect(result.stderr).toContain("loading");
});

test("--debug and --quiet", async () => {
  const result = await project().run("run", "words.ts", "--debug", "--quiet", "--json", "--top", "1");
  expect(jsonLines(result)).toEqual([["b", 4]]);
  expect(result.stderr.replace("loading\n", "")).toBe("");
});

test("the help of a file lists its flags", async () => {
  const { code, stdout } = await project().run("run", "words.ts", "--help");
  expect(code).toBe(0);
  expect(stdout).toContain('--input TEXT         (default: "*.txt")');
  expect(stdout).toContain("--[no-]upper");
  expect(stdout).toContain("--threads N");
});

test.each([
  [["--topp", "2"], 'There is no flag "--topp" here. Did you mean --top?'],
  [["--top", "many"], '--top is "many"; it must be a finite number'],
  [["--top", "1e309"], '--top is "1e309"; it must be a finite number'],
  [["--top", "9007199254740993"], "greater whole numbers would be rounded"],
  [["--top", "1", "--top", "2"], "--top was given 2 times"],
  [["--upper=maybe"], '--upper is "maybe"; it must be true or false'],
  [["--top"], "--top needs a value"],
  [["--threads", "0"], '--threads is "0"; it must be a whole number'],
  [["--params", "list.json"], "it must hold an object"],
  [["--params", "torn.json"], "is not JSON"],
  [["--params", "fifo"], "is not a regular file"],
  [["--job", "other"], 'no job "other"'],
])("%j is refused with exit code 2, in one line", async (flags, message) => {
  const it = project().write({ "list.json": "[1]", "torn.json": '{"top"' });
  execFileSync("mkfifo", [join(it.directory, "fifo")]);
  const { code, stdout, stderr } = await it.run("run", "words.ts", ...flags);
  expect(stdout).toBe("");
  expect(stderr).toContain(message);
  expect(stderr.replace("loading\n", "").trimEnd().split("\n").length).toBe(1);
  expect(code).toBe(2);
});

test("what is no job file is told as such", async () => {
  const define = (name: string): string => `job({ name: "${name}", run: () => read.of([1]) });`;
  const it = new CliProject().write({
    "syntax.ts": "export default {{",
    "empty.ts": "",
    "none.ts": "export const x = 1;",
    "several.ts": `import { job, read } from "bicoastal";\nexport const a = ${define("a")}\nexport const b = ${define("b")}`,
    "exits.ts": "process.exit(0);",
    "waits.ts": "await new Promise(() => {});\nexport {};",
    "throws.ts": 'const oops = (): never => {\n  throw new TypeError("no luck");\n};\noops();\n',
    "missing.ts": 'import { x } from "./nowhere.ts";\nconsole.log(x);',
    "data.txt": "just text",
  });
  execFileSync("mkfifo", [join(it.directory, "pipe.ts")]);
  symlinkSync("gone.ts", join(it.directory, "dangling.ts"));
  const told = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await it.run("run", ...args);
    expect(stdout).toBe("");
    return `${code} ${stderr.replaceAll(it.directory, "DIR")}`;
  };
  for (const file of ["nowhere.ts", "dangling.ts"]) expect(await told(file)).toContain("does not exist");
  expect(await told("pipe.ts")).toMatch(/^2 error\[USAGE\]: "pipe.ts" is not a regular file/);
  expect(await told(".")).toMatch(/^2 error\[USAGE\]: "\." is a directory/);
  expect(await told("syntax.ts")).toMatch(/^1 error\[BUNDLE_FAILED\]: [\s\S]*syntax\.ts:1:/);
  expect(await told("missing.ts")).toMatch(/^1 error\[BUNDLE_FAILED\]: [\s\S]*nowhere\.ts/);
  expect(await told("data.txt")).toMatch(/^[12] error\[/);
  for (const file of ["empty.ts", "none.ts"])
    expect(await told(file)).toMatch(/^2 error\[USAGE\]: .*defines no job/);
  expect(await told("several.ts")).toMatch(/^2 error\[USAGE\]: .*several jobs: a, b/);
  expect(await told("exits.ts")).toMatch(/^1 error\[BUNDLE_FAILED\]: .*process\.exit\(0\)/);
  expect(await told("waits.ts")).toMatch(/^1 error\[BUNDLE_FAILED\]: .*never ends loading/);
  const thrown = await told("throws.ts");
  expect(thrown).toMatch(/^1 error\[BUNDLE_FAILED\]: .*TypeError: no luck/);
  expect(thrown).toContain("at throws.ts:2:");
  expect(thrown).toContain('> 2 |   throw new TypeError("no luck");');
  expect(jsonLines(await it.run("run", "several.ts", "--job", "b", "--json"))).toEqual([1]);
});

test("a directory that cannot hold data, and inputs that are not there, are told as such", async () => {
  const it = project();
  const unwritable = await it.run("run", "words.ts", "--data-dir", "/dev/null/x");
  expect(unwritable.code).toBeGreaterThan(0);
  expect(unwritable.stderr).toMatch(/error\[[A-Z_]+\]: .*\/dev\/null\/x/);
  const missing = await it.run("run", "words.ts", "--input", "nothing-*.md");
  expect(missing.code).toBe(1);
  expect(missing.stderr).toMatch(/error\[INPUT_NOT_FOUND\]: .*nothing-\*\.md/);
});

test("a function that throws is shown in the user's own source, with the record", async () => {
  const it = project().write({
    "fails.ts": `
import { job, read } from "bicoastal";

interface Row { readonly word: string }
const check = (row: Row): Row => {
  if (row.word.includes("dd")) throw new RangeError(\`not this: \${row.word}\`);
  return row;
};
export default job({
  name: "fails",
  run: () => read.lines("*.txt").map((word) => check({ word })),
});
`,
  });
  for (const mode of [[], ["--debug"]]) {
    const { code, stdout, stderr } = await it.run("run", "fails.ts", "--attempts", "1", ...mode);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/error\[USER_FUNCTION\]: .*not this: b dd/);
    expect(stderr).toMatch(/b\.txt/);
    expect(stderr).toContain("at fails.ts:6:");
    expect(stderr).toContain("> 6 |   if (row.word");
    expect(stderr).toMatch(/bicoastal resume fails-\w+/);
  }
  const json = await it.run("run", "fails.ts", "--attempts", "1", "--json", "--quiet");
  expect(JSON.parse(json.stderr)).toMatchObject({
    error: {
      code: "USER_FUNCTION",
      job: expect.stringMatching(/^fails-/),
      source: { file: join(it.directory, "fails.ts"), line: 6 },
    },
  });
});

test("several ends, and files that appear all at once", async () => {
  const it = project().write({
    "ends.ts": `
import { job, read } from "bicoastal";
export default job({
  name: "ends",
  params: { out: "out" },
  run: ({ out }) => {
    const lines = read.lines("*.txt");
    return { lines, count: lines.count(), files: lines.write("text", out) };
  },
});
`,
  });
  const { code, stdout } = await it.run("run", "ends.ts");
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /^lines\nb a b\nc a b\nb dd\n\ncount\n3\n\nfiles\nwrote \d+ files?, 17 B, 3 rows to .*out\n$/,
  );
  const again = await it.run("run", "ends.ts");
  expect(again.code).toBe(1);
  expect(again.stderr).toMatch(/error\[OUTPUT_EXISTS\]/);
  const lines = jsonLines(await it.run("run", "ends.ts", "--json", "--out", "other"));
  expect(lines).toContainEqual({ end: "lines", row: "b dd" });
  expect(lines).toContainEqual({ end: "count", value: 3 });
  expect(lines.at(-1)).toMatchObject({
    end: "files",
    written: { directory: join(it.directory, "other"), rows: 3 },
  });
});

test("a reader of stdout that goes away is no error", async () => {
  const it = new CliProject().write({
    "many.ts":
      'import { job, read } from "bicoastal";\nexport default job({ name: "many", run: () => read.range(200_000) });',
  });
  const running = it.start("run", "many.ts", "--json", "--quiet");
  running.child.stdout?.once("data", () => running.child.stdout?.destroy());
  expect(await running.ended).toMatchObject({ code: 0, stderr: "" });
});

test("explain shows the stages without running anything", async () => {
  const it = project();
  const { code, stdout } = await it.run("explain", "words.ts");
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /^job words: \d stages\n\nstage 0 {2}\d tasks?\n {2}read\.lines \*\.txt\n {4}→ flatMap → filter → map/,
  );
  expect((await it.run("jobs")).stdout).toBe("");
});

test("an unreadable file is told as such", async () => {
  const it = project();
  chmodSync(join(it.directory, "words.ts"), 0);
  // To root every file is readable: then the run succeeds, which is as right.
  const { code, stderr } = await it.run("run", "words.ts", "--json");
  const readable = ((): boolean => {
    try {
      readFileSync(join(it.directory, "words.ts"));
      return true;
    } catch {
      return false;
    }
  })();
  if (readable) expect(code).toBe(0);
  else expect(stderr).toMatch(/error\[(USAGE|BUNDLE_FAILED)\]/);
});
