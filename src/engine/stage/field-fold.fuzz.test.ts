import { isDeepStrictEqual } from "node:util";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { createMsgpackCodec } from "../../adapters/codec/msgpack-codec.ts";
import { crc32, gzip } from "../../adapters/codec/zlib.ts";
import { Dataset } from "../../api/dataset.ts";
import { toPlan } from "../../api/plan-of.ts";
import { read } from "../../api/read.ts";
import { cutStages } from "../../plan/cut-stages.ts";
import type { CsvOptions, FieldTypes, Plan, SourceFormat, SourceNode } from "../../plan/node.ts";
import { runPlan } from "../../sim/jobs/plan-run.ts";
import { MemoryInputs } from "../../sim/ports/memory-inputs.ts";
import { planSplits } from "../read/plan-splits.ts";
import { foldPlanOf } from "./field-fold.ts";

interface Sale {
  readonly city: string | null;
  readonly amount: number | null;
}

/** Every operation that there is a way over bytes for. */
const OPERATIONS = {
  count: (sales: Dataset<Sale>) => sales.countBy("city", { partitions: 3 }),
  sum: (sales: Dataset<Sale>) => sales.keyBy("city").sumBy("amount", { partitions: 3 }),
  min: (sales: Dataset<Sale>) => sales.keyBy("city").minBy("amount", { partitions: 3 }),
  max: (sales: Dataset<Sale>) => sales.keyBy("city").maxBy("amount", { partitions: 3 }),
  avg: (sales: Dataset<Sale>) => sales.keyBy("city").avgBy("amount", { partitions: 3 }),
} as const;
const operation = fc.constantFrom(...(Object.keys(OPERATIONS) as (keyof typeof OPERATIONS)[]));

function plansOf(source: SourceFormat, name: keyof typeof OPERATIONS): { fast: Plan; plain: Plan } {
  const node: SourceNode = { kind: "source", source };
  const records = new Dataset<Sale>(node);
  // Whatever stands between the source and the aggregation leads through the generated loop.
  const loop = records.filter(() => true);
  return { fast: toPlan(OPERATIONS[name](records), "x"), plain: toPlan(OPERATIONS[name](loop), "x") };
}

const shared = { paths: ["/in/*"], recordBytesMax: 1 << 20 };
const csvSource = (fields: FieldTypes, csv: Partial<CsvOptions> = {}, splitBytes = 200): SourceFormat => ({
  format: "csv",
  csv: { header: true, delimiter: ",", quote: '"', types: {}, fields, ...csv },
  splitBytes,
  ...shared,
});
const jsonSource = (fields: FieldTypes, splitBytes = 200): SourceFormat => ({
  format: "jsonl",
  fields,
  splitBytes,
  ...shared,
});

async function outcomeOf(plan: Plan, inputs: MemoryInputs, source: SourceFormat) {
  try {
    const splits = await planSplits(source, inputs);
    const codec = createMsgpackCodec();
    const { collected, tasks } = await runPlan({ plan, splits: [splits], inputs, codec, crc32, gzip });
    return { rows: collected.result, tasks };
  } catch (error) {
    const { code, message, details } = error as { code: string; message: string; details: object };
    return { code, message, details };
  }
}

/** The same rows from the same blocks, or the same error. */
async function expectEqual(
  files: readonly Buffer[],
  source: SourceFormat,
  name: keyof typeof OPERATIONS,
  isGzip = false,
) {
  const inputs = new MemoryInputs();
  for (const [index, content] of files.entries()) {
    inputs.write(`/in/${index}${isGzip ? ".gz" : ".txt"}`, isGzip ? gzipSync(content) : content);
  }
  const { fast, plain } = plansOf(source, name);
  expect(foldPlanOf(cutStages(fast).stages[0]!)).toBeDefined();
  expect(foldPlanOf(cutStages(plain).stages[0]!)).toBeUndefined();
  const expected = await outcomeOf(plain, inputs, source);
  const found = await outcomeOf(fast, inputs, source);
  // Which is slow, but says what differs.
  if (!isDeepStrictEqual(found, expected)) expect(found).toEqual(expected);
  expect(isDeepStrictEqual(found, expected)).toBe(true);
  return expected;
}

const numberText = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -99, max: 99_999 }).map(String) },
  { weight: 4, arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true }).map(String) },
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 1e9 }).map((n) => (n / 1e6).toFixed(6)) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      ...["-0", "0", "0.1", "9007199254740993", "9007199254740992", "123456789012345678901234567890", "1e3"],
      ...["0.30000000000000004", "-1.5E-7", "1.7976931348623157e308", "00012", "0.000000000000000000000001"],
      ...["99999999999999999999.5", "18446744073709551616", "0.1234567890123456789", "4.35", "1e-400"],
    ),
  },
);
const strange = fc.oneof(
  fc.constantFrom(
    "",
    " ",
    "+5",
    "5.",
    ".5",
    "-",
    ".",
    "1e999",
    "0x10",
    "NaN",
    "1,5",
    "null",
    "12a",
    "--1",
    "1.2.3",
  ),
  fc.string({ unit: "binary", maxLength: 4 }),
);
const keyText = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom("Rome", "Oslo", "a", "New York", "sixteen letters.", "seventeen letters"),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      "Zürich",
      "東京",
      "Ōsaka and its surroundings",
      "",
      "\u{1f3d9}",
      "é".repeat(20),
    ),
  },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 20 }) },
  { weight: 1, arbitrary: fc.string({ maxLength: 60 }) },
);

describe("CSV", () => {
  const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
  const cell = (text: fc.Arbitrary<string>) =>
    fc
      .tuple(text, fc.integer({ min: 0, max: 5 }))
      .map(([value, form]) => (/[",\r\n]/.test(value) || form === 0 ? quoted(value) : value));
  const end = fc.constantFrom("\n", "\n", "\n", "\r\n", "\n\n");
  const record = fc
    .tuple(cell(keyText), cell(numberText), cell(fc.constantFrom("x", "", "note", "ß,\n")), end)
    .map(([key, value, note, lineEnd]) => ({ key, value, note, lineEnd }));
  const records = fc.array(record, { maxLength: 40 });
  type Records = readonly { key: string; value: string; note: string; lineEnd: string }[];
  const ORDERS = {
    "city,amount,note": ({ key, value, note }: Records[number]) => `${key},${value},${note}`,
    "note,amount,city": ({ key, value, note }: Records[number]) => `${note},${value},${key}`,
    "amount,note,city": ({ key, value, note }: Records[number]) => `${value},${note},${key}`,
    "note,city,amount": ({ key, value, note }: Records[number]) => `${note},${key},${value}`,
  } as const;
  const order = fc.constantFrom(...(Object.keys(ORDERS) as (keyof typeof ORDERS)[]));
  const textOf = (header: keyof typeof ORDERS, list: Records, endsOpen: boolean) => {
    const text = `${header}\n${list.map((each) => `${ORDERS[header](each)}${each.lineEnd}`).join("")}`;
    return Buffer.from(endsOpen ? text.replace(/[\r\n]+$/, "") : text);
  };

  it("is folded as by the generated loop, to the last byte", async () => {
    let succeeded = 0;
    await fc.assert(
      fc.asyncProperty(
        operation,
        fc.array(fc.tuple(order, records, fc.boolean()), { minLength: 1, maxLength: 3 }),
        fc.boolean(),
        fc.integer({ min: 1, max: 300 }),
        async (name, files, isGzip, splitBytes) => {
          const contents = files.map(([header, list, endsOpen]) => textOf(header, list, endsOpen));
          const source = csvSource({ city: "string?", amount: "number" }, {}, splitBytes);
          const outcome = await expectEqual(contents, source, name, isGzip);
          if ("rows" in outcome) succeeded++;
        },
      ),
      { numRuns: 200 },
    );
    expect(succeeded).toBeGreaterThan(100);
  });

  it("is refused as by the generated loop, with the same error, or not", async () => {
    const hostile = fc
      .tuple(fc.oneof({ weight: 3, arbitrary: numberText }, strange), keyText, fc.integer({ min: 0, max: 9 }))
      .map(([value, key, form]) => {
        const plain = key.replaceAll(/[",\r\n]/g, "");
        return form === 0 ? `${key},${value}` : form === 1 ? `"${plain}" ,${value}` : `${plain},${value}`;
      });
    const bytes = fc
      .uint8Array({ maxLength: 80 })
      .map((all) => Buffer.concat([Buffer.from("city,amount\n"), all]));
    const content = fc.oneof(
      fc.array(hostile, { maxLength: 12 }).map((lines) => Buffer.from(`city,amount\n${lines.join("\n")}`)),
      bytes,
      fc
        .array(fc.constantFrom("a", '"', ",", "\n", "\r", "1", ".", "é"), { maxLength: 40 })
        .map((parts) => Buffer.from(`city,amount\n${parts.join("")}`)),
    );
    const fields = fc.constantFrom<FieldTypes>(
      { city: "string", amount: "number?" },
      { city: "string?", amount: "number" },
      { amount: "number?", city: "number?" },
    );
    const csv = fc.constantFrom<Partial<CsvOptions>>({}, { quote: "" }, { delimiter: ";" }, { quote: "'" });
    await fc.assert(
      fc.asyncProperty(operation, content, fields, csv, async (name, text, types, options) => {
        const semicolons =
          options.delimiter === ";"
            ? Buffer.from(text.toString("latin1").replaceAll(",", ";"), "latin1")
            : text;
        await expectEqual([semicolons], csvSource(types, options), name);
      }),
      { numRuns: 400 },
    );
  });

  it("must be right in fields that are declared and not used, too", async () => {
    const fields: FieldTypes = {
      city: "string",
      amount: "number",
      qty: "number",
      paid: "boolean?",
      note: "string?",
    };
    const rows = fc.array(
      fc.tuple(
        fc.constantFrom("a", "b"),
        fc.constantFrom("1", "2.5", "x", ""),
        fc.constantFrom("true", "0", "TRUE", "", "no"),
      ),
      { maxLength: 6 },
    );
    await fc.assert(
      fc.asyncProperty(operation, rows, async (name, list) => {
        const text = `qty,city,paid,amount,note\n${list.map(([city, qty, paid]) => `${qty},${city},${paid},3,\n`).join("")}`;
        await expectEqual([Buffer.from(text)], csvSource(fields), name);
      }),
    );
  });

  it("may lack columns that may be missing, and have a header elsewhere", async () => {
    const text = Buffer.from("amount\n1\n2\n");
    const types: FieldTypes = { city: "string?", amount: "number?" };
    expect(await expectEqual([text], csvSource(types), "sum")).toMatchObject({ rows: [[null, 3]] });
    const named = csvSource(types, { header: ["city", "amount"], delimiter: "\t" });
    const tabs = Buffer.from("\u{feff}a\t1\nb\t\na\t2.5");
    expect(await expectEqual([tabs], named, "avg")).toMatchObject({
      rows: expect.arrayContaining([
        ["a", 1.75],
        ["b", null],
      ]),
    });
  });
});

describe("JSON lines", () => {
  const keyJson = fc.oneof(
    { weight: 8, arbitrary: keyText.map((text) => JSON.stringify(text)) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('"\\u0041"', '"\\ud800"', '"\\ud800x"', '"\\ud83c\\udfd9"', "null"),
    },
  );
  const numberJson = numberText.filter((text) => !/^-?0\d/.test(text));
  const other = fc.json({ maxDepth: 3 });
  const field = (name: string, value: fc.Arbitrary<string>) => value.map((text) => `"${name}":${text}`);
  const record = fc
    .tuple(
      fc.shuffledSubarray([0, 1, 2, 3], { minLength: 2 }),
      field("city", keyJson),
      field("amount", fc.oneof({ weight: 9, arbitrary: numberJson }, fc.constant("null"))),
      field("other", other),
      field("id", fc.nat().map(String)),
      fc.integer({ min: 0, max: 9 }),
    )
    .map(([order, city, amount, rest, id, form]) => {
      const all = [city, amount, rest, id];
      const listed = form < 7 ? [id, rest, city, amount] : order.map((index) => all[index]);
      return `{${listed.join(form === 1 ? ", " : form === 2 ? " ,\t" : ",")}}${form === 3 ? " " : ""}`;
    });
  const lineEnd = fc.constantFrom("\n", "\n", "\n", "\r\n", "\n \n");
  const lines = fc
    .array(fc.tuple(record, lineEnd), { maxLength: 40 })
    .map((list) => Buffer.from(list.flat().join("")));
  const types = fc.constantFrom<FieldTypes>(
    { city: "string?", amount: "number?" },
    { id: "number?", city: "string?", amount: "number?", other: "json?" },
  );

  it("are folded as by the generated loop, to the last byte", async () => {
    let succeeded = 0;
    await fc.assert(
      fc.asyncProperty(
        operation,
        fc.array(lines, { minLength: 1, maxLength: 3 }),
        types,
        fc.boolean(),
        async (name, files, fields, isGzip) => {
          const outcome = await expectEqual(files, jsonSource(fields), name, isGzip);
          if ("rows" in outcome) succeeded++;
        },
      ),
      { numRuns: 200 },
    );
    expect(succeeded).toBeGreaterThan(150);
  });

  it("are refused as by the generated loop, with the same error, or not", async () => {
    const damaged = fc
      .tuple(
        fc.array(record, { minLength: 1, maxLength: 6 }),
        fc.nat(),
        fc.constantFrom("", '"', "}", "\\", "x", "0", "é", "\0", ",", "\t"),
      )
      .map(([list, at, insert]) => {
        const text = `${list.join("\n")}\n`;
        const place = at % text.length;
        return Buffer.from(text.slice(0, place) + insert + text.slice(place + (at % 2)));
      });
    const fields = fc.constantFrom<FieldTypes>(
      { city: "string", amount: "number" },
      { city: "string?", amount: "number", id: "number" },
      { city: "string", amount: "number?", id: "string?" },
      { amount: "number?", city: "number?" },
      { city: "string?", amount: "number?", other: "boolean?" },
      { city: "string?", amount: "number?", other: "json" },
    );
    await fc.assert(
      fc.asyncProperty(operation, damaged, fields, async (name, text, types) => {
        await expectEqual([text], jsonSource(types), name);
      }),
      { numRuns: 400 },
    );
  });
});

describe("tables that fill up, and frames that are cut", () => {
  const keys = (count: number, key: (i: number) => string) =>
    Array.from({ length: count }, (_, i) => `${key((i * 7919) % 140_000)},${(i % 1000) / 8}\n`).join("");
  test.each<[string, FieldTypes, string]>([
    ["by rows", { city: "string", amount: "number" }, keys(150_000, (i) => `k${i}`)],
    [
      "by bytes of text",
      { city: "string", amount: "number" },
      keys(5000, (i) => `${"long".repeat(900)}${i}`),
    ],
    ["by numbers", { city: "number", amount: "number" }, keys(150_000, (i) => `${i / 4}`)],
    [
      "with nothing in between",
      { city: "string?", amount: "number?" },
      keys(20_000, (i) => (i % 9 === 0 ? "" : `${i}`)).replaceAll(",5\n", ",\n"),
    ],
    ["beyond ASCII", { city: "string", amount: "number" }, keys(30_000, (i) => `ü${i % 20_000}`)],
  ])("%s", async (_, fields, text) => {
    // Means take more room than sums: their tables are full of bytes sooner.
    for (const name of ["sum", "avg"] as const) {
      const source = csvSource(fields, { header: ["city", "amount"] }, 1 << 20);
      const outcome = await expectEqual([Buffer.from(text)], source, name);
      expect(outcome).toHaveProperty("rows");
    }
  });

  it("with records longer than the kernel's room", async () => {
    const long = "x".repeat(400_000);
    const csv = Buffer.from(`city,amount\n${long},1\nb,2\n${long},3\n"${long}""",4\n`);
    expect(
      await expectEqual([csv], csvSource({ city: "string", amount: "number" }, {}, 1 << 24), "sum"),
    ).toHaveProperty("rows");
    const json = Buffer.from(
      `{"city":"a","amount":1}\n{"city":"${long}","amount":1}\n{"city":"a","amount":2}\n`,
    );
    expect(
      await expectEqual([json], jsonSource({ city: "string", amount: "number" }, 1 << 24), "sum"),
    ).toHaveProperty("rows");
  });
});

it("takes the way over bytes where it may, and only there", () => {
  const isTaken = (data: Dataset<unknown>) =>
    foldPlanOf(cutStages(toPlan(data, "x")).stages[0]!) !== undefined;
  const fields = { city: "string", n: "number", id: "number?", ok: "boolean", any: "json?" } as const;
  const json = read.jsonl("a", { fields });
  expect(isTaken(json.countBy("city"))).toBe(true);
  expect(isTaken(json.keyBy("id").maxBy("n"))).toBe(true);
  expect(isTaken(json.countBy((row) => row.city))).toBe(false);
  expect(isTaken(json.keyBy("city").sumBy((row) => row.n))).toBe(false);
  expect(isTaken(json.keyBy((row) => row.city).sumBy("n"))).toBe(false);
  expect(isTaken(json.keyBy("n").sumBy("n"))).toBe(false);
  expect(isTaken(json.keyBy("city").minBy("city"))).toBe(false);
  expect(isTaken(json.countBy("ok"))).toBe(false);
  expect(isTaken(json.filter(() => true).countBy("city"))).toBe(false);
  expect(isTaken(json.keyBy("city").groupByKey())).toBe(false);
  expect(isTaken(read.jsonl<{ city: string }>("a").countBy("city"))).toBe(false);
  expect(isTaken(read.csv("a", { fields }).countBy("city"))).toBe(false);
  const { any: _, ...plain } = fields;
  expect(isTaken(read.csv("a", { fields: plain }).countBy("city"))).toBe(true);
  expect(isTaken(read.csv("a", { fields: plain, delimiter: "e" }).countBy("city"))).toBe(false);
  expect(isTaken(read.csv("a", { fields: plain, delimiter: "§" }).countBy("city"))).toBe(false);
  expect(isTaken(read.csv("a").countBy("city"))).toBe(false);
});
