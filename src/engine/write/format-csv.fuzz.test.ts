import fc from "fast-check";
import { expect, it } from "vitest";
import { createCsvFormatter } from "./format-csv.ts";

it("csv is read back as it was by a reader that knows RFC 4180", () => {
  const field = fc.oneof(
    fc.string({ unit: fc.constantFrom("a", '"', ",", "\n", "\r", " ", "ü") }),
    fc.string({ unit: "grapheme" }),
  );
  const lists = fc.integer({ min: 1, max: 4 }).chain((length) => {
    return fc.array(fc.array(field, { minLength: length, maxLength: length }), { minLength: 1 });
  });
  fc.assert(
    fc.property(lists, (rows) => {
      const format = createCsvFormatter(undefined, () => {});
      expect(parse(rows.map((row) => `${format(row)}\n`).join(""))).toEqual(rows);
    }),
  );
});

it("csv has the fields of records under their names", () => {
  const name = fc.string({ unit: fc.constantFrom("a", "b", '"', ",", "é"), minLength: 1 });
  const records = fc.uniqueArray(name, { minLength: 1, maxLength: 4 }).chain((names) => {
    const record = fc.tuple(...names.map(() => fc.option(fc.integer())));
    return fc.tuple(fc.constant(names), fc.array(record, { minLength: 1 }));
  });
  fc.assert(
    fc.property(records, ([names, rows]) => {
      const lines: string[] = [];
      const format = createCsvFormatter(undefined, (header) => lines.push(header));
      for (const row of rows) {
        lines.push(format(Object.fromEntries(names.map((name, index) => [name, row[index]]))));
      }
      const texts = rows.map((row) => row.map((value) => (value === null ? "" : String(value))));
      expect(parse(`${lines.join("\n")}\n`)).toEqual([names, ...texts]);
    }),
  );
});

/** As RFC 4180 has it, character by character. */
function parse(text: string): string[][] {
  const rows: string[][] = [];
  const row: string[] = [];
  let field = "";
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!;
    if (quoted && char === '"' && text[i + 1] === '"') field += text[i++];
    else if (char === '"') quoted = !quoted;
    else if (quoted || (char !== "," && char !== "\n")) field += char;
    else {
      row.push(field);
      field = "";
      if (char === "\n") rows.push(row.splice(0));
    }
  }
  return rows;
}
