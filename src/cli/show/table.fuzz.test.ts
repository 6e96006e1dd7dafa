import fc from "fast-check";
import { expect, test } from "vitest";
import { escapeText } from "./escape.ts";
import { renderTable } from "./table.ts";
import { displayWidth, padToWidth, truncateToWidth } from "./width.ts";

const text = fc.string({ unit: "binary", maxLength: 60 });
const CONTROL = /\p{Cc}|[\u202a-\u202e\u2066-\u2069\u2028\u2029]|\p{Cs}/u;

test("no line of a table is wider than the terminal or moves its cursor, whatever the rows are", () => {
  fc.assert(
    fc.property(
      fc.array(fc.anything({ withMap: true, withSet: true, withDate: true, withBigInt: true }), {
        maxLength: 8,
      }),
      fc.integer({ min: 1, max: 200 }),
      (rows, columns) => {
        for (const line of renderTable(rows, { columns, rowsMax: 50 })) {
          expect(line).not.toMatch(CONTROL);
          if (!line.startsWith("…")) expect(displayWidth(line)).toBeLessThanOrEqual(columns);
        }
      },
    ),
    { numRuns: 500 },
  );
});

test("escaped text is visible, and text that was visible stays as it is", () => {
  fc.assert(
    fc.property(text, (value) => {
      const escaped = escapeText(value);
      expect(escaped).not.toMatch(CONTROL);
      if (/^[\x20-\x7e]*$/.test(value)) expect(escaped).toBe(value);
    }),
  );
});

test("truncating keeps a beginning and fits; padding fills exactly", () => {
  fc.assert(
    fc.property(text.map(escapeText), fc.integer({ min: 1, max: 80 }), (value, cells) => {
      const short = truncateToWidth(value, cells);
      expect(displayWidth(short)).toBeLessThanOrEqual(cells);
      if (displayWidth(value) <= cells) expect(short).toBe(value);
      else expect(value.startsWith(short.slice(0, -1))).toBe(true);
      expect(displayWidth(padToWidth(short, cells, "right"))).toBe(cells);
    }),
  );
});
