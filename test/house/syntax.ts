/** Parsing for the scanners of the house rules: by syntax, so that text in strings and comments never counts. */
import ts from "typescript";
import type { Violation } from "./project-files.ts";

export const parse = (file: string, text: string): ts.SourceFile =>
  ts.createSourceFile(file, text, ts.ScriptTarget.ES2023, true);

/** Every node of the file, parents first. */
export function* nodesOf(node: ts.Node): Generator<ts.Node> {
  yield node;
  const children: ts.Node[] = [];
  node.forEachChild((child) => {
    children.push(child);
  });
  for (const child of children) yield* nodesOf(child);
}

export const lineOf = (node: ts.Node): number => {
  const file = node.getSourceFile();
  return file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1;
};

/** The violations of a rule that judges one node at a time; `judge` says what is wrong, if anything. */
export function scan(
  file: string,
  text: string,
  judge: (node: ts.Node) => string | undefined,
): readonly Violation[] {
  const found: Violation[] = [];
  for (const node of nodesOf(parse(file, text))) {
    const what = judge(node);
    if (what !== undefined) found.push({ file, line: lineOf(node), what });
  }
  return found;
}
