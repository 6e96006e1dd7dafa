/** The project's own files, as the house rules see them. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Made, not written: as in .gitignore. */
const ignoredDirectories = new Set([
  ".bicoastal",
  ".data",
  ".git",
  ".peers",
  "coverage",
  "dist",
  "node_modules",
]);

/** Paths from the root with `/`, ascending. Walks rather than asks git, so that a file not yet added counts too. */
export function projectFiles(directory = root): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .filter((path) => !path.split("/").some((part) => ignoredDirectories.has(part)) && !path.endsWith(".log"))
    .sort();
}

export const readProjectFile = (path: string): string => readFileSync(join(root, path), "utf8");

/** Tests, and contract suites, which only tests call. */
export const isTestFile = (path: string): boolean => /\.(test|test-d|contract)\.ts$/.test(path);

export const isSample = (path: string): boolean => path.startsWith("examples/data/");

/** A place where a rule does not hold. */
export interface Violation {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly what: string;
}

/** One line each, so that a failing test reads as a list. */
export const describeAll = (violations: readonly Violation[]): string[] =>
  violations.map(({ file, line, what }) => `${file}:${line} ${what}`);
