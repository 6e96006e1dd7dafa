/** What lies beside bundles, and in them: notes of what was bundled before, and maps to the sources. */
import { mkdtemp, readdir, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type BundleCache, createBundleCache } from "./bundle-cache.ts";
import { type Bundle, bundleJob } from "./bundle-job.ts";
import { withSourceRoot } from "./source-map.ts";

let room: string;
let entry: string;
let note: string;
let cache: BundleCache;
let bundle: Bundle;
const asked: string[] = [];

beforeAll(async () => {
  room = await realpath(await mkdtemp(join(tmpdir(), "bicoastal-remembered-")));
  entry = join(room, "job.ts");
  await writeFile(join(room, "package.json"), '{"name":"mine","type":"module"}');
  await writeFile(entry, "export default 1;\n");
  const directory = join(room, ".cache");
  const fetch = async (hash: string) => {
    asked.push(hash);
    return hash === bundle.hash ? bundle.code : undefined;
  };
  cache = createBundleCache({ directory, apiNames: [], fetch });
  bundle = await bundleJob({ entry, apiNames: [] });
  await cache.keep(entry, bundle);
  note = join(directory, (await readdir(directory))[0]!);
});
afterAll(() => rm(room, { recursive: true, force: true }));

test("a note that is damaged gives the bundle of the sources, or none", async () => {
  expect(await cache.find(entry)).toEqual(bundle);
  const { hash, root, inputs, code } = bundle;
  const written = { hash, root, inputs, sources: "" };
  const value = fc.oneof(fc.jsonValue(), fc.constantFrom("..", "../../etc", "/", "a/b", [""], hash));
  const changed = fc.dictionary(fc.constantFrom("hash", "root", "inputs", "sources", "__proto__"), value);
  const text = fc.oneof(
    changed.map((fields) => JSON.stringify({ ...written, ...fields })),
    fc.jsonValue().map((any) => JSON.stringify(any)),
    fc.string({ unit: "binary" }),
  );
  await fc.assert(
    fc.asyncProperty(text, async (damaged) => {
      await writeFile(note, damaged);
      const found = await cache.find(entry);
      if (found !== undefined) expect(found.code).toBe(code);
    }),
    { numRuns: 300 },
  );
  await cache.keep(entry, bundle);
  expect(await cache.find(entry)).toEqual(bundle);
});

const MAP = "//# sourceMappingURL=data:application/json;base64,";

test("code with a map of any kind stays the code that it is", () => {
  const json = fc.oneof(
    fc.jsonValue().map((any) => JSON.stringify(any)),
    fc
      .record({
        sources: fc.oneof(fc.array(fc.oneof(fc.webUrl(), fc.string(), fc.integer())), fc.jsonValue()),
      })
      .map((any) => JSON.stringify(any)),
    fc.string({ unit: "binary" }),
  );
  fc.assert(
    fc.property(fc.string(), json, fc.boolean(), (code, map, isCut) => {
      const encoded = Buffer.from(map).toString("base64");
      const given = `${code}${MAP}${isCut ? encoded.slice(0, encoded.length >> 1) : encoded}\n`;
      const made = withSourceRoot(given, "/project");
      expect(made.slice(0, code.length + MAP.length)).toBe(`${code}${MAP}`);
      expect(made.split("\n")).toHaveLength(given.split("\n").length);
    }),
    { numRuns: 1_000 },
  );
  const sources = ["src/job.ts", "node:fs"];
  const made = withSourceRoot(
    `1;\n${MAP}${Buffer.from(JSON.stringify({ sources })).toString("base64")}\n`,
    "/project",
  );
  const map = JSON.parse(
    Buffer.from(made.slice(made.indexOf(MAP) + MAP.length), "base64").toString(),
  ) as object;
  expect(map).toEqual({ sources: ["file:///project/src/job.ts", "node:fs"] });
});
