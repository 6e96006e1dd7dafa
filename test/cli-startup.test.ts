import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";
import { binPath } from "./cli-process.ts";

test("no package is loaded before a command needs it", () => {
  const seen = new Set<string>();
  const packages: string[] = [];
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const specifier of staticImports(file)) {
      if (specifier.startsWith(".")) visit(join(dirname(file), specifier));
      else if (!specifier.startsWith("node:")) packages.push(specifier);
    }
  };
  visit(binPath);
  expect(seen.size).toBeGreaterThan(1);
  expect(packages).toEqual([]);
});

/** What is loaded with the file itself, whatever it does then. */
function staticImports(file: string): string[] {
  const source = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.Latest);
  return source.statements.flatMap((node) =>
    (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier !== undefined
      ? [(node.moduleSpecifier as ts.StringLiteral).text]
      : [],
  );
}
