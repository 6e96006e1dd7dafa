import fc from "fast-check";
import { expect, test } from "vitest";
import { BicoastalError } from "../../base/errors.ts";
import { type FlagSpec, type GivenFlag, readTokens, readUntilOperand } from "./tokens.ts";

const FLAGS: readonly FlagSpec[] = [
  { name: "json", value: "none" },
  { name: "input", value: "required" },
  { name: "max-rows", value: "required" },
  { name: "dry", value: "switch" },
  { name: "mode", value: "optional" },
];
const CLOSED = { flags: FLAGS, open: false };

/** Any value, and how it can be spelled: attached always, apart where it looks like no flag. */
const value = fc.oneof(
  fc.string(),
  fc.constantFrom("-5", "-x", "--", "--json", "--no-dry", "-h", "", "=", "--other"),
);
const isFlagLike = (text: string): boolean =>
  text === "--" || text === "-h" || /^--(no-)?(json|input|max-rows|dry|mode)(=|$)/.test(text);

interface Spelled {
  readonly flag?: GivenFlag;
  readonly operand?: string;
  readonly tokens: readonly string[];
}

const required = fc
  .tuple(fc.constantFrom("input", "max-rows"), value, fc.boolean())
  .map(([name, text, attached]): Spelled => {
    const apart = !attached && !isFlagLike(text);
    return { flag: { name, text }, tokens: apart ? [`--${name}`, text] : [`--${name}=${text}`] };
  });
const onOff = fc.constantFrom<Spelled>(
  { flag: { name: "json", text: "true" }, tokens: ["--json"] },
  { flag: { name: "dry", text: "true" }, tokens: ["--dry=true"] },
  { flag: { name: "dry", text: "false" }, tokens: ["--dry", "false"] },
  { flag: { name: "dry", text: "false" }, tokens: ["--no-dry"] },
  { flag: { name: "mode", text: "false" }, tokens: ["--no-mode"] },
  { flag: { name: "mode", text: "-1" }, tokens: ["--mode", "-1"] },
  { flag: { name: "help", text: "true" }, tokens: ["-h"] },
);
const optional = fc
  .string()
  .map((text): Spelled => ({ flag: { name: "mode", text }, tokens: [`--mode=${text}`] }));
const operand = fc
  .string()
  .filter((text) => !text.startsWith("-") || text === "-")
  .map((text): Spelled => ({ operand: text, tokens: [text] }));

test("whatever was spelled is read, in order", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(required, onOff, optional, operand), { maxLength: 12 }),
      fc.array(fc.string(), { maxLength: 3 }),
      (parts, last) => {
        const tokens = [...parts.flatMap((part) => part.tokens), "--", ...last];
        expect({ ...pick(readTokens(tokens, CLOSED)) }).toEqual({
          flags: parts.flatMap(({ flag }) => flag ?? []),
          operands: [...parts.flatMap(({ operand }) => operand ?? []), ...last],
        });
      },
    ),
  );
});

test("reading up to the first operand and then on gives the same as reading all", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(required, onOff, optional, operand), { maxLength: 12 }), (parts) => {
      const tokens = parts.flatMap((part) => part.tokens);
      const before = readUntilOperand(tokens, CLOSED);
      const after = readTokens(before.rest, CLOSED);
      const all = readTokens(tokens, CLOSED);
      expect(before.operands.length).toBe(all.operands.length === 0 ? 0 : 1);
      expect([...before.flags, ...after.flags]).toEqual(all.flags);
      expect([...before.operands, ...after.operands]).toEqual(all.operands);
    }),
  );
});

test("any tokens at all are read, or refused as USAGE in few words", () => {
  const token = fc.oneof(
    value,
    fc.string().map((text) => `--${text}`),
    fc.string({ unit: "binary" }),
  );
  fc.assert(
    fc.property(fc.array(token, { maxLength: 8 }), fc.boolean(), (tokens, open) => {
      try {
        const { flags, operands } = readTokens(tokens, { flags: FLAGS, open });
        expect(flags.length + operands.length).toBeLessThanOrEqual(tokens.length);
        if (!open)
          expect(FLAGS.map(({ name }) => name).concat("help")).toEqual(
            expect.arrayContaining(flags.map(({ name }) => name)),
          );
      } catch (error) {
        expect(error).toBeInstanceOf(BicoastalError);
        expect((error as BicoastalError).code).toBe("USAGE");
        expect((error as BicoastalError).message.length).toBeLessThan(500);
      }
    }),
  );
});

test("an open grammar takes flags it does not know, with or without a value", () => {
  const grammar = { flags: FLAGS, open: true };
  expect(
    pick(readTokens(["--new", "x", "--other", "--json", "--third=-1", "--fourth", "-2"], grammar)),
  ).toEqual({
    flags: [
      { name: "new", text: "x" },
      { name: "other", text: "true" },
      { name: "json", text: "true" },
      { name: "third", text: "-1" },
      { name: "fourth", text: "-2" },
    ],
    operands: [],
  });
  expect(pick(readTokens(["--no-new"], grammar)).flags).toEqual([{ name: "new", text: "false" }]);
});

const pick = ({ flags, operands }: ReturnType<typeof readTokens>) => ({
  flags: [...flags],
  operands: [...operands],
});
