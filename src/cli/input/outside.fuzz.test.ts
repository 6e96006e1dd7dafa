/** What people write on command lines, in the environment, and in files of params and settings. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BicoastalError } from "../../base/errors.ts";
import { readConfigFile } from "./config-file.ts";
import { readParamsFile } from "./params-file.ts";
import { readBytes, readDurationMs, readWholeNumber, TIMEOUT_MS_MAX } from "./quantities.ts";

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "bicoastal-outside-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** The value; undefined for an error, which is USAGE and bearable to read. */
function tried<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    return refused(error);
  }
}

function refused(error: unknown): undefined {
  if (!(error instanceof BicoastalError) || error.code !== "USAGE") throw error;
  expect(error.message.length).toBeLessThan(2_000);
}

const quantity = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        "1",
        "0",
        "9007199254740993",
        "1e309",
        "-",
        "+",
        ".",
        "5",
        " ",
        "NaN",
        "Infinity",
        "0x1",
        "\0",
      ),
      fc.constantFrom("GB", "MiB", "k", "ms", "s", "min", "h", "__proto__", "constructor", "😀"),
      fc.string({ maxLength: 3 }),
    ),
    { maxLength: 4 },
  )
  .map((parts) => parts.join(""));

test("a quantity is within its bounds, or refused", () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(quantity, (text) => {
      const whole = tried(() => readWholeNumber("threads", text, { min: 1, max: 1_024 }));
      if (whole !== undefined) {
        seen.add("whole");
        expect(Number.isInteger(whole) && whole >= 1 && whole <= 1_024).toBe(true);
      }
      const bytes = tried(() => readBytes("memory", text));
      if (bytes !== undefined) {
        seen.add("bytes");
        expect(Number.isSafeInteger(bytes) && bytes > 0).toBe(true);
      }
      const ms = tried(() => readDurationMs("lease", text));
      if (ms !== undefined) {
        seen.add("ms");
        expect(Number.isInteger(ms) && ms >= 1 && ms <= TIMEOUT_MS_MAX).toBe(true);
      }
    }),
    { numRuns: 5_000 },
  );
  expect([...seen].sort()).toEqual(["bytes", "ms", "whole"]);
});

const config = { store: "etcd://a", threads: 2, memory: "1GB", tlsCa: "/ca" };
const nearly = fc.oneof(
  fc.tuple(fc.nat(60), fc.nat(9), fc.string({ maxLength: 5 })).map(([at, skip, more]) => {
    const text = JSON.stringify(config);
    return text.slice(0, at) + more + text.slice(at + skip);
  }),
  fc
    .dictionary(fc.constantFrom(...Object.keys(config), "__proto__", "toString", "x"), fc.jsonValue())
    .map((value) => JSON.stringify({ ...config, ...value })),
  fc.json(),
  fc.string(),
  fc.constant(`${"[".repeat(100_000)}`),
);
const whole = Buffer.from(JSON.stringify(config));
const fileBytes = fc.oneof(
  nearly.map((text) => Buffer.from(text)),
  fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes)),
);

test("a file of settings gives texts under keys that there are, or is refused", async () => {
  const seen = new Set<boolean>();
  await fc.assert(
    fc.asyncProperty(fileBytes, async (bytes) => {
      writeFileSync(join(directory, "bicoastal.config.json"), bytes);
      const settings = await readConfigFile(directory).catch(refused);
      seen.add(settings === undefined);
      for (const [key, value] of settings ?? []) {
        expect(key).toMatch(/^[a-zA-Z]+$/);
        expect(["__proto__", "toString"]).not.toContain(key);
        expect(typeof value).toBe("string");
      }
    }),
    { numRuns: 150, examples: [[whole]] },
  );
  expect(seen.size).toBe(2);
});

test("a file of params gives what JSON says, or is refused", async () => {
  const seen = new Set<boolean>();
  const path = join(directory, "params.json");
  await fc.assert(
    fc.asyncProperty(fileBytes, async (bytes) => {
      writeFileSync(path, bytes);
      const params = await readParamsFile(path).catch(refused);
      seen.add(params === undefined);
      if (params === undefined) return;
      expect(params).toEqual(JSON.parse(new TextDecoder().decode(bytes)));
      expect(Object.getPrototypeOf(params)).toBe(Object.prototype);
    }),
    { numRuns: 150, examples: [[whole]] },
  );
  expect(seen.size).toBe(2);
});
