import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { SourceFormat } from "../../plan/node.ts";
import { readSource } from "../../sim/ports/memory-inputs-reader.ts";
import { createFileInputs } from "../fs/inputs.ts";
import { createS3Inputs } from "./inputs.ts";
import { S3Reader } from "./inputs-reader.ts";
import { MemoryObjects } from "./memory-objects.ts";

const piece = fc.constantFrom(
  "\n",
  "\r\n",
  "a",
  "bc,d",
  '{"n":1}\n',
  '"q\n"',
  "é",
  "😀\n",
  "x".repeat(400),
  "",
);
/** Repeated, so that some are larger than a window of the reader. */
const content = fc
  .tuple(fc.array(piece, { maxLength: 30 }), fc.constantFrom(1, 1, 1, 3, 4000))
  .map(([pieces, times]) => Buffer.from(`${pieces.join("")}\n`.repeat(times)).subarray(0, 600_000));
const segment = fc.constantFrom("a", "b", "c1", "c2", ".h", "[x]", "é", "a b", "x.log", "y.log.gz");
const path = fc.array(segment, { minLength: 1, maxLength: 3 }).map((segments) => segments.join("/"));
const pattern = fc.constantFrom(
  "",
  "*",
  "**",
  "**/*.log",
  "a",
  "a/*",
  "{a,b}/**",
  "c?",
  "c[1]",
  "[x]",
  "nowhere",
  "*/*.gz",
);

const isWithin = (inner: string, outer: string): boolean => `${inner}/`.startsWith(`${outer}/`);
/** A file system has no file and directory of one name. */
const files = fc
  .array(fc.tuple(path, content), { minLength: 1, maxLength: 6 })
  .map((all) =>
    all.filter(([name], index) =>
      all.slice(0, index).every(([other]) => !isWithin(name, other) && !isWithin(other, name)),
    ),
  );

const bytesOf = (name: string, bytes: Buffer): Uint8Array => (name.endsWith(".gz") ? gzipSync(bytes) : bytes);

test("objects give the rows of the same files, whatever they are called and wherever they are cut", async () => {
  await fc.assert(
    fc.asyncProperty(
      files,
      pattern,
      fc.constantFrom("lines", "files"),
      fc.integer({ min: 40_000, max: 700_000 }),
      async (all, wanted, format, splitBytes) => {
        const directory = mkdtempSync(join(tmpdir(), "bicoastal-s3-"));
        try {
          const objects = new MemoryObjects();
          for (const [name, bytes] of all) {
            mkdirSync(dirname(join(directory, name)), { recursive: true });
            writeFileSync(join(directory, name), bytesOf(name, bytes));
            objects.put(`in/${name}`, bytesOf(name, bytes));
          }
          const rowsOf = async (inputs: ReturnType<typeof createFileInputs>, root: string) => {
            const common = { paths: [`${root}/${wanted}`], splitBytes, recordBytesMax: 1 << 22 };
            const source = format === "files" ? { format, as: "text", ...common } : { format, ...common };
            try {
              const read = await readSource(source as SourceFormat, inputs);
              return read
                .flatMap(({ rows }) => rows)
                .map((row) =>
                  typeof row === "object"
                    ? { ...row, path: (row as { path: string }).path.slice(root.length) }
                    : row,
                );
            } catch (error) {
              return (error as { code: string }).code;
            }
          };
          const local = await rowsOf(createFileInputs(), directory);
          expect(
            await rowsOf(
              createS3Inputs(async () => objects),
              "s3://b/in",
            ),
          ).toEqual(local);
        } finally {
          rmSync(directory, { recursive: true });
        }
      },
    ),
    { numRuns: 40 },
  );
});

test("a reader gives the bytes of any range, in any order, whatever it reads ahead", async () => {
  const bytes = Buffer.from(Uint8Array.from({ length: 2_000_000 }, (_, index) => (index * 31) % 251));
  const objects = new MemoryObjects();
  objects.put("k", bytes);
  const [file] = await createS3Inputs(async () => objects).list(["s3://b/k"]);
  const range = fc.tuple(fc.nat(2_100_000), fc.constantFrom(0, 1, 100, 65_536, 300_000, 1_500_000));
  const end = fc.option(fc.nat(2_000_000), { nil: undefined });
  await fc.assert(
    fc.asyncProperty(
      fc.array(range, { maxLength: 8 }),
      fc.boolean(),
      end,
      async (ranges, sequential, until) => {
        const reader = await S3Reader.open(objects, file!, { end: until });
        let position = 0;
        for (const [start, length] of ranges) {
          const at = sequential ? position : start;
          const target = new Uint8Array(length);
          const got = await reader.readAt(at, target);
          expect(Buffer.compare(target.subarray(0, got), bytes.subarray(at, at + length))).toBe(0);
          position = at + got;
        }
        reader.close();
      },
    ),
    { numRuns: 60 },
  );
});

test("parts that no manifest names are never read, and what is named is read whole", async () => {
  const objects = new MemoryObjects();
  const inputs = createS3Inputs(async () => objects);
  const list = async (...patterns: string[]) =>
    inputs.list(patterns).then(
      (found) => found.map(({ path }) => path.slice("s3://b/out/".length)),
      (error) => error.code,
    );
  const [kept, stray] = [
    "bicoastal-job.0.s0.p00000.e1.a0.k0.txt",
    "bicoastal-other.0.s0.p00000.e1.a0.k0.txt",
  ];
  objects.put(`out/${kept}`, Buffer.from("kept"));
  objects.put(`out/${stray}`, Buffer.from("stray"));
  for (const pattern of ["s3://b/out", "s3://b/out/*.txt", "s3://b/**"])
    expect(await list(pattern)).toBe("INPUT_NOT_FOUND");
  expect(await list(`s3://b/out/${stray}`)).toEqual([stray]);
  const manifest = {
    version: 1,
    job: "job",
    endIndex: 0,
    files: [{ name: kept, part: "part-00000.txt", bytes: 4 }],
  };
  objects.put("out/_bicoastal.json", Buffer.from(JSON.stringify(manifest)));
  for (const pattern of ["s3://b/out", "s3://b/out/*.txt", "s3://b/out/bicoastal-*", "s3://b/**"])
    expect(await list(pattern)).toEqual([kept]);
  objects.kept.delete(`out/${kept}`);
  expect(await list("s3://b/out")).toBe("INPUT_UNREADABLE");
});
