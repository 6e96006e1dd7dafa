import { describe, expect, test } from "vitest";
import { describeAll, isTestFile, projectFiles, readProjectFile } from "./project-files.ts";
import { checkAny, checkLength, checkName, checkTestsAreOn, isTypeScript } from "./style.ts";

const files = projectFiles();
const code = files.filter(isTypeScript);
const scripts = files.filter((path) => path.endsWith(".mjs"));

describe("single files", () => {
  test("there is code to check", () => {
    expect(code.length).toBeGreaterThan(50);
    expect(scripts.length).toBeGreaterThan(3);
  });

  test("no file uses any", () => {
    expect(describeAll(code.flatMap((file) => checkAny(file, readProjectFile(file))))).toEqual([]);
  });
  test("the scanner finds any, and only as a type", () => {
    expect(
      checkAny("a.ts", "let x: any; const y = z as any[];\nfunction f<T extends Record<string, any>>() {}"),
    ).toHaveLength(3);
    expect(checkAny("a.ts", "// any\nconst any = 'any'; expect.any(String);")).toEqual([]);
  });

  test("no test is off", () => {
    expect(describeAll(code.flatMap((file) => checkTestsAreOn(file, readProjectFile(file))))).toEqual([]);
  });
  test.each(
    [
      "test.skip('x', f)",
      "describe.only('x', f)",
      "it.todo('x')",
      "test.concurrent.skip('x', f)",
      "test.skipIf(a)('x', f)",
      "expect(true).toBe(true)",
    ].filter((text) => !text.includes("each")),
  )("the scanner finds %s", (text) => {
    expect(checkTestsAreOn("a.test.ts", text)).toHaveLength(1);
  });
  test("the scanner leaves other uses of these names alone", () => {
    expect(
      checkTestsAreOn("a.test.ts", "test.each([1])('x', f); reader.skip(3); expect(x).toBe(true);"),
    ).toEqual([]);
  });

  test("no file is long without a reason", () => {
    const long = [...code.filter((file) => !isTestFile(file)), ...scripts].flatMap((file) =>
      checkLength(file, readProjectFile(file)),
    );
    expect(describeAll(long)).toEqual([]);
  });
  test("the scanner finds a long file, and accepts a reason in its header", () => {
    const body = "x;\n".repeat(401);
    expect(checkLength("a.ts", body)).toHaveLength(1);
    expect(checkLength("a.ts", `/** A table of things. */\n${body}`)).toHaveLength(1);
    expect(checkLength("a.ts", `/**\n * Long because the table\n * is one. */\n${body}`)).toEqual([]);
    expect(checkLength("a.ts", `// One file,\n// because it is a table.\n${body}`)).toEqual([]);
    expect(checkLength("a.ts", "x;\n".repeat(400))).toEqual([]);
  });

  test("names are kebab-case and mean something", () => {
    expect(describeAll(files.flatMap(checkName))).toEqual([]);
  });
  test.each([
    "src/engine/RunReader.ts",
    "src/engine/run_reader.ts",
    "src/utils/x.ts",
    "src/base/helpers.ts",
    "src/base/util.test.ts",
    "docs/My Guide.md",
  ])("the scanner finds %s", (path) => {
    expect(checkName(path)).toHaveLength(1);
  });
  test("the scanner accepts the names we use", () => {
    for (const path of [
      "src/base/ids.fuzz.test.ts",
      ".ci/run",
      ".changeset/config.json",
      "README.md",
      "tsdown.config.ts",
    ])
      expect(checkName(path)).toEqual([]);
  });
});
