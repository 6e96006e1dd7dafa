/**
 * Writes the loop that reads the wanted columns of CSV records straight from their bytes. As with JSON, whatever is
 * not certain leaves the block `record`, and the strict parser takes that record; the loop never decides that
 * anything is wrong.
 *
 * Of every column it is checked what the strict parser checks: that there are as many as the header has, and that
 * quotes stand where they may. Only wanted ones are converted.
 *
 * Names enter through `makeRow` only; no text of the files is ever part of the source.
 */
import { booleanOf, jsonOf, numberOf } from "./csv-values.ts";
import { EXACT_DIGITS_MAX, type LoopPosition, POWERS_OF_TEN } from "./fast-loop.ts";
import type { Field, MakeRow } from "./fields.ts";

/**
 * Takes records from `position` on, up to `end`, and moves the position. `end` stands behind a line feed, and
 * LOOKAHEAD_BYTES before the end of the bytes. `text`: the bytes from 0 on as Latin-1.
 */
export type CsvLoop = (
  bytes: Buffer,
  text: string,
  end: number,
  rows: unknown[],
  position: LoopPosition,
) => void;

export interface CsvLoopOptions {
  /** How many columns a record has. */
  readonly columns: number;
  readonly fields: readonly Field[];
  /** For each field the index of its column, or -1: it is always null. */
  readonly sources: readonly number[];
  readonly makeRow: MakeRow;
  /** One ASCII character. */
  readonly delimiter: string;
  /** One ASCII character, or "" for none. */
  readonly quote: string;
}

export function csvLoop({ columns, fields, sources, makeRow, delimiter, quote }: CsvLoopOptions): CsvLoop {
  const syntax: Syntax = {
    delimiter: delimiter.charCodeAt(0),
    // A byte that there is not.
    quote: quote === "" ? -1 : quote.charCodeAt(0),
    digitsAreData: !/[-+.\deE]/.test(delimiter + quote),
  };
  const parts: string[] = [];
  const taken = sources.filter((source) => source !== -1).sort((a, b) => a - b);
  let next = 0;
  for (const column of taken) {
    parts.push(skipCode(syntax, column - next));
    const index = sources.indexOf(column);
    parts.push(columnCode(syntax, fields[index], `f${index}`, column === columns - 1));
    next = column + 1;
  }
  if (next < columns)
    parts.push(skipCode(syntax, columns - 1 - next), columnCode(syntax, undefined, "", true));
  // A field without a column is one that may be missing.
  const variables = fields.map((_, index) => `f${index} = null`);
  const source = `"use strict";
return function csvLoop(b, text, end, rows, position) {
let p = position.at, count = position.count, start = p, c = 0, a = 0, z = 0, high = 0, twice = false, n = 0, digits = 0;
let minus = false, quoted = false, value;
while (p < end) {
start = p;
c = b[p];
if (c === 10) { p++; continue; }
if (c === 13 && b[p + 1] === 10) { p += 2; continue; }
record: {
let ${variables.join(", ")};
${parts.join("\n")}
rows[count++] = makeRow(${fields.map((_, index) => `f${index}`).join(", ")});
continue;
}
position.at = start;
position.count = count;
return;
}
position.at = p;
position.count = count;
};`;
  const support = { makeRow, textOfField, numberOf, booleanOf, jsonOf, POWERS_OF_TEN };
  return new Function(...Object.keys(support), source)(...Object.values(support)) as CsvLoop;
}

interface Syntax {
  readonly delimiter: number;
  readonly quote: number;
  /** Whether a digit, a sign, a point or an exponent's letter is never a delimiter or a quote. */
  readonly digitsAreData: boolean;
}

/** Passes over columns, of which none is the last. */
function skipCode(syntax: Syntax, columns: number): string {
  if (columns === 0) return "";
  return `for (let k = 0; k < ${columns}; k++) {\n${columnCode(syntax, undefined, "", false)}\n}`;
}

/** Takes one column, and leaves `p` behind its delimiter or line end. */
function columnCode(syntax: Syntax, field: Field | undefined, variable: string, isLast: boolean): string {
  if (field === undefined) return extent(syntax, isLast, false);
  if (field.kind === "number" && syntax.digitsAreData) return numberCode(syntax, field, variable, isLast);
  return `${extent(syntax, isLast, field.kind !== "number")}\n${convert(syntax, field, variable)}`;
}

/** Finds the field's text, [a, z), without its quotes: whether it has bytes above ASCII, and doubled quotes. */
function extent({ delimiter, quote }: Syntax, isLast: boolean, isText: boolean): string {
  const gather = isText ? "high |= c; " : "";
  const plain = `while ((c = b[p]) !== ${delimiter} && c !== 10${quote === -1 ? "" : ` && c !== ${quote}`}) { ${gather}p++; }
z = p;
${isLast ? `if (c !== 10) break record;\nif (z > a && b[z - 1] === 13) z--;\np++;` : `if (c !== ${delimiter}) break record;\np++;`}`;
  const reset = `a = p;${isText ? "\nhigh = 0;" : ""}`;
  if (quote === -1) return `${reset}\n${plain}`;
  return `${reset}
twice = false;
if (b[p] === ${quote}) {
a = ++p;
for (;;) {
while (p < end && (c = b[p]) !== ${quote}) { ${gather}p++; }
if (p >= end) break record;
if (b[p + 1] !== ${quote}) break;
twice = true;
p += 2;
}
z = p++;
${isLast ? "if (b[p] === 13) p++;\nif (b[p] !== 10) break record;" : `if (b[p] !== ${delimiter}) break record;`}
p++;
} else {
${plain}
}`;
}

function convert({ quote }: Syntax, { kind, optional }: Field, variable: string): string {
  const quoted = quote === -1 ? "" : String.fromCharCode(quote);
  const text = `high < 128 && !twice ? text.slice(a, z) : textOfField(b, a, z, ${JSON.stringify(quoted)})`;
  switch (kind) {
    case "string":
      return optional ? `${variable} = a === z ? null : ${text};` : `${variable} = ${text};`;
    case "number":
      return `value = numberOf(text, a, z);
if (value !== value${optional ? "" : " || value === null"}) break record;
${variable} = value;`;
    case "boolean":
      return `value = booleanOf(${text});
if (value === undefined${optional ? "" : " || value === null"}) break record;
${variable} = value;`;
    case "json":
      return `value = jsonOf(${text});
if (value === undefined${optional ? "" : " || a === z"}) break record;
${variable} = value;`;
  }
}

/** Digits are put together on the way; whatever else stands there is found and converted as any other field. */
function numberCode(syntax: Syntax, field: Field, variable: string, isLast: boolean): string {
  const { quote } = syntax;
  // In quotes, it is the same, with a quote behind it.
  const open = quote === -1 ? "" : `quoted = c === ${quote};\nif (quoted) c = b[++p];\n`;
  const close = quote === -1 ? "" : `if (quoted) c = c === ${quote} ? b[++p] : -1;\n`;
  return `a = p;
c = b[p];
${open}minus = c === 45;
if (minus) c = b[++p];
digits = p;
n = 0;
for (; c >= 48 && c <= 57; c = b[++p]) n = n * 10 + (c - 48);
digits = p - digits;
if (c === 46) {
z = p;
for (c = b[++p]; c >= 48 && c <= 57; c = b[++p]) n = n * 10 + (c - 48);
z = p - z - 1;
digits += z;
if (digits <= ${EXACT_DIGITS_MAX}) n /= POWERS_OF_TEN[z];
}
${close}${isLast ? "if (c === 13) c = b[++p];" : ""}
if (c === ${isLast ? 10 : syntax.delimiter} && digits > 0 && digits <= ${EXACT_DIGITS_MAX}) {
${variable} = minus ? -n : n;
p++;
} else {
p = a;
${extent(syntax, isLast, false)}
${convert(syntax, field, variable)}
}`;
}

/** @param quote Every one in the text is the first of two. */
function textOfField(bytes: Buffer, at: number, end: number, quote: string): string {
  const text = bytes.toString("utf8", at, end);
  return quote !== "" && text.includes(quote) ? text.replaceAll(quote + quote, quote) : text;
}
