import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { expect, it } from "vitest";
import { createMsgpackCodec } from "../../adapters/codec/msgpack-codec.ts";
import { crc32, gzip } from "../../adapters/codec/zlib.ts";
import { cutStages } from "../../plan/cut-stages.ts";
import { sourcesOf } from "../../plan/join-ways.ts";
import type { EndNode, Plan, PlanNode, SourceFormat, SourceNode, UserFunction } from "../../plan/node.ts";
import { type PlanRun, runPlan } from "../../sim/jobs/plan-run.ts";
import { MemoryInputs } from "../../sim/ports/memory-inputs.ts";
import { planSplits } from "../read/plan-splits.ts";
import { sortsLines, writesTexts } from "./line-sort.ts";

const source: SourceNode = {
  kind: "source",
  source: { format: "lines", paths: ["/in/*"], splitBytes: 64, recordBytesMax: 1 << 20 },
};
const sortOf = (input: PlanNode, descending: boolean): PlanNode => ({
  kind: "sort",
  input,
  by: "record",
  descending,
  partitions: 3,
});
const loop = (input: PlanNode): PlanNode => ({ kind: "filter", input, fn: () => true });
const collect = (input: PlanNode): EndNode => ({ kind: "collect", input, rowsMax: 1e9, single: false });
const write = (input: PlanNode): EndNode => ({
  kind: "write",
  input,
  format: "text",
  directory: "/out",
  overwrite: false,
  columns: undefined,
  gzip: false,
});
const planOf = (end: EndNode): Plan => ({ ends: [{ name: "result", end }], shape: "single" });

const part = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom("\n", "\n", "\r\n", "a", "b", "line", "\r", " ") },
  { weight: 1, arbitrary: fc.constantFrom("é", "日本", "\u{1f600}", "\uffff", "\u{feff}") },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 4 }) },
);
const file = fc.record({ parts: fc.array(part, { maxLength: 60 }), isGzip: fc.boolean() });

async function run(
  plan: Plan,
  files: readonly { parts: readonly (string | Uint8Array)[]; isGzip: boolean }[],
) {
  const inputs = new MemoryInputs();
  files.forEach(({ parts, isGzip }, index) => {
    const content = Buffer.concat(parts.map((each) => (typeof each === "string" ? Buffer.from(each) : each)));
    inputs.write(`/in/${index}${isGzip ? ".gz" : ".txt"}`, isGzip ? gzipSync(content) : content);
  });
  const splits =
    files.length === 0 ? [] : await planSplits((sourcesOf(plan)[0] as SourceNode).source, inputs);
  return runPlan({ plan, splits: [splits], inputs, codec: createMsgpackCodec(), crc32, gzip });
}

/** Of all files written, in the order of their partitions. */
function textOf({ outputs }: PlanRun): string {
  const files = outputs.directories.get("/out")?.files ?? new Map<string, Uint8Array>();
  return [...files.keys()]
    .sort()
    .map((name) => Buffer.from(files.get(name)!).toString())
    .join("");
}

it("sorts bytes as it sorts the strings of the lines, and writes the same text", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(file, { maxLength: 3 }), fc.boolean(), async (files, descending) => {
      const bytes = planOf(write(sortOf(source, descending)));
      const strings = planOf(write(loop(sortOf(loop(source), descending))));
      const rows = planOf(collect(sortOf(source, descending)));
      const [fast, slow, collected] = [
        await run(bytes, files),
        await run(strings, files),
        await run(rows, files),
      ];
      const lines = (collected.collected.result as string[]).map((line) => `${line}\n`);
      expect(textOf(fast)).toBe(textOf(slow));
      expect(textOf(fast)).toBe(Buffer.from(lines.join("")).toString());
      expect(fast.tasks.map((tasks) => tasks.map(({ rowsIn, sinkRows }) => [rowsIn, sinkRows]))).toEqual(
        slow.tasks.map((tasks) => tasks.map(({ rowsIn, sinkRows }) => [rowsIn, sinkRows])),
      );
      const sorted = [...(collected.collected.result as string[])].sort();
      expect(collected.collected.result).toEqual(descending ? sorted.reverse() : sorted);
    }),
    { numRuns: 150 },
  );
});

it("sorts lines by keys of a function as it sorts their strings", async () => {
  const keys = fc.constantFrom<UserFunction[]>(
    (line: string) => line.slice(0, 2),
    (line: string) => line.slice(1),
    (line: string) => line.length,
    (line: string) => (line.length === 3 ? line.length : line),
    (line: string) => (line === "b" ? [line] : `${line.length}é`),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(file, { maxLength: 3 }),
      keys,
      fc.oneof(fc.boolean(), fc.constant([true])),
      async (files, by, descending) => {
        const sorted = (input: PlanNode): PlanNode => ({
          kind: "sort",
          input,
          by,
          descending,
          partitions: 3,
        });
        const [bytes, strings] = [
          await run(planOf(collect(sorted(source))), files),
          await run(planOf(collect(sorted(loop(source)))), files),
        ];
        expect(bytes.collected.result).toEqual(strings.collected.result);
      },
    ),
    { numRuns: 150 },
  );
});

it("ends a run where a piece ends, and takes lines as strings from a key on that is no text", async () => {
  const count = 600_000;
  const lines = Array.from({ length: count }, (_, i) => String((i * 7919) % count));
  const files = [{ parts: [lines.join("\n")], isGzip: false }];
  const whole: SourceNode = {
    kind: "source",
    source: { ...source.source, splitBytes: 1 << 26 } as SourceFormat,
  };
  const plan = (by: UserFunction): Plan =>
    planOf(collect({ kind: "sort", input: whole, by, descending: false, partitions: 2 }));
  const texts = await run(
    plan((line: string) => line),
    files,
  );
  expect(texts.collected.result).toEqual([...lines].sort());
  const byKind = (line: string): string | number => (line === "424242" ? 0 : line);
  const mixed = await run(plan(byKind), files);
  expect(mixed.collected.result).toEqual(["424242", ...lines.filter((line) => line !== "424242").sort()]);
});

it("knows the stages that go from bytes to bytes, and no others", () => {
  const stages = (plan: Plan) =>
    cutStages(plan).stages.map((stage) => [sortsLines(stage), writesTexts(stage)]);
  expect(stages(planOf(write(sortOf(source, false))))).toEqual([
    [true, false],
    [false, true],
  ]);
  expect(stages(planOf(write(loop(sortOf(loop(source), false)))))).toEqual([
    [false, false],
    [false, false],
  ]);
  const collated: PlanNode = {
    kind: "sort",
    input: source,
    by: "record",
    descending: false,
    collation: { locale: "de", numeric: false, sensitivity: "variant" },
    partitions: 1,
  };
  expect(stages(planOf(write(collated)))[0]).toEqual([false, false]);
});
