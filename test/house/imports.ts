/** Who may import whom. The table is ARCHITECTURE.md's folder map; type-only imports count like any other. */
import { posix } from "node:path";
import ts from "typescript";
import { isTestFile, type Violation } from "./project-files.ts";
import { lineOf, nodesOf, parse } from "./syntax.ts";

/** For each folder of src/: the folders it may import besides itself. */
export const folderRules: Readonly<Record<string, readonly string[]>> = {
  base: [],
  plan: ["base"],
  protocol: ["base", "plan"],
  core: ["base", "plan", "protocol"],
  ports: ["base", "plan", "protocol"],
  engine: ["base", "plan", "ports"],
  runtime: ["base", "plan", "protocol", "core", "ports", "engine"],
  adapters: ["base", "plan", "protocol", "ports"],
  sim: ["base", "plan", "protocol", "core", "ports", "engine", "runtime"],
  api: ["base", "plan", "ports", "runtime"],
  cli: ["base", "plan", "protocol", "core", "ports", "engine", "runtime", "adapters", "api"],
};

/** Single files that may import more than their folder, because putting parts together is what they are for. */
const fileRules: Readonly<Record<string, readonly string[]>> = {
  "src/api/compose.ts": ["adapters"],
  "src/api/compose-client.ts": ["adapters"],
  "src/api/compose-cluster.ts": ["adapters"],
  "src/api/compose-store.ts": ["adapters"],
};

/** Entry points, at the top of src/. */
const entryRules: Readonly<Record<string, readonly string[]>> = {
  "src/index.ts": ["base", "plan", "api", "runtime"],
  "src/bin.ts": ["cli", "adapters"],
  "src/task-thread.ts": ["base", "plan", "ports", "engine", "runtime", "api", "adapters"],
  "src/thread.ts": ["src/task-thread.ts", "adapters"],
};

/** `node:*` and npm packages; besides, packages of types only that a folder's public face is written in. */
const outside = new Set(["adapters", "cli", "src/bin.ts", "src/task-thread.ts", "src/thread.ts"]);
const packageRules: Readonly<Record<string, readonly string[]>> = { api: ["@standard-schema/spec"] };

export interface Import {
  readonly specifier: string;
  readonly line: number;
}

/** Static, dynamic, type-only and re-exporting imports, and `import("…")` types. */
export function importsOf(file: string, text: string): readonly Import[] {
  const found: Import[] = [];
  for (const node of nodesOf(parse(file, text))) {
    const specifier = specifierOf(node);
    if (specifier !== undefined) found.push({ specifier, line: lineOf(node) });
  }
  return found;
}

function specifierOf(node: ts.Node): string | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return textOf(node.moduleSpecifier);
  if (ts.isImportTypeNode(node)) return textOf(node.argument);
  if (!ts.isCallExpression(node)) return undefined;
  const isImport = node.expression.kind === ts.SyntaxKind.ImportKeyword;
  const isRequire = ts.isIdentifier(node.expression) && node.expression.text === "require";
  return isImport || isRequire ? textOf(node.arguments[0]) : undefined;
}

function textOf(node: ts.Node | undefined): string | undefined {
  if (node !== undefined && ts.isLiteralTypeNode(node)) return textOf(node.literal);
  return node !== undefined && ts.isStringLiteralLike(node) ? node.text : undefined;
}

/** The project's path that a relative import names. */
export const resolveImport = (file: string, specifier: string): string =>
  posix.join(posix.dirname(file), specifier);

const folderOf = (path: string): string => (path.split("/").length > 2 ? (path.split("/")[1] ?? "") : "");

/** What one file of src/ imports and should not. */
export function checkImports(file: string, text: string): readonly Violation[] {
  if (isTestFile(file)) return [];
  return importsOf(file, text).flatMap(({ specifier, line }) => {
    const what = specifier.startsWith(".")
      ? checkRelative(file, specifier)
      : checkPackage(file, specifier, folderOf(file));
    return what === undefined ? [] : [{ file, line, what }];
  });
}

function checkRelative(file: string, specifier: string): string | undefined {
  const target = resolveImport(file, specifier);
  if (!target.endsWith(".ts") && !target.endsWith(".json"))
    return `imports ${specifier} without its .ts extension`;
  if (isTestFile(target)) return `imports the test file ${target}`;
  const from = folderOf(file);
  const to = folderOf(target);
  if (from !== "" && from === to) return undefined;
  const allowed = from === "" ? entryRules[file] : folderRules[from];
  if (allowed === undefined) return `is in no room of the house: give it a row in folderRules`;
  if (allowed.includes(to === "" ? target : to) || fileRules[file]?.includes(to)) return undefined;
  return `${from === "" ? file : from} may not import ${to === "" ? target : to} (${specifier})`;
}

function checkPackage(file: string, specifier: string, folder: string): string | undefined {
  if (outside.has(folder || file) || packageRules[folder]?.includes(specifier)) return undefined;
  return `${folder || file} may not import ${specifier}: Node and npm packages live in adapters and cli`;
}

/** Circles among files, each as a path that ends where it began. One for each file that closes a circle. */
export function findCycles(graph: ReadonlyMap<string, readonly string[]>): readonly (readonly string[])[] {
  const cycles: string[][] = [];
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    const start = path.indexOf(file);
    if (start >= 0) cycles.push([...path.slice(start), file]);
    if (start >= 0 || done.has(file)) return;
    for (const next of graph.get(file) ?? []) visit(next, [...path, file]);
    done.add(file);
  };
  for (const file of graph.keys()) visit(file, []);
  return cycles;
}
