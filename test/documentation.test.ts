/** What the documentation says holds: every error is described, and every example compiles, runs and prints what it shows. */
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { describe, expect, test } from "vitest";
import { bicoastal, runNode, temporaryDirectory } from "./cli-process.ts";
import { projectFiles, readProjectFile, root } from "./house/project-files.ts";
import { nodesOf, parse } from "./house/syntax.ts";

describe("docs/errors.md", () => {
  const codes = [...nodesOf(parse("errors.ts", readProjectFile("src/base/errors.ts")))]
    .filter(ts.isTypeAliasDeclaration)
    .filter((node) => node.name.text === "ErrorCode")
    .flatMap((node) => [...nodesOf(node)].filter(ts.isStringLiteral).map((literal) => literal.text));

  test("describes every error code, and no other", () => {
    const described = [...readProjectFile("docs/errors.md").matchAll(/^### ([A-Z_]+)$/gm)].map(
      ([, code]) => code,
    );
    expect(codes.length).toBeGreaterThan(20);
    expect(described.sort()).toEqual(codes.sort());
  });
});

/** A block of TypeScript, and the block of output after it, if there is one. */
interface Example {
  readonly name: string;
  /** `no-run`: is compiled only. */
  readonly runs: boolean;
  readonly code: string;
  readonly output: string | undefined;
}

/** Blocks that begin with "```ts"; a "```jsonl" block right after one is what it prints. A first line `// x.ts` names the file. */
function examplesOf(file: string): Example[] {
  const blocks = readProjectFile(file).matchAll(
    /^```ts( no-run)?\n([\s\S]*?)^```\n(?:\n*```jsonl\n([\s\S]*?)^```\n)?/gm,
  );
  return [...blocks].map(([, noRun, code = "", output], index) => ({
    name: /^\/\/ (\S+\.ts)\n/.exec(code)?.[1] ?? `${file.replace(/\W+/g, "-")}-${index + 1}.ts`,
    runs: noRun === undefined,
    code,
    output,
  }));
}

const documents = projectFiles().filter((path) => path === "README.md" || /^docs\/.*\.md$/.test(path));
const examples = documents.flatMap(examplesOf);

/**
 * A command line in a block, and all that stands below it. A "```text" block shows stdout, a "```console" block the
 * error a command ends with.
 */
interface Transcript {
  readonly command: string;
  readonly shown: string;
}

function transcriptsOf(file: string, kind: "text" | "console"): Transcript[] {
  const pattern = new RegExp(`^\`\`\`${kind}\\n\\$ bicoastal (.*)\\n([\\s\\S]*?)^\`\`\`$`, "gm");
  const blocks = readProjectFile(file).matchAll(pattern);
  return [...blocks].map(([, command = "", shown = ""]) => ({ command, shown }));
}

/** As far as the documentation needs a shell: words, and words in single quotes. */
const wordsOf = (command: string): string[] =>
  [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "");

const transcripts = documents.flatMap((file) => transcriptsOf(file, "text"));
const failures = documents.flatMap((file) => transcriptsOf(file, "console"));

const CONFIGURED = "configured";

/** A user's project with the built package installed, and the examples in it. */
function userProject(): string {
  const directory = temporaryDirectory();
  mkdirSync(join(directory, "node_modules"));
  symlinkSync(root, join(directory, "node_modules", "bicoastal"), "dir");
  for (const name of ["zod", "@types"]) {
    symlinkSync(join(root, "node_modules", name), join(directory, "node_modules", name), "dir");
  }
  symlinkSync(join(root, "examples"), join(directory, "examples"), "dir");
  writeFileSync(join(directory, "package.json"), JSON.stringify({ name: "user", type: "module" }));
  mkdirSync(join(directory, "orders"));
  writeFileSync(
    join(directory, "orders", "2026-03-01.jsonl"),
    '{"shop":"east","cents":450}\n{"shop":"west","cents":380}\n{"shop":"east"}\n',
  );
  writeFileSync(join(directory, "wordcount.ts"), readProjectFile("examples/wordcount.ts"));
  // In a folder of their own: what a config file says would hold for every example beside it.
  mkdirSync(join(directory, CONFIGURED));
  for (const { name, code } of examples) {
    writeFileSync(join(directory, name.startsWith("bicoastal.config.") ? CONFIGURED : "", name), code);
  }
  return directory;
}

describe("examples in the documentation", () => {
  test("compile against the built package, as in a user's project", async () => {
    const directory = userProject();
    const compilerOptions = {
      target: "es2023",
      module: "nodenext",
      moduleResolution: "nodenext",
      strict: true,
      noUncheckedIndexedAccess: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
      types: ["node"],
    };
    writeFileSync(
      join(directory, "tsconfig.json"),
      JSON.stringify({ compilerOptions, include: ["*.ts", `${CONFIGURED}/*.ts`] }),
    );
    const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
    expect(await runNode([tsc, "-p", directory], { cwd: directory })).toEqual({
      code: 0,
      stdout: "",
      stderr: "",
    });
  });

  test.each(examples.filter((example) => example.runs))(
    "$name prints what the page shows",
    async (example) => {
      const directory = userProject();
      const { code, stdout, stderr } = await bicoastal(["run", example.name, "--json"], { cwd: directory });
      expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
      if (example.output !== undefined) expect(stdout).toBe(example.output);
    },
  );

  test("most of them show what they print", () => {
    const running = examples.filter((example) => example.runs);
    expect(running.length).toBeGreaterThan(10);
    expect(running.filter((example) => example.output === undefined).length).toBeLessThan(running.length / 4);
  });
});

describe("command lines in the documentation", () => {
  test("there are some", () => {
    expect(transcripts.length).toBeGreaterThan(4);
  });

  test.each(transcripts)("bicoastal $command prints what the page shows", async ({ command, shown }) => {
    const { code, stdout } = await bicoastal(wordsOf(command), { cwd: userProject() });
    expect({ code, stdout }).toEqual({ code: 0, stdout: shown });
  });

  test.each(failures)("bicoastal $command fails as the page shows", async ({ command, shown }) => {
    const directory = userProject();
    const { code, stderr } = await bicoastal(wordsOf(command), { cwd: directory });
    const told = stderr.slice(stderr.indexOf("error["));
    expect(code).toBe(1);
    // The suffix of a job's id is random, and where the test keeps its jobs is its own affair.
    const fixed = (text: string): string =>
      text.replace(/ --data-dir \S+/g, "").replace(/resume ([a-z]+)-\w+/, "resume $1-ID");
    expect(fixed(told.replaceAll(directory, "/home/me/project"))).toBe(fixed(shown));
  });
});
