/** Manifests, receipts and URLs that are not what was written. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { jobId } from "../../base/ids.ts";
import { type Manifest, manifestOf, manifestText, readManifest } from "./manifest.ts";
import { type Objects, ObjectsError } from "./objects.ts";
import { outputNamesOf, parseReceipt, receiptText } from "./output-names.ts";
import { directoryUrl, parseS3Url } from "./url.ts";

const TARGET = { job: jobId("job-1"), endIndex: 0, directory: "s3://b/out", overwrite: true };
const FILES = [
  { staged: "s1.p0.e1.a0.jsonl", name: "part-00000.jsonl", bytes: 3 },
  { staged: "s1.p1.e1.a0.jsonl", name: "part-00001.jsonl", bytes: 0 },
];
const FIRST = manifestOf(TARGET, (staged) => staged, FILES, undefined);
const SECOND = manifestOf({ ...TARGET, job: jobId("job-2") }, (staged) => staged, FILES, FIRST);

const read = async (text: string): Promise<Manifest | "none"> => {
  const objects = { readText: async () => ({ text, etag: "1" }) } as Partial<Objects> as Objects;
  try {
    return (await readManifest(objects, { bucket: "b", key: "k" }))!.manifest;
  } catch (error) {
    if (!(error instanceof ObjectsError)) throw error;
    return "none";
  }
};

const cutOrChanged = (whole: string) =>
  fc
    .tuple(fc.nat(whole.length), fc.nat(12), fc.string({ maxLength: 6 }))
    .map(([at, length, more]) => whole.slice(0, at) + more + whole.slice(at + length));

const isName = (name: unknown): boolean => typeof name === "string" && name !== "" && !name.includes("/");

test("a manifest that was read names files beside it and nothing else, or is none", async () => {
  const seen = new Set<boolean>();
  const texts = fc.oneof(
    cutOrChanged(manifestText(SECOND)),
    cutOrChanged(manifestText(FIRST)),
    fc.json(),
    fc.string(),
    fc.jsonValue().map((value) => JSON.stringify({ ...SECOND, files: [value] })),
    fc.jsonValue().map((value) => JSON.stringify({ ...SECOND, replaced: value })),
  );
  await fc.assert(
    fc.asyncProperty(texts, async (text) => {
      const manifest = await read(text);
      seen.add(manifest === "none");
      if (manifest === "none") return;
      expect(typeof manifest.job === "string" && Number.isSafeInteger(manifest.endIndex)).toBe(true);
      for (const { name, part, bytes } of manifest.files)
        expect(isName(name) && typeof part === "string" && Number.isSafeInteger(bytes) && bytes >= 0).toBe(
          true,
        );
      for (const name of manifest.replaced?.names ?? []) expect(isName(name)).toBe(true);
    }),
    { numRuns: 3_000 },
  );
  expect(seen.size).toBe(2);
});

test("what was written is read again", async () => {
  expect(await read(manifestText(FIRST))).toEqual(FIRST);
  expect(await read(manifestText(SECOND))).toEqual(SECOND);
});

test("a receipt comes back, whatever the upload is called", () => {
  const etag = fc.string({ unit: "grapheme", minLength: 1 }).filter((text) => !text.includes('"'));
  const receipt = fc.record({
    upload: fc.string({ unit: "grapheme", minLength: 1 }),
    etags: fc.array(
      etag.map((text) => `"${text}"`),
      { minLength: 1, maxLength: 4 },
    ),
    bytes: fc.nat(),
    staged: fc.constantFrom("s1.p0.e1.a0.jsonl", "x"),
  });
  fc.assert(
    fc.property(receipt, (written) => {
      expect(parseReceipt(receiptText(written))).toEqual(written);
    }),
  );
});

test("of any text there is a receipt or none", () => {
  const whole = receiptText({ upload: "a/b c", etags: ['"1"', '"2"'], bytes: 7, staged: "s0.p0.e1.a0.csv" });
  fc.assert(
    fc.property(
      fc.oneof(cutOrChanged(whole), fc.string(), fc.constantFrom("%/a/1/f", "u/%zz/1/f")),
      (text) => {
        const receipt = parseReceipt(text);
        if (receipt === undefined) return;
        expect(receipt.upload).not.toBe("");
        expect(Number.isSafeInteger(receipt.bytes)).toBe(true);
        expect(receipt.staged).not.toContain("/");
      },
    ),
    { numRuns: 3_000 },
  );
});

test("an address never leaves its bucket, and naming a directory twice changes nothing", () => {
  const segment = fc.oneof(
    fc.constantFrom(".", "..", "", "a", "b.c", "%2e%2e", "é"),
    fc.string({ maxLength: 4 }),
  );
  fc.assert(
    fc.property(fc.array(segment, { maxLength: 8 }), (segments) => {
      const text = segments.filter((part) => !part.includes("/")).join("/");
      const { bucket, key } = parseS3Url(`s3://bucket/${text}`);
      expect(bucket).toBe("bucket");
      expect(key.split("/").some((part) => part === ".." || part === ".")).toBe(false);
      const directory = directoryUrl(`s3://bucket/${text}`);
      expect(directoryUrl(directory)).toBe(directory);
      const { prefix, manifest } = outputNamesOf({ ...TARGET, directory });
      expect(manifest.key.startsWith(prefix)).toBe(true);
    }),
    { numRuns: 2_000 },
  );
});
