/**
 * What pure code may not touch. `plan` and `core` are replayed by the simulator and by every new driver, so that
 * they know no time, no chance, no promises and no outside world. The rest of the runtime reaches these through
 * ports, in the same spirit.
 */
import ts from "typescript";
import { isTestFile, type Violation } from "./project-files.ts";
import { nodesOf, parse, scan } from "./syntax.ts";

/** No ambient state of any kind, and no `async`. */
const pureFolders = ["base", "plan", "protocol", "core"];
/** The only folders that may touch the process they run in. The entry points at the top of src/ may too. */
const outsideFolders = ["adapters", "cli"];

const timers = ["setTimeout", "setInterval", "setImmediate"];
const surroundings = ["process", "console"];

/** Which ambient names a folder may not use, and whether it may be asynchronous. */
function rulesFor(file: string): { readonly names: readonly string[]; readonly async: boolean } | undefined {
  const folder = /^src\/([^/]+)\//.exec(file)?.[1];
  if (folder === undefined || isTestFile(file)) return undefined;
  if (pureFolders.includes(folder))
    return {
      names: [
        ...timers,
        ...surroundings,
        "queueMicrotask",
        "Date",
        "performance",
        "crypto",
        "fetch",
        "globalThis",
        "global",
      ],
      async: false,
    };
  if (outsideFolders.includes(folder)) return { names: [], async: true };
  // The simulator stands between the virtual time of what it runs and the real event loop.
  if (folder === "sim") return { names: ["setTimeout", "setInterval", ...surroundings, "Date"], async: true };
  return { names: [...timers, ...surroundings, "Date", "crypto", "fetch"], async: true };
}

/** Uses of chance anywhere in src/, and of whatever else the file's folder may not touch. */
export function checkPurity(file: string, text: string): readonly Violation[] {
  if (isTestFile(file)) return [];
  const rules = rulesFor(file);
  const own = declaredNames(file, text);
  return scan(file, text, (node) => {
    if (isMathRandom(node)) return "uses Math.random: take a seeded generator";
    if (rules === undefined) return undefined;
    if (!rules.async && isAsync(node)) return "is asynchronous: pure code returns effects instead";
    if (!ts.isIdentifier(node) || !rules.names.includes(node.text) || own.has(node.text)) return undefined;
    if (!isAmbientUse(node)) return undefined;
    if (node.text === "Date" && !readsTheClock(node)) return undefined;
    return `uses ${node.text}: let it come in as a value or through a port`;
  });
}

/** Names that the file gives to things of its own: parameters, variables, imports, functions, classes. */
const declaredNames = (file: string, text: string): ReadonlySet<string> =>
  new Set(
    [...nodesOf(parse(file, text))]
      .filter(
        (node) =>
          ts.isParameter(node) ||
          ts.isVariableDeclaration(node) ||
          ts.isBindingElement(node) ||
          ts.isImportSpecifier(node) ||
          ts.isFunctionDeclaration(node) ||
          ts.isClassDeclaration(node),
      )
      .flatMap((node) => (node.name !== undefined && ts.isIdentifier(node.name) ? [node.name.text] : [])),
  );

const isMathRandom = (node: ts.Node): boolean =>
  ts.isPropertyAccessExpression(node) && node.getText() === "Math.random";

function isAsync(node: ts.Node): boolean {
  if (ts.isAwaitExpression(node)) return true;
  if (ts.isForOfStatement(node)) return node.awaitModifier !== undefined;
  return (
    ts.canHaveModifiers(node) &&
    ts.getModifiers(node)?.some((m) => m.kind === ts.SyntaxKind.AsyncKeyword) === true
  );
}

/** Whether the name stands for the global: not a property, a member, a declared name, a label or a type. */
function isAmbientUse(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isTypeReferenceNode(parent) || ts.isQualifiedName(parent)) return false;
  if (ts.isShorthandPropertyAssignment(parent)) return true;
  const declares = parent as ts.Node & { readonly name?: ts.Node; readonly propertyName?: ts.Node };
  return declares.name !== node && declares.propertyName !== node;
}

/** `Date.now()`, `Date()` and `new Date()` do; `new Date(ms)`, `Date.UTC(…)` and `x instanceof Date` do not. */
function readsTheClock(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.name.text === "now";
  if (ts.isNewExpression(parent) && parent.expression === node) return (parent.arguments?.length ?? 0) === 0;
  return !(ts.isBinaryExpression(parent) && parent.operatorToken.kind === ts.SyntaxKind.InstanceOfKeyword);
}
