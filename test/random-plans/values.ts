/** Values that engines get wrong, and a text of each that tells any two of them apart. */
import fc from "fast-check";

const LONG = "long ".repeat(2000);

/** Possible keys and values, many of them equal as keys but not as values, or the other way round. */
export const NASTY: readonly unknown[] = [
  0,
  -0,
  1,
  -1,
  127,
  128,
  -129,
  32_768,
  2 ** 31,
  -(2 ** 31),
  2 ** 53,
  0.1,
  1e300,
  5e-324,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  0n,
  1n,
  -(2n ** 70n),
  2n ** 64n,
  true,
  false,
  null,
  undefined,
  "",
  "a",
  "b",
  "__proto__",
  "constructor",
  "toString",
  "\ud800",
  "x\udc00y",
  "😀",
  "é",
  "\u0000",
  "a,b",
  'say "hi"',
  "line\nend\r\n",
  "thirteen chars",
  LONG,
  `${LONG}é`,
  `${LONG}\ud83d`,
  new Date(0),
  new Date(-1),
  new Date(Number.NaN),
  new Uint8Array([]),
  new Uint8Array([1, 2, 255]),
  [],
  [[]],
  [undefined],
  [null, -0],
  [0, 0],
  ["a", ["b", [Number.NaN]]],
  [1, "x"],
  {},
  { a: 1 },
  { a: undefined },
  { a: 1, b: "\ud800" },
  { b: "\ud800", a: 1 },
  JSON.parse('{"__proto__":1}'),
  { constructor: 1 },
  { "\udfff": { deep: [1n, new Date(5)] } },
  { 2: "two", 1: "one" },
];

/** Mostly from the list, now and then anything that can be a key. */
export const value: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...NASTY) },
  { weight: 2, arbitrary: fc.integer({ min: -3, max: 3 }) },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 20 }) },
  {
    weight: 1,
    arbitrary: fc.anything({
      maxDepth: 2,
      withBigInt: true,
      withDate: true,
      withNullPrototype: false,
      withObjectString: true,
    }),
  },
);

/** Everything that two values can differ in, but for identity: signs of zero, order of fields, missing fields. */
export function show(of: unknown): string {
  switch (typeof of) {
    case "string":
      return JSON.stringify(of);
    case "number":
      return Object.is(of, -0) ? "-0" : String(of);
    case "bigint":
      return `${of}n`;
    case "object":
      return of === null ? "null" : showObject(of);
    default:
      return String(of);
  }
}

function showObject(of: object): string {
  if (Array.isArray(of)) return `[${of.map(show).join()}]`;
  if (of instanceof Date) return `date ${of.getTime()}`;
  if (of instanceof Uint8Array) return `bytes ${[...of].join()}`;
  const prototype: unknown = Object.getPrototypeOf(of);
  const name = prototype === Object.prototype || prototype === null ? "" : "strange ";
  const fields = Object.entries(of).map(([field, content]) => `${JSON.stringify(field)}:${show(content)}`);
  return `${name}{${fields.join()}}`;
}
