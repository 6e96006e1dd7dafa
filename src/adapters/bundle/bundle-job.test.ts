import { execFile } from "node:child_process";
import { mkdir, mkdtemp, realpath, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { BicoastalError } from "../../base/errors.ts";
import { createBundleFiles } from "./bundle-files.ts";
import { type Bundle, bundleJob } from "./bundle-job.ts";

const API_NAMES = ["job", "read"];
const run = promisify(execFile);

let room: string;
beforeEach(async () => {
  room = await realpath(await mkdtemp(join(tmpdir(), "bundle-")));
});
afterEach(() => rm(room, { recursive: true, force: true }));

/** Writes a user's project and returns its directory. */
async function project(name: string, files: Readonly<Record<string, string>>): Promise<string> {
  for (const [file, text] of Object.entries(files)) {
    const path = join(room, name, file);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  }
  return join(room, name);
}

/** Evaluates the bundle in a Node of its own, with an API of two functions, and returns what it prints. */
async function evaluate(bundle: Bundle, root?: string): Promise<string> {
  const files = createBundleFiles({ directory: join(room, "bundles"), fetch: () => Promise.reject() });
  const path = await files.write({ ...bundle, ...(root === undefined ? {} : { root }) });
  const api = `globalThis[Symbol.for("bicoastal.api")] = { job: (d) => d, read: { lines: () => 0 } };`;
  const preload = `data:text/javascript,${encodeURIComponent(api)}`;
  const { stdout } = await run(process.execPath, ["--enable-source-maps", "--import", preload, path]);
  return stdout;
}

async function failure(entry: string): Promise<BicoastalError> {
  const thrown = await bundleJob({ entry, apiNames: API_NAMES }).catch((error: unknown) => error);
  expect(thrown).toBeInstanceOf(BicoastalError);
  expect((thrown as BicoastalError).code).toBe("BUNDLE_FAILED");
  return thrown as BicoastalError;
}

const PROJECT = {
  "package.json": '{"name":"mine","type":"module"}',
  "src/job.ts": `import { job, read } from "bicoastal";
import type { Nothing } from "bicoastal";
import common from "common-dep";
import { modern } from "modern-dep";
import config from "./config.json";
import words from "./words.txt";
interface Row { readonly word: string }
const row: Row = { word: "a" };
console.log(job({ name: row.word }).name, typeof read.lines, common.join("x", "y"), modern(), config.top, words.trim());
`,
  "src/config.json": '{"top":7}',
  "src/words.txt": "héllo\n",
  "node_modules/common-dep/package.json": '{"name":"common-dep","main":"index.js"}',
  "node_modules/common-dep/index.js": `const path = require("path");
const name = "node:os";
const dynamic = require(name);
module.exports = { join: (...parts) => [path.posix.join(...parts), typeof dynamic.cpus, typeof __dirname].join() };
`,
  "node_modules/modern-dep/package.json":
    '{"name":"modern-dep","type":"module","exports":{"import":"./m.mjs","default":"./none.js"}}',
  "node_modules/modern-dep/m.mjs": "export const modern = () => import.meta.url.slice(0, 5);\n",
};

describe("a user's project", () => {
  test("TypeScript, a CommonJS and an ESM package, JSON and text go into one module that runs", async () => {
    const root = await project("mine", PROJECT);
    const bundle = await bundleJob({ entry: join(root, "src/job.ts"), apiNames: API_NAMES });
    expect(await evaluate(bundle)).toBe("a function x/y,function,string file: 7 héllo\n");
    expect(bundle.root).toBe(root);
    expect(bundle.inputs).toEqual([
      join(root, "node_modules/common-dep/index.js"),
      join(root, "node_modules/modern-dep/m.mjs"),
      join(root, "src/config.json"),
      join(root, "src/job.ts"),
      join(root, "src/words.txt"),
    ]);
  });

  test("the user's own names may be those that CommonJS and the bundle use", async () => {
    const root = await project("names", {
      ...PROJECT,
      "job.ts": `import { createRequire } from "node:module";
import common from "common-dep";
const require = createRequire(import.meta.url);
const __dirname = "mine";
const __filename = "too";
const api = 1, take = 2;
console.log(typeof require("node:fs").readFileSync, __dirname, __filename, api, take, common.join("z"));
`,
    });
    const bundle = await bundleJob({ entry: join(root, "job.ts"), apiNames: API_NAMES });
    expect(await evaluate(bundle)).toBe("function mine too 1 2 z,function,string\n");
  });

  test("packages that are links into a store, as pnpm makes them, find their own dependencies", async () => {
    const store = "node_modules/.pnpm/a@1/node_modules";
    const root = await project("linked", {
      "package.json": "{}",
      "job.ts": `import { a } from "a";\nconsole.log(a);\n`,
      [`${store}/a/package.json`]: '{"name":"a","type":"module","main":"a.js"}',
      [`${store}/a/a.js`]: `import { b } from "b";\nexport const a = b + 1;\n`,
      "node_modules/.pnpm/b@1/node_modules/b/package.json": '{"name":"b","type":"module","main":"b.js"}',
      "node_modules/.pnpm/b@1/node_modules/b/b.js": "export const b = 1;\n",
    });
    await symlink(join(root, store, "a"), join(root, "node_modules/a"));
    await symlink(join(root, "node_modules/.pnpm/b@1/node_modules/b"), join(root, store, "b"));
    const bundle = await bundleJob({ entry: join(root, "job.ts"), apiNames: API_NAMES });
    expect(await evaluate(bundle)).toBe("2\n");
  });

  test("CommonJS that requires the API", async () => {
    const root = await project("common", {
      "package.json": "{}",
      "job.cjs": `#!/usr/bin/env node
const { job } = require("bicoastal");
module.exports = job({ name: "common" });
console.log(module.exports.name, typeof require("node:fs").readFileSync);
`,
    });
    const bundle = await bundleJob({ entry: join(root, "job.cjs"), apiNames: API_NAMES });
    expect(await evaluate(bundle)).toBe("common function\n");
  });

  test("a file without a project around it", async () => {
    const root = await project("alone", { "job.js": "console.log(1 + 1);\n" });
    const bundle = await bundleJob({ entry: join(root, "job.js"), apiNames: API_NAMES });
    expect(await evaluate(bundle)).toBe("2\n");
  });
});

describe("the hash", () => {
  test("is the same from every checkout, through links too, and another for other code", async () => {
    const first = await bundleJob({
      entry: join(await project("one/deep/checkout", PROJECT), "src/job.ts"),
      apiNames: API_NAMES,
    });
    const second = await bundleJob({
      entry: join(await project("two", PROJECT), "src/job.ts"),
      apiNames: API_NAMES,
    });
    await symlink(join(room, "two"), join(room, "link"));
    const linked = await bundleJob({ entry: join(room, "link/src/job.ts"), apiNames: API_NAMES });
    expect(second.hash).toBe(first.hash);
    expect(linked.hash).toBe(first.hash);
    await writeFile(join(room, "two/src/config.json"), '{"top":8}');
    const changed = await bundleJob({ entry: join(room, "two/src/job.ts"), apiNames: API_NAMES });
    expect(changed.hash).not.toBe(first.hash);
  });

  test("does not change with the order of the API's names, and no path of this machine is in the code", async () => {
    const root = await project("mine", PROJECT);
    const entry = join(root, "src/job.ts");
    const bundle = await bundleJob({ entry, apiNames: API_NAMES });
    expect((await bundleJob({ entry, apiNames: [...API_NAMES].reverse() })).hash).toBe(bundle.hash);
    const text = new TextDecoder().decode(bundle.code);
    const map = Buffer.from(text.slice(text.lastIndexOf("base64,") + 7), "base64").toString();
    expect(text).not.toContain(room);
    expect(map).not.toContain(room);
  });
});

describe("stacks", () => {
  const throws = {
    "package.json": "{}",
    "src/job.ts": `interface Gone { a: string }
type Also = Gone;

function fails(): never {
  throw new Error("boom");
}
try { fails(); } catch (error) { console.log((error as Error).stack); }
`,
  };

  test("name the user's file, line and column where its root is known", async () => {
    const root = await project("mine", throws);
    const bundle = await bundleJob({ entry: join(root, "src/job.ts"), apiNames: API_NAMES });
    const printed = await evaluate(bundle, bundle.root);
    expect(printed).toContain(`${join(root, "src/job.ts")}:5:9`);
    expect(printed).toContain(`${join(root, "src/job.ts")}:7:7`);
  });

  test("name the file in its project where it is not", async () => {
    const root = await project("mine", throws);
    const bundle = await bundleJob({ entry: join(root, "src/job.ts"), apiNames: API_NAMES });
    expect(await evaluate(bundle)).toContain("/src/job.ts:5:9");
  });
});

describe("what does not bundle", () => {
  test.each([
    ["a syntax error", "const a = 1;\nconst = 2;\n", 2, 7, 'Expected identifier but found "="', ""],
    [
      "a missing package",
      `import pad from "left-pad/x.js";\npad();\n`,
      1,
      17,
      'Could not resolve "left-pad/x.js"',
      "npm install left-pad",
    ],
    [
      "a missing scoped package",
      `import "@a/b/c";\n`,
      1,
      8,
      'Could not resolve "@a/b/c"',
      "npm install @a/b",
    ],
    ["a missing file", `import "./none.ts";\n`, 1, 8, 'Could not resolve "./none.ts"', "check the path"],
    [
      "a name the API does not have",
      `import { jop } from "bicoastal";\nexport default jop;\n`,
      1,
      10,
      '"bicoastal" has no export "jop"',
      "It exports: job, read.",
    ],
    ["a path into the package", `import "bicoastal/dist/x.js";\n`, 1, 8, "is not there to import", ""],
    [
      "a native addon",
      `import "./addon.node";\n`,
      1,
      8,
      'No loader is configured for ".node" files',
      "plain JavaScript or WebAssembly",
    ],
    [
      "a kind of file nobody knows",
      `import "./a.xyz";\n`,
      1,
      8,
      'No loader is configured for ".xyz" files',
      "read other files as an input",
    ],
  ])("%s", async (_, source, line, column, text, next) => {
    const root = await project("bad", {
      "package.json": "{}",
      "job.ts": source,
      "addon.node": "",
      "a.xyz": "",
    });
    const entry = join(root, "job.ts");
    const error = await failure(entry);
    expect(error.message).toContain(`${entry}:${line}:${column}: `);
    expect(error.message).toContain(text);
    expect(error.message).toContain(next);
    expect(error.details).toEqual({ file: entry, line, column });
  });

  test("a file that is not there, and a directory", async () => {
    expect((await failure(join(room, "none.ts"))).message).toContain(
      `There is no file ${join(room, "none.ts")}`,
    );
    expect((await failure(room)).message).toContain(`${room} is not a file`);
  });

  test("many problems are shown in part, and counted", async () => {
    const source = Array.from({ length: 8 }, (_, i) => `import "./none${i}.ts";`).join("\n");
    const error = await failure(join(await project("bad", { "job.ts": source }), "job.ts"));
    expect(error.message).toContain("none4.ts");
    expect(error.message).not.toContain("none5.ts");
    expect(error.message).toContain("… and 3 more.");
  });
});

describe("bundle files", () => {
  test("are fetched where they are missing, evaluated once, and mended where they are torn", async () => {
    const root = await project("mine", {
      "job.js": `globalThis.evaluations = (globalThis.evaluations ?? 0) + 1;\nexport const a = 1;\n`,
    });
    const bundle = await bundleJob({ entry: join(root, "job.js"), apiNames: API_NAMES });
    const directory = join(room, "bundles");
    let fetched = 0;
    const files = createBundleFiles({
      directory,
      fetch: async () => {
        fetched++;
        return bundle.code;
      },
    });
    const counts = globalThis as { evaluations?: number };
    delete counts.evaluations;
    expect(await files.load(bundle.hash)).toMatchObject({ a: 1 });
    expect(await files.load(bundle.hash)).toMatchObject({ a: 1 });
    expect([fetched, counts.evaluations]).toEqual([1, 1]);
    await writeFile(join(directory, bundle.hash, "job.mjs"), "");
    await files.load(bundle.hash);
    expect(fetched).toBe(2);
    const moved = createBundleFiles({
      directory: join(room, "moved"),
      fetch: () => Promise.reject(new Error("no")),
    });
    await rename(directory, join(room, "moved"));
    expect(await moved.load(bundle.hash)).toMatchObject({ a: 1 });
  });

  test("a bundle whose bytes do not match its hash is refused", async () => {
    const root = await project("mine", { "job.js": "export {};\n" });
    const bundle = await bundleJob({ entry: join(root, "job.js"), apiNames: API_NAMES });
    const code = bundle.code.slice();
    code[10] = code[10]! ^ 1;
    const files = createBundleFiles({ directory: join(room, "bundles"), fetch: async () => code });
    await expect(files.load(bundle.hash)).rejects.toMatchObject({ code: "BLOB_CORRUPT", retryable: true });
  });
});
