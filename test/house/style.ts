/** House rules on single files: types, tests that are off, lengths and names. */
import ts from "typescript";
import { isSample, type Violation } from "./project-files.ts";
import { scan } from "./syntax.ts";

export const checkAny = (file: string, text: string): readonly Violation[] =>
  scan(file, text, (node) =>
    node.kind === ts.SyntaxKind.AnyKeyword ? "uses `any`: use `unknown`, or say the type" : undefined,
  );

const testFunctions = new Set(["it", "test", "describe", "suite", "bench"]);
const offSwitches = new Set(["skip", "only", "todo", "skipIf", "fails"]);

/** Tests that are off, keep others off, or cannot fail. */
export const checkTestsAreOn = (file: string, text: string): readonly Violation[] =>
  scan(file, text, (node) => {
    if (!ts.isPropertyAccessExpression(node)) return undefined;
    let base: ts.Expression = node.expression;
    while (ts.isPropertyAccessExpression(base)) base = base.expression;
    if (ts.isIdentifier(base) && testFunctions.has(base.text) && offSwitches.has(node.name.text))
      return `has ${base.text}….${node.name.text}`;
    const isConstantCheck = /^expect\((true|false|\d+)\)\.(toBe|toEqual)$/.test(node.getText());
    return isConstantCheck ? "has a check that cannot fail" : undefined;
  });

const linesMax = 400;
/** A header that defends the length says so in these words. */
const lengthReason = /\b(long|one file|lines)\b[^.]*\bbecause\b/i;

/** Files above 400 lines say why in their header comment: "One file because …". Not meant for tests, which are lists. */
export function checkLength(file: string, text: string): readonly Violation[] {
  const lines = text.trimEnd().split("\n").length;
  const header = /^\s*(\/\*[\s\S]*?\*\/|(?:\/\/[^\n]*\n)+)/.exec(text)?.[0] ?? "";
  if (lines <= linesMax || lengthReason.test(header.replace(/\s*\n\s*(\*|\/\/)?\s*/g, " "))) return [];
  return [
    { file, line: 1, what: `has ${lines} lines: split it, or say in its header why ("long because …")` },
  ];
}

/** Names that say nothing about what is inside. */
const vagueNames = new Set(["common", "helper", "helpers", "lib", "misc", "shared", "util", "utils"]);
/** Files whose names are fixed by the tools that read them. */
const fixedNames = new Set([
  "ARCHITECTURE.md",
  "CHANGELOG.md",
  "CONTRIBUTING.md",
  "COPYRIGHT.txt",
  "LICENSE",
  "NOTICE",
  "README.md",
]);
const kebabCase = /^\.?[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)*$/;

/** kebab-case names, and no folder or file for whatever had no place. */
export function checkName(path: string): readonly Violation[] {
  const parts = path.split("/");
  const wrong = parts.filter((part) => !fixedNames.has(part) && !kebabCase.test(part));
  const vague = isSample(path) ? [] : parts.filter((part) => vagueNames.has(part.replace(/\..*$/, "")));
  return [
    ...wrong.map((part) => ({ file: path, line: 1, what: `is not kebab-case: ${part}` })),
    ...vague.map((part) => ({ file: path, line: 1, what: `has a name that says nothing: ${part}` })),
  ];
}

/** Every `.ts` file, tests too: the compiler can erase types, and nothing else needs to be compiled. */
export const isTypeScript = (path: string): boolean => /\.ts$/.test(path) && !path.startsWith("test/golden/");
