/**
 * Random jobs through the public operators, run by the engine under several budgets of memory, and held to a model of
 * plain arrays: the rows, their order and, where a row's partition is known, the files they are written to. And
 * whatever the budget, every byte that leaves a task is the same.
 */
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { expect, it } from "vitest";
import { lz4 } from "../../src/adapters/codec/lz4.ts";
import { createMsgpackCodec } from "../../src/adapters/codec/msgpack-codec.ts";
import { crc32, gzip } from "../../src/adapters/codec/zlib.ts";
import type { Dataset } from "../../src/api/dataset.ts";
import { job, type Output } from "../../src/api/job.ts";
import { read } from "../../src/api/read.ts";
import { planSplits } from "../../src/engine/read/plan-splits.ts";
import type { Plan } from "../../src/plan/node.ts";
import { layOutPlan } from "../../src/runtime/lay-out-plan.ts";
import { type PlanRun, runPlan } from "../../src/sim/jobs/plan-run.ts";
import { createMemoryInputs } from "../../src/sim/ports/memory-inputs.ts";
import { blurred, type Model, modelOf, rowsOf } from "./model.ts";
import { operators, type Step, step, type Twin } from "./steps.ts";
import { NASTY, show, value } from "./values.ts";

type Source =
  | { readonly kind: "of"; readonly values: readonly unknown[]; readonly partitions: number }
  | { readonly kind: "range"; readonly rows: number; readonly partitions: number }
  | {
      readonly kind: "lines" | "jsonl" | "csv";
      readonly texts: readonly string[];
      readonly splitBytes: number;
    };

type EndKind = "collect" | "count" | "reduce" | "aggregate" | "jsonl" | "csv" | "text" | "gzip";

interface End {
  readonly kind: EndKind;
  readonly input: number;
}

const texts = fc.array(
  fc.oneof(
    fc.string({ unit: "grapheme", maxLength: 30 }),
    fc.constantFrom("", "a", 'q"', ",", "😀".repeat(9)),
  ),
  { maxLength: 40 },
);

const source: fc.Arbitrary<Source> = fc.oneof(
  fc.record({
    kind: fc.constant("of" as const),
    values: fc.array(value, { maxLength: 60 }),
    partitions: fc.integer({ min: 1, max: 5 }),
  }),
  fc.record({
    kind: fc.constant("range" as const),
    rows: fc.nat({ max: 3000 }),
    partitions: fc.integer({ min: 1, max: 40 }),
  }),
  fc.record({
    kind: fc.constantFrom("lines" as const, "jsonl" as const, "csv" as const),
    texts,
    splitBytes: fc.integer({ min: 1, max: 300 }),
  }),
);

const end: fc.Arbitrary<End> = fc.record({
  kind: fc.constantFrom<EndKind[]>(
    "collect",
    "collect",
    "count",
    "reduce",
    "aggregate",
    "jsonl",
    "csv",
    "text",
    "gzip",
  ),
  input: fc.nat({ max: 3 }),
});

const inputs = createMemoryInputs();
let files = 0;

/** Parts of as equal size as can be, the larger ones first. */
function evenly(rows: readonly unknown[], partitions: number): Model {
  const parts: unknown[][] = [];
  let start = 0;
  for (let left = Math.min(partitions, rows.length); left > 0; left--) {
    const size = Math.ceil((rows.length - start) / left);
    parts.push(rows.slice(start, start + size));
    start += size;
  }
  return modelOf(parts);
}

async function sourceOf(from: Source): Promise<Twin> {
  if (from.kind === "of") {
    const { values, partitions } = from;
    return { data: read.of(values, { partitions }), model: evenly(values, partitions) };
  }
  if (from.kind === "range") {
    const { rows, partitions } = from;
    const numbers = Array.from({ length: rows }, (_, i) => i);
    return { data: read.range(rows, { partitions }), model: evenly(numbers, partitions) };
  }
  const path = `/in/${files++}`;
  const { data, content, rows } = textSource(from.kind, path, from.texts, from.splitBytes);
  inputs.write(path, content);
  const plan = job({ name: "source", module: import.meta.url, run: () => data }).build({});
  const parts = (await layOut(plan)).splits[0]?.length ?? 0;
  return { data, model: blurred(rows, parts) };
}

function textSource(
  kind: "lines" | "jsonl" | "csv",
  path: string,
  lines: readonly string[],
  splitBytes: number,
): { data: Dataset<unknown>; content: string; rows: readonly unknown[] } {
  const options = { splitBytes };
  if (kind === "lines") {
    const plain = lines.map((line) => line.replaceAll(/[\r\n]/g, " "));
    return {
      data: read.lines(path, options),
      content: plain.map((line) => `${line}\n`).join(""),
      rows: plain,
    };
  }
  if (kind === "jsonl") {
    const rows = lines.map((text, n) => (n % 2 === 0 ? { n, text } : [text, null]));
    return {
      data: read.jsonl(path, options),
      content: rows.map((row) => `${JSON.stringify(row)}\r\n`).join(""),
      rows,
    };
  }
  const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
  const content = `n,text\n${lines.map((text, n) => `${n},${quoted(text)}\n`).join("")}`;
  const rows = lines.map((text, n) => ({ n, text }));
  return { data: read.csv(path, { ...options, types: { n: "number" } }), content, rows };
}

async function layOut(plan: Plan) {
  const { joins, splits } = await layOutPlan(plan, (format) => planSplits(format, inputs));
  return { joins, splits };
}

/** The data sets after each step; steps take any of the last few. */
async function twinsOf(sources: readonly Source[], steps: readonly Step[]): Promise<readonly Twin[]> {
  const twins: Twin[] = [];
  for (const one of sources) twins.push(await sourceOf(one));
  for (const one of steps) {
    const input = back(twins, one.input);
    const made = operators[one.kind](input, one, back(twins, one.other));
    // The model is slow, and a product of products would never end.
    twins.push(rowsOf(made.model).length <= ROWS_MAX ? made : input);
  }
  return twins;
}

const ROWS_MAX = 4000;
const back = (twins: readonly Twin[], n: number): Twin => twins[Math.max(0, twins.length - 1 - n)] as Twin;

const record = (row: unknown) => ({ a: show(row), 'b "': show(row).length });

function outputOf(data: Dataset<unknown>, kind: EndKind, directory: string): Output {
  switch (kind) {
    case "collect":
      return data.collect();
    case "count":
      return data.count();
    case "reduce":
      return data.map((row) => show(row).slice(0, 40)).reduce((a, b) => a + b);
    case "aggregate":
      return data.aggregate({
        zero: () => "<",
        add: (text, row) => text + show(row).slice(0, 40),
        merge: (text, later) => text + later.slice(1),
        finish: (text) => `${text}>`,
      });
    case "csv":
      return data.map(record).write("csv", directory);
    case "text":
      return data.map((row) => show(row)).write("text", directory);
    default:
      return data.map(record).write("jsonl", directory, { gzip: kind === "gzip" });
  }
}

/** Sums of floating-point numbers, which no model foretells, but which must not hang on the budget. */
function floatSums(data: Dataset<unknown>): Dataset<unknown> {
  return data
    .map((row): readonly [number, number] => [show(row).length % 3, 1 / (1 + (show(row).length % 97))])
    .reduceByKey((a, b) => a + b);
}

const directoryOf = (index: number): string => `/out/${index}`;

function jobOf(twins: readonly Twin[], ends: readonly End[]): Plan {
  const outputs: Record<string, Output> = {};
  for (const [index, { kind, input }] of ends.entries()) {
    outputs[`end${index}`] = outputOf(back(twins, input).data, kind, directoryOf(index));
  }
  const { data } = twins.at(-1) as Twin;
  outputs.sums = floatSums(data);
  outputs.sample = data.sample(0.5);
  return job({ name: "random", module: import.meta.url, run: () => outputs }).build({});
}

/** Text of files, by part; a part without rows may have no file. */
function filesOf({ outputs }: PlanRun, index: number, kind: EndKind): readonly string[] {
  const directory = outputs.directories.get(directoryOf(index));
  return [...(directory?.files.values() ?? [])].map((bytes) =>
    Buffer.from(kind === "gzip" ? gunzipSync(bytes) : bytes).toString(),
  );
}

function verifyEnd(run: PlanRun, { kind, input }: End, index: number, twins: readonly Twin[]): void {
  const { model } = back(twins, input);
  const rows = rowsOf(model);
  const texts = rows.map(show);
  const got = run.collected[`end${index}`] ?? [];
  const pieces = texts.map((text) => text.slice(0, 40));
  switch (kind) {
    case "collect":
      return expect(got.map(show)).toEqual(texts);
    case "count":
      return expect(got).toEqual([rows.length]);
    case "reduce":
      return expect(got).toEqual([rows.length === 0 ? undefined : pieces.join("")]);
    case "aggregate":
      return expect(got).toEqual([`<${pieces.join("")}>`]);
    default:
      return verifyFiles(filesOf(run, index, kind), kind, model);
  }
}

function verifyFiles(written: readonly string[], kind: EndKind, model: Model): void {
  const full = written.filter((text) => text !== "");
  const expected = model.parts.map(({ rows }) => rows.map((row) => lineOf(row, kind)).join(""));
  const header = 'a,"b """\n';
  const bodies = kind === "csv" ? full.map((text) => text.slice(header.length)) : full;
  if (kind === "csv") for (const text of full) expect(text.slice(0, header.length)).toBe(header);
  if (model.exact) expect(bodies).toEqual(expected.filter((text) => text !== ""));
  else expect(bodies.join("")).toBe(expected.join(""));
}

function lineOf(row: unknown, kind: EndKind): string {
  const text = show(row);
  if (kind === "text") return `${text}\n`;
  if (kind !== "csv") return `${JSON.stringify(record(row))}\n`;
  return `${/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text},${text.length}\n`;
}

/** Everything that leaves the tasks: their blocks by checksum, rows, counters, files. */
function bytesOf(run: PlanRun, ends: number) {
  const directories = Array.from({ length: ends }, (_, index) =>
    [...(run.outputs.directories.get(directoryOf(index))?.files ?? [])].map(([name, bytes]) => [
      name,
      Buffer.from(bytes).toString("latin1"),
    ]),
  );
  return { tasks: run.tasks, directories, sums: run.collected.sums, sample: run.collected.sample?.map(show) };
}

const codecs = { codec: createMsgpackCodec(), crc32, gzip, lz4 };
const BUDGETS = [64 << 20, 64 << 10, 4 << 10];
const BUDGET_COMPRESSED = 64 << 10;
/** Every row is a run of its own. */
const BUDGET_SMALL_ROWS_MAX = 400;

async function verifyPlan(
  sources: readonly Source[],
  steps: readonly Step[],
  ends: readonly End[],
): Promise<void> {
  const twins = await twinsOf(sources, steps);
  const plan = jobOf(twins, ends);
  const { joins, splits } = await layOut(plan);
  const few = twins.every(({ model }) => rowsOf(model).length <= BUDGET_SMALL_ROWS_MAX);
  const bytesWith = async (memoryBytes: number, compressBlocks: boolean) => {
    const run = await runPlan({ plan, joins, splits, inputs, memoryBytes, compressBlocks, ...codecs });
    for (const [index, one] of ends.entries()) verifyEnd(run, one, index, twins);
    expect(run.scratches.every((scratch) => scratch.filesOpen === 0)).toBe(true);
    return bytesOf(run, ends.length);
  };
  let first: ReturnType<typeof bytesOf> | undefined;
  for (const memoryBytes of few ? [...BUDGETS, 1] : BUDGETS) {
    const bytes = await bytesWith(memoryBytes, false);
    first ??= bytes;
    expect(bytes).toEqual(first);
  }
  // Blocks are others where they are compressed, and nothing else is.
  expect({ ...(await bytesWith(BUDGET_COMPRESSED, true)), tasks: first?.tasks }).toEqual(first);
}

const RUNS = Number(process.env.RANDOM_PLANS ?? 120);

it("any job gives what arrays give, and the same bytes with any memory", async () => {
  const sources = fc.array(source, { minLength: 1, maxLength: 3 });
  const steps = fc.array(step, { maxLength: 7, size: "max" });
  const ends = fc.array(end, { minLength: 1, maxLength: 4, size: "max" });
  await fc.assert(fc.asyncProperty(sources, steps, ends, verifyPlan), {
    numRuns: RUNS,
    interruptAfterTimeLimit: 500_000,
  });
});

it("each operator by itself, over every nasty value", async () => {
  const values = [...NASTY, ...NASTY.slice(0, 30).reverse()];
  for (const kind of Object.keys(operators) as Step["kind"][]) {
    for (let n = 0; n <= 5; n++) {
      const one: Step = { kind, input: 0, other: 0, n, partitions: n % 4 };
      await verifyPlan([{ kind: "of", values, partitions: 3 }], [one], [{ kind: "collect", input: 0 }]);
    }
  }
});
