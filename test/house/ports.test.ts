import ts from "typescript";
import { describe, expect, test } from "vitest";
import { importsOf, resolveImport } from "./imports.ts";
import { isTestFile, projectFiles, readProjectFile } from "./project-files.ts";
import { nodesOf, parse } from "./syntax.ts";

const files = projectFiles();
/** A file of `src/ports` with an interface that has methods; files of plain data and function types need no suite. */
const isPort = (file: string, text: string): boolean =>
  [...nodesOf(parse(file, text))].some(
    (node) => ts.isInterfaceDeclaration(node) && node.members.some(ts.isMethodSignature),
  );
const ports = files.filter(
  (path) => /^src\/ports\/.+\.ts$/.test(path) && !isTestFile(path) && isPort(path, readProjectFile(path)),
);

describe("ports", () => {
  test("the scanner tells a port from plain data", () => {
    expect(isPort("a.ts", "export interface Clock { nowMs(): number }")).toBe(true);
    expect(
      isPort("a.ts", "export interface Entry { readonly key: string } export type F = () => void;"),
    ).toBe(false);
    expect(ports).toContain("src/ports/control-store.ts");
  });

  test("every port has a contract suite", () => {
    const lacking = ports.filter((port) => !files.includes(port.replace(/\.ts$/, ".contract.ts")));
    expect(lacking).toEqual([]);
  });

  test("every contract suite is run by the test of an implementation", () => {
    const imported = new Set(
      files
        .filter((path) => path.endsWith(".test.ts"))
        .flatMap((path) =>
          importsOf(path, readProjectFile(path)).map((i) => resolveImport(path, i.specifier)),
        ),
    );
    const contracts = files.filter((path) => path.endsWith(".contract.ts"));
    expect(contracts.length).toBeGreaterThan(0);
    expect(contracts.filter((path) => !imported.has(path))).toEqual([]);
  });
});
