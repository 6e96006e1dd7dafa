import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { expect, it } from "vitest";
import { createMsgpackCodec } from "../../adapters/codec/msgpack-codec.ts";
import { crc32, gzip } from "../../adapters/codec/zlib.ts";
import { cutStages } from "../../plan/cut-stages.ts";
import type { AggregateNode, Plan, PlanNode, SourceNode } from "../../plan/node.ts";
import type { SourceSplit } from "../../plan/task.ts";
import { runPlan } from "../../sim/jobs/plan-run.ts";
import { MemoryInputs } from "../../sim/ports/memory-inputs.ts";
import { wordsOf } from "../kernel/words-of.ts";
import { openSource } from "../read/open-source.ts";
import { planSplits } from "../read/plan-splits.ts";
import type { Piece } from "../read/record-feed.ts";
import { wordStageOf } from "./word-count.ts";

const source: SourceNode = {
  kind: "source",
  source: { format: "lines", paths: ["/in/*"], splitBytes: 64, recordBytesMax: 1 << 20 },
};
const countOf = (input: PlanNode): AggregateNode => ({
  kind: "aggregate",
  input,
  key: "record",
  aggregator: "count",
  emit: "pair",
  empty: undefined,
  partitions: 3,
});
function planOf(input: PlanNode): Plan {
  const end = { kind: "collect", input: countOf(input), rowsMax: 1e9, single: false } as const;
  return { ends: [{ name: "result", end }], shape: "single" };
}
const words: PlanNode = { kind: "words", input: source };
/** Over bytes. */
const fast = planOf(words);
/** The same through the generated loop. */
const plain = planOf({ kind: "filter", input: words, fn: () => true });

const word = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom("a", "The", "the", "x1", "count", "an-other", "internationalisation"),
  },
  { weight: 1, arbitrary: fc.string({ unit: "binary-ascii", maxLength: 40 }) },
);
const foreign = fc.oneof(
  fc.constantFrom("Größe", "ΣΑΣ", "“quoted”", "日本", "é".repeat(700), "\u{FEFF}", "\u{212A}elvin"),
  fc.string({ unit: "binary", maxLength: 5 }),
);
const lines = (words: fc.Arbitrary<string>) =>
  fc
    .array(fc.tuple(words, fc.constantFrom(" ", "\n", "\r\n", ", ", "_", "\r")), { maxLength: 60 })
    .map((parts) => parts.flat().join(""));
const ascii = lines(word).map((text) => Buffer.from(text));
const mixed = fc.oneof(
  lines(fc.oneof({ weight: 4, arbitrary: word }, { weight: 1, arbitrary: foreign })).map((text) =>
    Buffer.from(text),
  ),
  lines(word).map((text) => Buffer.from(`\u{FEFF}${text}`)),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
);
const file = (content: fc.Arbitrary<Buffer>) => fc.record({ content, isGzip: fc.boolean() });

async function inputsOf(files: readonly { content: Buffer; isGzip: boolean }[]) {
  const inputs = new MemoryInputs();
  files.forEach(({ content, isGzip }, index) => {
    inputs.write(`/in/${index}${isGzip ? ".gz" : ".txt"}`, isGzip ? gzipSync(content) : content);
  });
  const splits = files.length === 0 ? [] : await planSplits(source.source, inputs);
  return { inputs, splits };
}

async function run(plan: Plan, inputs: MemoryInputs, splits: readonly SourceSplit[]) {
  const progress: unknown[] = [];
  const control = { progress: (rows: number, bytes: number) => void progress.push([rows, bytes]) };
  const codec = createMsgpackCodec();
  const { collected, tasks } = await runPlan({ plan, splits: [splits], inputs, codec, crc32, gzip, control });
  return { rows: collected.result, tasks, progress };
}

/** What says how a task went, without the block it made. */
const figuresOf = (tasks: Awaited<ReturnType<typeof run>>["tasks"]) =>
  tasks.map((stage) => stage.map(({ rowsIn, bytesIn, sinkRows }) => ({ rowsIn, bytesIn, sinkRows })));

it("takes the fast path where it may, and only there", () => {
  const first = (plan: Plan) => cutStages(plan).stages[0]!;
  expect(wordStageOf(first(fast))).toBeDefined();
  expect(wordStageOf(first(plain))).toBeUndefined();
  expect(wordStageOf(cutStages(fast).stages[1]!)).toBeUndefined();
  const byFirst = { ...countOf(words), key: (word: string) => word[0] };
  const collect = { kind: "collect", input: byFirst, rowsMax: 9, single: false } as const;
  expect(wordStageOf(first({ ends: [{ name: "x", end: collect }], shape: "single" }))).toBeUndefined();
  const twice: Plan = { ...fast, ends: [...fast.ends, { name: "all", end: { ...collect, input: words } }] };
  expect(wordStageOf(first(twice))).toBeUndefined();
  const jsonl: SourceNode = {
    kind: "source",
    source: { ...source.source, format: "jsonl" } as SourceNode["source"],
  };
  expect(wordStageOf(first(planOf({ kind: "words", input: jsonl })))).toBeUndefined();
});

it("makes the same blocks of ASCII files as the generated loop, to the last byte", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(file(ascii), { minLength: 1, maxLength: 3 }), async (files) => {
      const { inputs, splits } = await inputsOf(files);
      const expected = await run(plain, inputs, splits);
      expect(await run(fast, inputs, splits)).toEqual(expected);
    }),
  );
});

it("makes the same blocks where tables fill up and frames are cut, by rows and by bytes", async () => {
  const numbers = Array.from({ length: 150_000 }, (_, i) => `${(i * 7919) % 140_000}\n`).join("");
  const long = Array.from({ length: 20_000 }, (_, i) => `${"Long".repeat(200 + (i % 3))}${i} x\n`).join("");
  for (const text of [numbers, long]) {
    const content = Buffer.from(text);
    const { inputs, splits } = await inputsOf([{ content, isGzip: true }]);
    const expected = await run(plain, inputs, splits);
    expect(await run(fast, inputs, splits)).toEqual(expected);
  }
});

it("gives the same rows in the same order of any files, and says the same of its work", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(file(fc.oneof(ascii, mixed)), { minLength: 1, maxLength: 4 }),
      async (files) => {
        const { inputs, splits } = await inputsOf(files);
        const expected = await run(plain, inputs, splits);
        const found = await run(fast, inputs, splits);
        expect(found.rows).toEqual(expected.rows);
        expect(figuresOf(found.tasks.slice(0, 1))).toEqual(figuresOf(expected.tasks.slice(0, 1)));
        const total = new Map<string, number>();
        for (const { content } of files)
          for (const each of content.toString().split("\n").flatMap(wordsOf))
            total.set(each, (total.get(each) ?? 0) + 1);
        expect(new Map(found.rows as [string, number][])).toEqual(total);
      },
    ),
    { numRuns: 200 },
  );
});

it("shares a task among small files, and says where a line is too long", async () => {
  const { inputs, splits } = await inputsOf([
    { content: Buffer.from("a b\nc"), isGzip: false },
    { content: Buffer.from("\u{FEFF}\n"), isGzip: false },
    { content: Buffer.from("B é\n"), isGzip: true },
  ]);
  const together: SourceSplit = {
    kind: "files",
    files: splits.flatMap((split) =>
      split.kind === "files" ? split.files : split.kind === "bytes" ? [split.file] : [],
    ),
  };
  const { rows, tasks } = await run(fast, inputs, [together]);
  expect([...(rows as [string, number][])].sort()).toEqual([
    ["a", 1],
    ["b", 2],
    ["c", 1],
    ["é", 1],
  ]);
  expect(tasks[0]?.[0]).toMatchObject({ rowsIn: 4, sinkRows: [5] });

  const short = { ...source, source: { ...source.source, recordBytesMax: 5 } as SourceNode["source"] };
  inputs.write("/in/long", "fine\nmuch too long\n");
  const all = await planSplits(short.source, inputs);
  await expect(run(planOf({ kind: "words", input: short }), inputs, all)).rejects.toMatchObject({
    code: "RECORD_TOO_LONG",
    details: { file: "/in/long", line: 2 },
  });
});

it("gives every line once as bytes, whatever the chunks and the splits", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(ascii, mixed),
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 60 }),
      async (content, chunkBytes, splitBytes) => {
        fc.pre(content.length > 0);
        const inputs = new MemoryInputs();
        inputs.write("/in/a", content);
        const cut = { ...source.source, splitBytes } as SourceNode["source"];
        const pieces: Buffer[] = [];
        for (const split of await planSplits(cut, inputs)) {
          const taker = {
            take: ({ bytes, start, end }: Piece) => pieces.push(Buffer.from(bytes.subarray(start, end))),
          };
          const input = await openSource(cut, split, inputs, { chunkBytes, taker });
          for (let batch = await input.next(); batch !== undefined; batch = await input.next()) {
            expect(batch).toMatchObject({ count: 0, taken: pieces.length });
          }
          input.close();
        }
        expect(Buffer.concat(pieces)).toEqual(content);
        for (const piece of pieces.slice(0, -1)) expect(piece.at(-1)).toBe(10);
      },
    ),
  );
});
