/** Lines of a job's log, from a disk that damaged them or a node that says anything. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { LOG_LEVELS, type LogEntry } from "../../plan/task-logs.ts";
import { entriesIn } from "./job-logs.ts";

const whole: fc.Arbitrary<LogEntry> = fc.record(
  {
    atMs: fc.integer({ min: 0, max: 4e12 }),
    level: fc.constantFrom(...LOG_LEVELS),
    node: fc.string(),
    message: fc.string({ unit: "binary" }),
    attempt: fc.constant("s1.p2.e1.a0"),
    fields: fc.jsonValue(),
    error: fc.constant({ code: "BLOB_MISSING", details: {} }),
  },
  { requiredKeys: ["atMs", "level", "node", "message"], noNullPrototype: true },
) as fc.Arbitrary<LogEntry>;

const field = fc.constantFrom("atMs", "level", "node", "message", "attempt", "error", "__proto__");
const line = fc.oneof(
  whole.map((entry) => JSON.stringify(entry)),
  fc
    .tuple(whole, field, fc.jsonValue())
    .map(([entry, name, value]) => JSON.stringify({ ...entry, [name]: value })),
  whole.map((entry) => JSON.stringify(entry).replace(/"atMs":\d+/, '"atMs":1e999')),
  fc.tuple(whole, fc.nat()).map(([entry, at]) => {
    const text = JSON.stringify(entry);
    return text.slice(0, at % text.length);
  }),
  fc.jsonValue().map((value) => JSON.stringify(value)),
);

test("what is written comes back, line by line", () => {
  fc.assert(
    fc.property(fc.array(whole), (entries) => {
      const lines = entries.map((entry) => JSON.stringify(entry));
      const read = entriesIn(Buffer.from(`${lines.join("\n")}\n`));
      expect(read.map((entry) => JSON.stringify(entry))).toEqual(lines);
    }),
  );
});

test("of any bytes there are lines that can be shown, or none", () => {
  const bytes = fc.oneof(
    fc.array(line).map((lines) => Buffer.from(lines.join("\n"))),
    fc.uint8Array({ maxLength: 300 }),
  );
  let shown = 0;
  fc.assert(
    fc.property(bytes, (given) => {
      for (const { atMs, level, node, message, attempt, error } of entriesIn(given)) {
        shown++;
        expect(new Date(atMs).toISOString()).toBeTypeOf("string");
        expect(LOG_LEVELS).toContain(level);
        for (const text of [node, message, attempt ?? "", error?.code ?? ""])
          expect(text).toBeTypeOf("string");
        if (error !== undefined) expect(error.details).toBeInstanceOf(Object);
      }
    }),
    { numRuns: 2_000 },
  );
  expect(shown).toBeGreaterThan(0);
});
