import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { describeAll, isSample, projectFiles, readProjectFile, root } from "./project-files.ts";
import { checkLinks, checkMachineBound } from "./text.ts";

const files = projectFiles().filter((path) => !isSample(path) || path.endsWith(".md"));

describe("text of every file", () => {
  test("names no machine and no registry", () => {
    // These two hold the patterns and the bad examples.
    const checked = files.filter((path) => !path.startsWith("test/house/text."));
    expect(describeAll(checked.flatMap((file) => checkMachineBound(file, readProjectFile(file))))).toEqual(
      [],
    );
  });
  test.each([
    "const x = '/workspace/src/a';",
    "see /home/anna/project",
    "/Users/anna/x",
    "cd /root/bicoastal",
    "C:\\Users\\anna",
    "https://registry.npmjs.org/lmdb",
    `      "resolved": ${JSON.stringify("https://example.org/lmdb.tgz")},`,
    "registry=https://example.org/",
    "@scope:registry = https://example.org/",
  ])("the scanner finds %s", (line) => {
    expect(checkMachineBound("a.txt", `fine\n${line}\n`)).toEqual([expect.objectContaining({ line: 2 })]);
  });
  test("the scanner leaves other paths and addresses alone", () => {
    const fine =
      "src/work/x.ts ../home/x /home/me/x.ts /home/a.ts /tmp/x https://nodejs.org/ omit-lockfile-registry-resolved=true resolved";
    expect(checkMachineBound("a.txt", fine)).toEqual([]);
  });

  test("the lock file names packages and hashes, and no place they come from", () => {
    const lock = JSON.parse(readProjectFile("package-lock.json")) as {
      packages: Record<string, { version?: string; resolved?: string; integrity?: string; link?: boolean }>;
    };
    const packages = Object.entries(lock.packages).filter(([path]) => path !== "");
    expect(packages.length).toBeGreaterThan(100);
    const wrong = packages.filter(
      ([, entry]) =>
        entry.resolved !== undefined || entry.link || !entry.integrity || entry.version?.includes(":"),
    );
    expect(wrong.map(([path]) => path)).toEqual([]);
  });
});

describe("documentation", () => {
  const documents = files.filter((path) => path.endsWith(".md"));
  const read = (path: string): string | undefined => {
    if (!existsSync(join(root, path))) return undefined;
    return statSync(join(root, path)).isDirectory() ? "" : readProjectFile(path);
  };

  test("has no dead links", () => {
    expect(documents.length).toBeGreaterThan(0);
    expect(describeAll(documents.flatMap((file) => checkLinks(file, readProjectFile(file), read)))).toEqual(
      [],
    );
  });
  test("the scanner finds links to missing files and headings, and follows the right ones", () => {
    const others: Record<string, string> = { "docs/b.md": "# The `log`, and more\n" };
    const check = (text: string) => describeAll(checkLinks("docs/a.md", text, (path) => others[path]));
    expect(check("[x](c.md)")).toEqual([expect.stringContaining("c.md, which is not there")]);
    expect(check("[x](b.md#nope)")).toEqual([expect.stringContaining("#nope")]);
    expect(check("# Here\n[x](#there)")).toEqual([expect.stringContaining("#there")]);
    expect(check("# Here\n[x](#here) [y](b.md#the-log-and-more) [z](https://x.org/q)")).toEqual([]);
    expect(check("```\n[x](c.md)\n```\n`[x](c.md)`")).toEqual([]);
  });
});
