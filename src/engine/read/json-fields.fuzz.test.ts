import fc from "fast-check";
import { expect, test } from "vitest";
import { BicoastalError } from "../../base/errors.ts";
import type { FieldTypes } from "../../plan/node.ts";
import { MemoryInputs } from "../../sim/ports/memory-inputs.ts";
import { readSource } from "../../sim/ports/memory-inputs-reader.ts";
import { mergeKeys } from "./json-shape.ts";
import { skipValue } from "./json-skip.ts";

const schema: FieldTypes = Object.fromEntries([
  ["id", "number"],
  ["name", "string"],
  ["ok", "boolean?"],
  ["__proto__", "number?"],
  ["tags", "json?"],
  ["größe", "number?"],
  ["note", "string?"],
]);

const number = fc.oneof(
  { weight: 4, arbitrary: fc.integer().map(String) },
  {
    weight: 2,
    arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom("", "-"), fc.stringMatching(/^[1-9]\d{0,17}$/), fc.stringMatching(/^\d{1,17}$/))
      .map(([sign, whole, fraction]) => `${sign}${whole}.${fraction}`),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      "0",
      "-0",
      "-0.0",
      "0.1",
      "1e400",
      "-1E400",
      "1e-400",
      "5e-324",
      "1.5e3",
      "1E+2",
      "0e0",
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "9007199254740993",
      "999999999999999.9",
      "123456789012345",
      "0.000000000000001",
    ),
  },
);
const badNumber = fc.constantFrom(
  "01",
  "-",
  "-01",
  "1.",
  ".5",
  "+1",
  "1e",
  "1e+",
  "0x10",
  "1_0",
  "NaN",
  "Infinity",
  "00",
  "1.2.3",
  "1-",
);
const text = fc.oneof(
  { weight: 4, arbitrary: fc.stringMatching(/^[ -~]{0,20}$/).map((value) => JSON.stringify(value)) },
  { weight: 2, arbitrary: fc.string({ unit: "binary", maxLength: 8 }).map((value) => JSON.stringify(value)) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      '"\\u0041\\n"',
      '"\\\\"',
      '"\\""',
      '"é€😀"',
      '"\u2028"',
      '"\\ud800"',
      '"\\/"',
      '"\x7f"',
      '""',
    ),
  },
);
const badText = fc.constantFrom('"', '"\t"', '"\\x"', '"\\u12g4"', '"a', "'a'", '"\\"', '"\x01"', '"\\u00');
const nested = fc
  .jsonValue({ depthSize: "medium", stringUnit: "binary" })
  .map((value) => JSON.stringify(value));
const spaced = fc
  .jsonValue({ depthSize: "small" })
  .chain((value) =>
    fc
      .constantFrom(1, "\t", " \t")
      .map((space) => JSON.stringify(value, undefined, space).replaceAll("\n", " ")),
  );
const badNested = fc.constantFrom(
  "[1,]",
  "{,}",
  '{"a"}',
  '{"a":}',
  "[1 2]",
  "[}",
  "{]",
  "{a:1}",
  "[",
  '{"a":1,}',
  "tru",
  "nul",
  "falsey",
  "",
);

const goodValues: Readonly<Record<string, fc.Arbitrary<string>>> = {
  id: number,
  name: text,
  ok: fc.constantFrom("true", "false", "null"),
  ["__proto__"]: fc.oneof(number, fc.constant("null")),
  tags: fc.oneof(nested, spaced),
  größe: fc.oneof(number, fc.constant("null")),
  note: fc.oneof(text, fc.constant("null")),
  skipped: fc.oneof(number, text, nested, spaced),
  more: fc.oneof(number, text, nested),
};
const anyValue = fc.oneof(
  number,
  text,
  nested,
  badNumber,
  badText,
  badNested,
  fc.constantFrom("null", "true", '"x"', "{}"),
);
const names = ["id", "skipped", "name", "ok", "__proto__", "more", "tags", "größe", "note"];

/** A record in the order that a program would write, perhaps without some fields. */
const usual = fc
  .record(Object.fromEntries(names.map((name) => [`_${name}`, goodValues[name] as fc.Arbitrary<string>])), {
    requiredKeys: ["_id", "_name"],
  })
  .map((values) =>
    names.flatMap((name) => (`_${name}` in values ? [[name, values[`_${name}`] as string] as const] : [])),
  );
const entries = fc.oneof(
  { weight: 8, arbitrary: usual },
  { weight: 1, arbitrary: usual.chain((parts) => fc.shuffledSubarray(parts, { minLength: parts.length })) },
  {
    weight: 1,
    arbitrary: usual.chain((parts) =>
      fc
        .tuple(fc.constantFrom(...names), anyValue, fc.nat(parts.length))
        .map(([name, value, at]) => parts.toSpliced(at, 0, [name, value] as const)),
    ),
  },
  {
    weight: 1,
    arbitrary: usual.chain((parts) =>
      fc
        .tuple(anyValue, fc.nat(parts.length - 1))
        .map(([value, at]) => parts.with(at, [parts[at]![0], value] as const)),
    ),
  },
);
const style = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom([":", ","], [": ", ", "]) },
  { weight: 1, arbitrary: fc.constantFrom([" :", " ,"], [":\t", ",  "], [": ", ","], [":\r", ","]) },
);
/** The same key written otherwise, now and then. */
const escapes = fc.array(fc.constantFrom(...Array.from({ length: 30 }, () => false), true), {
  minLength: 12,
  maxLength: 12,
});
const keyOf = (name: string, escaped: boolean | undefined) =>
  escaped
    ? `"${[...name].map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`).join("")}"`
    : JSON.stringify(name);
const written = fc
  .tuple(entries, style, escapes)
  .map(
    ([parts, [colon, comma], escaped]) =>
      `{${parts.map(([name, value], at) => keyOf(name, escaped[at]) + colon + value).join(comma)}}`,
  );
const line: fc.Arbitrary<Buffer> = fc.oneof(
  { weight: 30, arbitrary: written.map((record) => Buffer.from(record)) },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom(
        "",
        " ",
        "{}",
        "[]",
        "1",
        "null",
        '"a"',
        '{"\\u0069d":1,"name":"n"}',
        '{"id":1,"name":"n"} ',
        '{"id":1,"name":"n"}x',
        '\ufeff{"id":1,"name":"n"}',
      )
      .map((record) => Buffer.from(record)),
  },
  {
    weight: 1,
    arbitrary: written.chain((record) =>
      fc.nat(record.length).map((end) => Buffer.from(record.slice(0, end))),
    ),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(
        written,
        fc.nat(),
        fc.constantFrom(0x22, 0x5c, 0x2c, 0x7d, 0x7b, 0x80, 0xff, 0xc3, 0x00, 0x30, 0x20),
      )
      .map(([record, at, byte]) => {
        const bytes = Buffer.from(record);
        bytes[at % bytes.length] = byte;
        return bytes;
      }),
  },
);
const file = fc
  .array(fc.tuple(line, fc.constantFrom("\n", "\n", "\n", "\r\n")), { maxLength: 12 })
  .chain((lines) =>
    fc
      .boolean()
      .map((ends) =>
        Buffer.concat(
          lines.flatMap(([bytes, end], at) =>
            ends || at < lines.length - 1 ? [bytes, Buffer.from(end)] : [bytes],
          ),
        ),
      ),
  );

type Outcome =
  | { readonly rows: readonly unknown[] }
  | { readonly line: number; readonly field: string | undefined };

/** The naive way: parse, then pick. */
function expected(bytes: Uint8Array, types: FieldTypes): Outcome {
  const rows: unknown[] = [];
  for (const [index, text] of new TextDecoder().decode(bytes).split("\n").entries()) {
    if (/^[ \t\r]*$/.test(text)) continue;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      return { line: index + 1, field: undefined };
    }
    if (typeof value !== "object" || value === null || Array.isArray(value))
      return { line: index + 1, field: undefined };
    const has = new Map(Object.entries(value));
    const picked: [string, unknown][] = [];
    for (const [field, type] of Object.entries(types)) {
      const kind = type.replace("?", "");
      const found = has.get(field);
      const isAbsent = !has.has(field) || found === null;
      if (isAbsent && type.endsWith("?")) picked.push([field, null]);
      else if (has.has(field) && (kind === "json" || typeof found === kind)) picked.push([field, found]);
      else return { line: index + 1, field };
    }
    rows.push(picked);
  }
  return { rows };
}

async function found(
  bytes: Uint8Array,
  types: FieldTypes,
  cut: { splitBytes: number; chunkBytes: number },
): Promise<Outcome> {
  const inputs = new MemoryInputs();
  inputs.write("/f", bytes);
  const source = {
    format: "jsonl",
    paths: ["/f"],
    splitBytes: cut.splitBytes,
    recordBytesMax: 1 << 20,
    fields: types,
  } as const;
  try {
    const splits = await readSource(source, inputs, cut);
    return { rows: splits.flatMap(({ rows }) => rows.map((row) => Object.entries(row as object))) };
  } catch (error) {
    if (!(error instanceof BicoastalError) || error.code !== "RECORD_INVALID") throw error;
    return { line: error.details.line as number, field: error.details.field as string | undefined };
  }
}

const cutting = fc.record({
  splitBytes: fc.oneof(fc.integer({ min: 1, max: 200 }), fc.constant(1 << 20)),
  chunkBytes: fc.oneof(fc.integer({ min: 1, max: 200 }), fc.constant(1 << 16)),
});

test("records are those of JSON.parse and picking, or the error is at the same line and field", async () => {
  // What was learned from one run would hide what the next one finds: each has a field of its own.
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(file, cutting, async (bytes, cut) => {
      const types: FieldTypes = Object.fromEntries([...Object.entries(schema), [`run ${runs++}`, "json?"]]);
      expect(await found(bytes, types, cut)).toEqual(expected(bytes, types));
      expect(await found(bytes, types, { splitBytes: 1 << 20, chunkBytes: 1 << 16 })).toEqual(
        expected(bytes, types),
      );
    }),
    { numRuns: 1500 },
  );
});

test("a value that is skipped is a value that JSON.parse takes", () => {
  const any = fc.oneof(
    number,
    text,
    nested,
    spaced,
    badNumber,
    badText,
    badNested,
    anyValue.map((value) => `[${value}, {"a": ${value}}]`),
  );
  const mangled = fc
    .tuple(any, fc.nat(), fc.constantFrom("", " ", '"', "\\", ",", "]", "}", "0", "\u0000", "é"))
    .map(([value, at, put]) => {
      const index = at % (value.length + 1);
      return value.slice(0, index) + put + value.slice(index + 1);
    });
  fc.assert(
    fc.property(fc.oneof(any, mangled), (value) => {
      const bytes = Buffer.from(`${value}\n\n\n\n\n`);
      const end = skipValue(bytes, 0);
      if (end === -1) return;
      expect(() => JSON.parse(bytes.toString("utf8", 0, end))).not.toThrow();
    }),
    { numRuns: 20_000 },
  );
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
      const bytes = Buffer.from(`${JSON.stringify(value)}\n`);
      expect(skipValue(bytes, 0)).toBe(bytes.length - 1);
    }),
  );
});

test("merged keys hold both lists in their order", () => {
  const keys = fc.shuffledSubarray(["a", "b", "c", "d", "e"]);
  fc.assert(
    fc.property(keys, keys, (known, added) => {
      const merged = mergeKeys(known, added);
      const common = known.filter((key) => added.includes(key));
      const agrees = JSON.stringify(common) === JSON.stringify(added.filter((key) => known.includes(key)));
      expect(merged !== undefined).toBe(agrees);
      if (merged === undefined) return;
      expect(merged.filter((key) => known.includes(key))).toEqual(known);
      expect(merged.filter((key) => added.includes(key))).toEqual(added);
      expect(merged.length).toBe(new Set([...known, ...added]).size);
    }),
  );
});
