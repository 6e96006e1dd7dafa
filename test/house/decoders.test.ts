import { describe, expect, test } from "vitest";
import { DECODERS, OF_VALUES } from "./decoders.ts";
import { importsOf, resolveImport } from "./imports.ts";
import { isTestFile, projectFiles, readProjectFile } from "./project-files.ts";

const files = new Set(projectFiles());
const EXPORTED = /^export (?:async )?(?:function\*? |const )(?:decode|parse)[A-Z]/m;

const imports = new Map<string, readonly string[]>();
function importsIn(path: string): readonly string[] {
  let known = imports.get(path);
  if (known === undefined) {
    known = importsOf(path, readProjectFile(path)).flatMap(
      ({ specifier }) => resolveImport(path, specifier) ?? [],
    );
    imports.set(path, known);
  }
  return known;
}

/** All that a file imports, and what that imports. */
function reachedFrom(path: string): ReadonlySet<string> {
  const reached = new Set<string>();
  const next = [path];
  for (let at = next.pop(); at !== undefined; at = next.pop()) {
    if (reached.has(at) || !files.has(at)) continue;
    reached.add(at);
    next.push(...importsIn(at));
  }
  return reached;
}

describe("what reads bytes from outside", () => {
  test("is listed with its property test, wherever its name says what it does", () => {
    const listed = new Set([...DECODERS.map(({ file }) => file), ...OF_VALUES]);
    const named = [...files].filter(
      (path) =>
        /^src\/(?!sim\/).+\.ts$/.test(path) && !isTestFile(path) && EXPORTED.test(readProjectFile(path)),
    );
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((path) => !listed.has(path))).toEqual([]);
    expect(OF_VALUES.filter((path) => !named.includes(path))).toEqual([]);
  });

  test("is reached by that test, which is one of properties", () => {
    const reached = new Map<string, ReadonlySet<string>>();
    const wrong = DECODERS.filter(({ file, test: path }) => {
      if (!path.endsWith(".fuzz.test.ts") || !files.has(path)) return true;
      if (!reached.has(path)) reached.set(path, reachedFrom(path));
      return !reached.get(path)!.has(file);
    });
    expect(wrong).toEqual([]);
  });
});
