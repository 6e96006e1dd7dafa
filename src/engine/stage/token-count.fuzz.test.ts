import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { expect, it, test } from "vitest";
import { createMsgpackCodec } from "../../adapters/codec/msgpack-codec.ts";
import { crc32, gzip } from "../../adapters/codec/zlib.ts";
import { Dataset } from "../../api/dataset.ts";
import type { End } from "../../api/end.ts";
import { toPlan } from "../../api/plan-of.ts";
import { read } from "../../api/read.ts";
import { cutStages } from "../../plan/cut-stages.ts";
import type { Plan, SourceFormat } from "../../plan/node.ts";
import { runPlan } from "../../sim/jobs/plan-run.ts";
import { MemoryInputs } from "../../sim/ports/memory-inputs.ts";
import { planSplits } from "../read/plan-splits.ts";
import { tokenClassOf } from "./token-class.ts";
import { wordStageOf } from "./word-count.ts";

const RUNS = [
  /[a-z0-9_]+/gi,
  /\w+/g,
  /\d+/,
  /[A-Z]+/g,
  /[!^-~x]+/g,
  /[ -/]+/g,
  /[\w.-]+/gi,
  /[K-k]+/gi,
  /[\]\\]+/g,
  /[a]+/gm,
];
const OTHERS = [
  /[^a]+/g,
  /[a-zé]+/g,
  /\S+/g,
  /[a-z]+/giu,
  /[a-z]*/g,
  /a+/g,
  /[a-z]+?/g,
  /[a-z]+\b/g,
  /[\s]+/g,
  /[a-z]+/gy,
  /[\n]+/g,
  /[\0]+/g,
  /[a-z]{2,}/g,
];

const ENDS: Readonly<Record<string, (tokens: Dataset<string>) => Dataset<unknown> | End<unknown>>> = {
  countBy: (tokens) => tokens.countBy({ partitions: 3 }),
  distinct: (tokens) => tokens.distinct({ partitions: 3 }),
  count: (tokens) => tokens.count(),
};

const source: SourceFormat = { format: "lines", paths: ["/in/*"], splitBytes: 100, recordBytesMax: 1 << 20 };
const lines = new Dataset<string>({ kind: "source", source });

async function run(plan: Plan, inputs: MemoryInputs) {
  const splits = await planSplits(source, inputs);
  const codec = createMsgpackCodec();
  const { collected, tasks } = await runPlan({ plan, splits: [splits], inputs, codec, crc32, gzip });
  return { rows: collected.result, tasks };
}

test.each(RUNS)("%s is a run of one class, of what the pattern matches", (pattern) => {
  const found = tokenClassOf(pattern);
  const one = new RegExp(pattern, pattern.flags.replace("g", ""));
  const codes = Array.from({ length: 0x10000 }, (_, code) => code);
  expect(codes.filter((code) => found?.members[code] === true)).toEqual(
    codes.filter((code) => one.test(String.fromCharCode(code))),
  );
});

test.each(OTHERS)("%s is none", (pattern) => {
  expect(tokenClassOf(pattern)).toBeUndefined();
});

const text = fc
  .array(
    fc.oneof(
      {
        weight: 6,
        arbitrary: fc.constantFrom(
          "a",
          "the",
          "_x1",
          "K9",
          "\u212a",
          "ſ",
          "é",
          "]\\",
          "--",
          "x.y-z",
          "ABC",
          "42",
        ),
      },
      { weight: 4, arbitrary: fc.constantFrom(" ", "\n", "\r\n", "\r", "\t", ",") },
      { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 6 }) },
      { weight: 1, arbitrary: fc.constantFrom("b".repeat(1025), "c1".repeat(512)) },
    ),
    { maxLength: 60 },
  )
  .map((parts) => Buffer.from(parts.join("")));

it("gives the same as the pattern does, whatever is asked of the tokens", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(text, { minLength: 1, maxLength: 3 }),
      fc.constantFrom(...RUNS, ...OTHERS),
      fc.constantFrom(...Object.keys(ENDS)),
      async (files, pattern, end) => {
        const inputs = new MemoryInputs();
        for (const [index, content] of files.entries()) inputs.write(`/in/${index}`, content);
        const tokens = lines.tokens(pattern);
        const fast = toPlan(ENDS[end]?.(tokens), "x");
        const plain = toPlan(ENDS[end]?.(tokens.filter(() => true)), "x");
        expect(wordStageOf(cutStages(fast).stages[0]!) !== undefined).toBe(RUNS.includes(pattern));
        const expected = await run(plain, inputs);
        const found = await run(fast, inputs);
        if (RUNS.includes(pattern) && files.every((file) => !/[^\0-\x7f]|\w{1025}/.test(file.toString()))) {
          if (!isDeepStrictEqual(found, expected)) expect(found).toEqual(expected);
        }
        expect(found.rows).toEqual(expected.rows);
        const global = new RegExp(pattern, `${pattern.flags.replace("g", "")}g`);
        const all = files.flatMap((file) => {
          const list = file
            .toString()
            .replace(/^\ufeff/, "")
            .split(/\r?\n/);
          if (list.at(-1) === "") list.pop();
          return list.flatMap((line) => line.match(global) ?? []);
        });
        if (end === "count") expect(found.rows).toEqual([all.length]);
        if (end === "distinct") expect(new Set(found.rows)).toEqual(new Set(all));
      },
    ),
    { numRuns: 300 },
  );
});

it("makes the same blocks of ASCII for words, too", async () => {
  const inputs = new MemoryInputs();
  inputs.write("/in/a", "The end.\nthe END, at last\n".repeat(40));
  for (const end of Object.values(ENDS)) {
    const fast = toPlan(end(lines.words()), "x");
    expect(wordStageOf(cutStages(fast).stages[0]!)).toBeDefined();
    expect(await run(fast, inputs)).toEqual(
      await run(toPlan(end(lines.words().filter(() => true)), "x"), inputs),
    );
  }
});

it("says what is no text, and is no pattern", async () => {
  expect(() => lines.tokens("a" as unknown as RegExp)).toThrow(
    'tokens: pattern is "a"; it must be a regular expression',
  );
  const numbers = toPlan((read.of([7]) as unknown as Dataset<string>).tokens(/a/g), "x");
  const splits = [[{ kind: "items", start: 0, end: 1 } as const]];
  const codec = createMsgpackCodec();
  await expect(runPlan({ plan: numbers, splits, codec, crc32, gzip })).rejects.toMatchObject({
    code: "USER_FUNCTION",
    message: expect.stringContaining("flatMap(tokens) failed: TypeError: the record is no text: it is 7"),
  });
});
