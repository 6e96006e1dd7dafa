/** Each example runs as a user runs it, on the shipped data; plain code that shares nothing with Bicoastal counts again. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { bicoastal, endsOf, jsonLines, temporaryDirectory } from "./cli-process.ts";
import { root } from "./house/project-files.ts";

const data = (...path: string[]): string => join(root, "examples", "data", ...path);
const readLines = (path: string): string[] => readFileSync(path, "utf8").trimEnd().split("\n");

/** The data files that a job wrote, in order. */
const partsOf = (directory: string): string[] =>
  readdirSync(directory)
    .filter((name) => name.startsWith("part-"))
    .sort()
    .map((name) => join(directory, name));

/**
 * Checks the greatest counts, greatest first. Of words with one count any may come first, or be left out at the end:
 * that follows from the partition a key is in, which plain code does not know.
 */
function expectTop(rows: unknown, counts: ReadonlyMap<string, number>, limit: number): void {
  const pairs = rows as [string, number][];
  const greatest = [...counts.values()].sort((a, b) => b - a).slice(0, limit);
  expect(pairs.map(([, count]) => count)).toEqual(greatest);
  expect(pairs.map(([key]) => [key, counts.get(key)])).toEqual(pairs);
  expect(new Set(pairs.map(([key]) => key)).size).toBe(pairs.length);
}

function countBy<T>(items: Iterable<T>, key: (item: T) => string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(key(item), (counts.get(key(item)) ?? 0) + 1);
  return counts;
}

/** The shipped lists quote a field only where it has a comma or a quote, and have no line breaks in fields. */
function readPackages(): { name: string; section: string; kib: number; summary: string }[] {
  return readLines(data("packages", "packages.csv"))
    .slice(1)
    .map((line) => {
      const [, name = "", section = "", kib = "", rest = ""] =
        /^([^,]*),([^,]*),([^,]*),(.*)$/.exec(line) ?? [];
      const summary = rest.startsWith('"') ? rest.slice(1, -1).replaceAll('""', '"') : rest;
      return { name, section, kib: Number(kib), summary };
    });
}
const readDependencies = (): string[] =>
  readLines(data("packages", "dependencies.csv"))
    .slice(1)
    .map((line) => line.split(",")[1] ?? "");

describe("examples", () => {
  test("wordcount", async () => {
    const words = readdirSync(data("kjv")).flatMap(
      (name) =>
        readFileSync(data("kjv", name), "utf8")
          .toLowerCase()
          .match(/[a-z']+/g) ?? [],
    );
    expect(words.length).toBe(789_684);
    const rows = jsonLines(await bicoastal(["run", "examples/wordcount.ts", "--json", "--top", "200"]));
    expectTop(
      rows,
      countBy(words, (word) => word),
      200,
    );
  });

  test("inverted-index", async () => {
    const packagesOf = new Map<string, Set<string>>();
    for (const { name, summary } of readPackages()) {
      for (const word of summary.toLowerCase().match(/[a-z][a-z0-9+-]*/g) ?? [])
        packagesOf.set(word, (packagesOf.get(word) ?? new Set()).add(name));
    }
    const out = join(temporaryDirectory(), "index");
    const ends = endsOf(await bicoastal(["run", "examples/inverted-index.ts", "--json", "--out", out]));

    expect(ends.words).toBe(packagesOf.size);
    const sizes = new Map([...packagesOf].map(([word, names]) => [word, names.size]));
    const longest = ends.longest as { word: string; packages: number }[];
    expectTop(
      longest.map(({ word, packages }) => [word, packages]),
      sizes,
      10,
    );
    const index = partsOf(out)
      .flatMap((file) => gunzipSync(readFileSync(file)).toString().trimEnd().split("\n"))
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as { word: string; packages: string[] });
    expect(index.length).toBe(packagesOf.size);
    for (const { word, packages } of index)
      expect(packages).toEqual([...(packagesOf.get(word) ?? [])].sort());
  });

  test("log-analysis", async () => {
    const lines = readdirSync(data("logs"))
      .sort()
      .flatMap((name) => {
        const bytes = readFileSync(data("logs", name));
        return (name.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString().trimEnd().split("\n");
      })
      .map((line) => {
        const [client = "", , , time = "", , method = "", path = "", , status = "", bytes = ""] =
          line.split(" ");
        return { client, day: time.slice(1, 12), request: `${method.slice(1)} ${path}`, path, status, bytes };
      });
    expect(lines.length).toBe(24_000);
    const result = await bicoastal(["run", "examples/log-analysis.ts", "--json"]);

    const byStatus = [...countBy(lines, (line) => line.status)].map(([status, n]) => [Number(status), n]);
    const bytesByDay = new Map<string, number>();
    for (const { day, bytes } of lines)
      bytesByDay.set(day, (bytesByDay.get(day) ?? 0) + (Number(bytes) || 0));
    const good = lines.filter((line) => line.status === "200");
    const bad = lines.filter((line) => Number(line.status) >= 500);
    const { pages, failing, ...others } = endsOf(result);
    expectTop(
      pages,
      countBy(good, (line) => line.path),
      5,
    );
    expectTop(
      failing,
      countBy(bad, (line) => line.request),
      5,
    );
    expect(others).toEqual({
      byStatus: byStatus.sort(([a = 0], [b = 0]) => a - b),
      clients: new Set(lines.map((line) => line.client)).size,
      bytesByDay: [...bytesByDay].sort(([a], [b]) => (a < b ? -1 : 1)),
    });
    expect(result.stderr).toMatch(/requests\s.*24,?000/);
  });

  test("package-join", async () => {
    const packages = new Map(readPackages().map((row) => [row.name, row]));
    const needed = countBy(readDependencies(), (name) => name);
    const libraries = new Map([...needed].filter(([name]) => packages.get(name)?.section === "libs"));
    const ends = endsOf(await bicoastal(["run", "examples/package-join.ts", "--json"]));
    const mostNeeded = ends.mostNeeded as { library: string; applications: number; kib: number }[];
    expectTop(
      mostNeeded.map(({ library, applications }) => [library, applications]),
      libraries,
      10,
    );
    for (const { library, kib } of mostNeeded) expect(kib).toBe(packages.get(library)?.kib);
    expectTop(ends.notInTheList, new Map([...needed].filter(([name]) => !packages.has(name))), 10);
    const libs = [...packages.values()].filter((row) => row.section === "libs");
    expect(ends.neverNeeded).toBe(libs.filter((row) => !needed.has(row.name)).length);
  });

  test("sort-words", async () => {
    const out = join(temporaryDirectory(), "sorted");
    const result = await bicoastal(["run", "examples/sort-words.ts", "--json", "--out", out]);
    expect(jsonLines(result)).toEqual([expect.objectContaining({ rows: expect.any(Number) as number })]);
    const sorted = partsOf(out)
      .map((file) => readFileSync(file, "utf8"))
      .join("");
    const expected = readLines(data("words", "american-english.txt"))
      .filter((word) => !word.includes("'"))
      .sort((a, b) => b.length - a.length || (a < b ? -1 : 1));
    expect(sorted).toBe(`${expected.join("\n")}\n`);
  });

  test("every example is tested here", () => {
    const names = readdirSync(join(root, "examples")).filter((name) => name.endsWith(".ts"));
    const tested = readFileSync(import.meta.filename, "utf8");
    expect(names.filter((name) => !tested.includes(`"examples/${name}"`))).toEqual([]);
  });
});
