import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createMsgpackCodec } from "../../adapters/codec/msgpack-codec.ts";
import { crc32, gzip } from "../../adapters/codec/zlib.ts";
import type { SourceSplit } from "../../plan/task.ts";
import { runPlan } from "../../sim/jobs/plan-run.ts";
import { MemoryInputs } from "../../sim/ports/memory-inputs.ts";
import type { Dataset } from "../dataset.ts";
import { toPlan } from "../plan-of.ts";
import { read } from "../read.ts";

interface Sale {
  readonly city: string | null;
  readonly amount?: number | null;
  readonly note: string | null | undefined;
}

const ports = { codec: createMsgpackCodec(), crc32, gzip };

async function rowsOf(data: Dataset<unknown>, splits: readonly SourceSplit[], inputs?: MemoryInputs) {
  const plan = toPlan(data, "test");
  const { collected } = await runPlan({ plan, splits: [splits], ...ports, ...(inputs && { inputs }) });
  return collected.result as [string | null, unknown][];
}

const sale: fc.Arbitrary<Sale> = fc.record(
  {
    city: fc.constantFrom("Rome", "Oslo", "", "Zürich", null),
    amount: fc.option(fc.oneof(fc.integer({ min: -9, max: 9 }), fc.double({ noNaN: true }))),
    note: fc.constantFrom("b", "a", "ß", null, undefined),
  },
  { requiredKeys: ["city", "note"] },
);

const MODELS = {
  sumBy: (values: number[]) => values.reduce((a, b) => a + b),
  minBy: (values: number[]) => Math.min(...values),
  maxBy: (values: number[]) => Math.max(...values),
  avgBy: (values: number[]) => values.reduce((a, b) => a + b) / values.length,
};

type ByCity = Dataset<[string | null, Sale]>;
const options = { partitions: 2 };
/** By the field's name, and by a function. */
const DATA = {
  sumBy: (data: ByCity) => [data.sumBy("amount", options), data.sumBy((each) => each.amount, options)],
  minBy: (data: ByCity) => [data.minBy("amount", options), data.minBy((each) => each.amount, options)],
  maxBy: (data: ByCity) => [data.maxBy("amount", options), data.maxBy((each) => each.amount, options)],
  avgBy: (data: ByCity) => [data.avgBy("amount", options), data.avgBy((each) => each.amount, options)],
} as const;

function groupsOf(sales: readonly Sale[]): Map<string | null, Sale[]> {
  const groups = new Map<string | null, Sale[]>();
  for (const each of sales) {
    const group = groups.get(each.city);
    if (group === undefined) groups.set(each.city, [each]);
    else group.push(each);
  }
  return groups;
}

test("gives what a naive group by gives, whoever reads the field", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(sale, { minLength: 1, maxLength: 40 }), async (sales) => {
      const splits: SourceSplit[] = [{ kind: "items", start: 0, end: sales.length }];
      const byCity = read.of(sales).keyBy("city");
      const groups = groupsOf(sales);
      for (const name of ["sumBy", "minBy", "maxBy", "avgBy"] as const) {
        const expected = [...groups].map(([city, list]) => {
          const values = list.flatMap(({ amount }) =>
            amount === null || amount === undefined ? [] : [amount],
          );
          return [city, values.length === 0 ? null : MODELS[name](values)];
        });
        const [named, called] = DATA[name](byCity);
        const found = await rowsOf(named as Dataset<unknown>, splits);
        // Of -0 and 0 the first stays, and Math.min has its own opinion.
        const plain = (rows: readonly unknown[]) => JSON.parse(JSON.stringify(rows)) as unknown[];
        expect(new Set(plain(found))).toEqual(new Set(plain(expected)));
        expect(await rowsOf(called as Dataset<unknown>, splits)).toEqual(found);
      }
      const notes = [...groups].map(([city, list]) => {
        const texts = list.flatMap(({ note }) => note ?? []).sort();
        return [city, texts[0] ?? null, texts.at(-1) ?? null];
      });
      const least = new Map(await rowsOf(byCity.minBy("note"), splits));
      const greatest = new Map(await rowsOf(byCity.maxBy("note"), splits));
      expect(notes).toEqual([...groups.keys()].map((city) => [city, least.get(city), greatest.get(city)]));
      const counts = new Map(await rowsOf(read.of(sales).countBy("city"), splits));
      expect(counts).toEqual(new Map([...groups].map(([city, list]) => [city, list.length])));
    }),
  );
});

describe("names the field, the file and the line of what it cannot take", () => {
  const inputs = new MemoryInputs();
  inputs.write("/in/a.jsonl", '{"city":"Rome","amount":1}\n{"city":"Oslo","amount":"1"}\n');
  const records = read.jsonl<{ city: string; amount: number }>("/in/a.jsonl");

  test.each(["sumBy", "avgBy"] as const)("%s", async (name) => {
    const [listed] = await inputs.list(["/in/a.jsonl"]);
    if (listed === undefined) expect.fail();
    const split: SourceSplit = { kind: "bytes", file: listed, start: 0, end: listed.sizeBytes };
    const failed = rowsOf(records.keyBy("city")[name]("amount"), [split], inputs);
    await expect(failed).rejects.toMatchObject({
      code: "USER_FUNCTION",
      message: expect.stringContaining(`${name}("amount") needs numbers, and was given "1".`),
      details: { operator: `${name}("amount")`, file: "/in/a.jsonl", line: 2 },
    });
  });

  test("a value function", async () => {
    const splits: SourceSplit[] = [{ kind: "items", start: 0, end: 1 }];
    const dates = read.of([["a", new Date(0)] as const]);
    const failed = rowsOf(
      dates.maxBy((date) => date as unknown as number),
      splits,
    );
    await expect(failed).rejects.toMatchObject({
      code: "USER_FUNCTION",
      message: expect.stringContaining("value function of maxBy needs numbers or text, and was given"),
    });
  });

  test("a key of what is no record", async () => {
    const nothing = read.of([null]) as unknown as Dataset<Sale>;
    const failed = rowsOf(nothing.countBy("city"), [{ kind: "items", start: 0, end: 1 }]);
    await expect(failed).rejects.toMatchObject({
      code: "USER_FUNCTION",
      message: expect.stringContaining("the record has no fields: it is null"),
    });
  });
});
