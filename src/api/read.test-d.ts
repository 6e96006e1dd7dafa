import { expectTypeOf, test } from "vitest";
import type { FieldTypes } from "../plan/node.ts";
import type { Dataset } from "./dataset.ts";
import { type FileRecord, read } from "./read.ts";

type RowOf<D> = D extends Dataset<infer Row> ? Row : never;

test("plain sources", () => {
  expectTypeOf(read.lines("a")).toEqualTypeOf<Dataset<string>>();
  expectTypeOf(read.lines(["a", "b"] as const)).toEqualTypeOf<Dataset<string>>();
  expectTypeOf(read.jsonl("a")).toEqualTypeOf<Dataset<unknown>>();
  expectTypeOf(read.jsonl<{ id: number }>("a")).toEqualTypeOf<Dataset<{ id: number }>>();
  expectTypeOf(read.files("a")).toEqualTypeOf<Dataset<FileRecord>>();
  expectTypeOf(read.files("a", { as: "bytes" })).toEqualTypeOf<Dataset<FileRecord<Uint8Array>>>();
  expectTypeOf(read.range(3)).toEqualTypeOf<Dataset<number>>();
  expectTypeOf(read.range(1, 3, { partitions: 2 })).toEqualTypeOf<Dataset<number>>();
  expectTypeOf(read.of([1, 2])).toEqualTypeOf<Dataset<number>>();
  expectTypeOf(read.of(new Set(["a"]))).toEqualTypeOf<Dataset<string>>();
  // @ts-expect-error: no such option
  read.lines("a", { splitbytes: 3 });
});

test("csv with a header line", () => {
  expectTypeOf(read.csv("a")).toEqualTypeOf<Dataset<Record<string, string>>>();
  const typed = read.csv("a", {
    delimiter: ";",
    types: { age: "number", member: "boolean", name: "string" },
  });
  type Row = RowOf<typeof typed>;
  expectTypeOf<Row["age"]>().toEqualTypeOf<number | null>();
  expectTypeOf<Row["member"]>().toEqualTypeOf<boolean | null>();
  expectTypeOf<Row["name"]>().toEqualTypeOf<string>();
  expectTypeOf<Row["other"]>().toEqualTypeOf<string>();
  // @ts-expect-error: no such type
  read.csv("a", { types: { age: "integer" } });
});

test("csv with names", () => {
  const named = read.csv("a", { header: ["name", "age"], types: { age: "number" } });
  expectTypeOf(named).toEqualTypeOf<Dataset<{ name: string; age: number | null }>>();
  expectTypeOf(read.csv("a", { header: ["name"] })).toEqualTypeOf<Dataset<{ name: string }>>();
  // @ts-expect-error: no such field
  named.map((row) => row.nme);
  // @ts-expect-error: not a name of the header
  read.csv("a", { header: ["name"], types: { age: "number" } });
});

test("csv without a header", () => {
  expectTypeOf(read.csv("a", { header: false })).toEqualTypeOf<Dataset<string[]>>();
});

test("jsonl with a schema", () => {
  const typed = read.jsonl("a", {
    splitBytes: 10,
    fields: {
      user: "string",
      ms: "number",
      ok: "boolean",
      tags: "json",
      note: "string?",
      age: "number?",
      any: "json?",
    },
  });
  expectTypeOf(typed).toEqualTypeOf<
    Dataset<{
      user: string;
      ms: number;
      ok: boolean;
      tags: unknown;
      note: string | null;
      age: number | null;
      any: unknown;
    }>
  >();
  expectTypeOf(typed.map((row) => row.ms * 2)).toEqualTypeOf<Dataset<number>>();
  // @ts-expect-error: not a field of the schema
  typed.map((row) => row.ns);
  // @ts-expect-error: it may be null
  typed.map((row) => row.age * 2);
  // @ts-expect-error: no such type
  read.jsonl("a", { fields: { user: "text" } });
  // A schema that is only known when the job runs.
  const fields: FieldTypes = { a: "number" };
  expectTypeOf<RowOf<ReturnType<typeof loose>>["a"]>().toEqualTypeOf<unknown>();
  function loose() {
    return read.jsonl("a", { fields });
  }
});

test("csv with a schema", () => {
  const typed = read.csv("a", { delimiter: ";", fields: { name: "string", age: "number?" } });
  expectTypeOf(typed).toEqualTypeOf<Dataset<{ name: string; age: number | null }>>();
  const named = read.csv("a", { header: ["name", "age", "city"], fields: { age: "number" } });
  expectTypeOf(named).toEqualTypeOf<Dataset<{ age: number }>>();
  // @ts-expect-error: not a name of the header
  read.csv("a", { header: ["name"], fields: { age: "number" } });
  // @ts-expect-error: without a header there are no names
  read.csv("a", { header: false, fields: { age: "number" } });
  // @ts-expect-error: fields has the types
  read.csv("a", { fields: { age: "number" }, types: { age: "number" } });
});
