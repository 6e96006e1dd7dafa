import { mkdir, mkdtemp, readdir, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type BundleCache, createBundleCache } from "./bundle-cache.ts";
import { type Bundle, bundleJob } from "./bundle-job.ts";

const apiNames = ["job"];

const PROJECT = {
  "package.json": '{"name":"mine","type":"module"}',
  "tsconfig.json": '{ "extends": "./base", "compilerOptions": {} }',
  "base.json": '{ "compilerOptions": { "target": "es2022" } }',
  "src/job.ts": 'import { value } from "./value.js";\nimport dep from "dep";\nexport default [value, dep];\n',
  "src/value.ts": "export const value = 1;\n",
  "node_modules/dep/package.json": '{"name":"dep","main":"main.js"}',
  "node_modules/dep/main.js": "module.exports = 1;\n",
};

let room: string;
let stored: Map<string, Uint8Array>;
let cache: BundleCache;
let entry: string;
let bundle: Bundle;

async function write(file: string, text: string): Promise<void> {
  const path = join(room, file);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

beforeEach(async () => {
  room = await realpath(await mkdtemp(join(tmpdir(), "bundle-cache-")));
  for (const [file, text] of Object.entries(PROJECT)) await write(file, text);
  entry = join(room, "src/job.ts");
  stored = new Map();
  const fetch = async (hash: string) => stored.get(hash);
  cache = createBundleCache({ directory: join(room, ".cache"), apiNames, fetch });
  bundle = await bundleJob({ entry, apiNames });
  stored.set(bundle.hash, bundle.code);
  await cache.keep(entry, bundle);
});
afterEach(() => rm(room, { recursive: true, force: true }));

describe("a bundle that was kept", () => {
  test("is found again as it was, also after changes that it does not depend on", async () => {
    expect(await cache.find(entry)).toEqual(bundle);
    await write("out/part-00000.jsonl", "1\n");
    await write("notes.txt", "none of the job's\n");
    await write("node_modules/dep/README.md", "nor this\n");
    await write("src/job.ts", PROJECT["src/job.ts"]);
    expect(await cache.find(entry)).toEqual(bundle);
  });

  test.each([
    ["its own text", "src/job.ts", `${PROJECT["src/job.ts"]}// more\n`],
    ["what it imports, of the same length", "src/value.ts", "export const value = 2;\n"],
    ["a file that takes the place of another", "src/value.js", "export const value = 3;\n"],
    ["the project's package.json", "package.json", '{"name":"mine"}'],
    ["a nearer package.json", "src/package.json", '{"type":"module"}'],
    ["what its tsconfig.json extends", "base.json", '{ "compilerOptions": { "target": "es2020" } }'],
    ["a nearer tsconfig.json", "src/tsconfig.json", "{}"],
    ["an installed package's code", "node_modules/dep/main.js", "module.exports = 2;\n"],
    ["an installed package's main file", "node_modules/dep/package.json", '{"name":"dep","main":"other.js"}'],
    ["a nearer copy of a package", "src/node_modules/dep/main.js", "module.exports = 4;\n"],
  ])("is not found after a change of %s", async (_, file, text) => {
    await write(file, text);
    expect(await cache.find(entry)).toBeUndefined();
  });

  test("is not found where a file of it or its own bytes are gone, or the cache is damaged", async () => {
    stored.clear();
    expect(await cache.find(entry)).toBeUndefined();
    stored.set(bundle.hash, bundle.code);
    await rm(join(room, "node_modules/dep/main.js"));
    expect(await cache.find(entry)).toBeUndefined();
    await write("node_modules/dep/main.js", "module.exports = 1;\n");
    for (const name of await readdir(join(room, ".cache"))) await write(`.cache/${name}`, '{"hash":1}');
    expect(await cache.find(entry)).toBeUndefined();
  });

  test("is of the file that a link leads to, and of the names that jobs may import", async () => {
    await mkdir(join(room, "elsewhere"));
    const link = join(room, "elsewhere/link.ts");
    await symlink("../src/job.ts", link);
    expect((await cache.find(link))?.hash).toBe(bundle.hash);
    await rm(link);
    await symlink("../src/value.ts", link);
    expect(await cache.find(link)).toBeUndefined();
    const fetch = async (hash: string) => stored.get(hash);
    const other = createBundleCache({ directory: join(room, ".cache"), apiNames: ["job", "read"], fetch });
    expect(await other.find(entry)).toBeUndefined();
  });

  test("is not kept where a tsconfig.json takes its options from a package", async () => {
    await write("tsconfig.json", '{ "extends": "@tsconfig/node20" }');
    await cache.keep(entry, bundle);
    expect(await cache.find(entry)).toBeUndefined();
  });
});
