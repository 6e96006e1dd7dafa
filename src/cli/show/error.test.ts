import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { InvariantViolation } from "../../base/assert.ts";
import { BicoastalError, fromErrorInfo } from "../../base/errors.ts";
import { type ErrorContext, errorJson, errorLines, exitCodeOfError } from "./error.ts";
import { firstUserFrame } from "./source-excerpt.ts";

const directory = mkdtempSync(join(tmpdir(), "bicoastal-error-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const file = join(directory, "wordcount.ts");
writeFileSync(
  file,
  ["export default job({", "  run: () =>", "\tread.lines(x).map((line) => line.oops())", "", "});"].join(
    "\n",
  ),
);

const context: ErrorContext = { cwd: directory, ownRoot: "/pkg/dist/", style: (_, text) => text };
const render = (error: unknown, changes: Partial<ErrorContext> = {}): string =>
  `\n${errorLines(error, { ...context, ...changes }).join("\n")}\n`;

const USER_ERROR = fromErrorInfo({
  code: "USER_FUNCTION",
  message: "TypeError: line.oops is not a function, in map, at books/a.txt line 12",
  retryable: true,
  details: { file: "books/a.txt", line: 12, record: "In the \u001b[31mbeginning" },
  stack: [
    "    at Array.map (<anonymous>)",
    "    at run (file:///pkg/dist/thread.js:10:2)",
    "    at helper (/project/node_modules/lodash/x.js:1:1)",
    `    at ${file}:3:34`,
    "    at node:internal/x:1:1",
  ].join("\n"),
});

test("a user's error shows the user's line, the record, and how to go on", () => {
  expect(render(USER_ERROR, { job: "wordcount-k3" })).toMatchInlineSnapshot(`
    "
    error[USER_FUNCTION]: TypeError: line.oops is not a function, in map, at books/a.txt line 12
      record: In the \\x1b[31mbeginning
      at wordcount.ts:3:34
        1 | export default job({
        2 |   run: () =>
      > 3 |   read.lines(x).map((line) => line.oops())
          |                                   ^

    To go on from here, without redoing what is done: bicoastal resume wordcount-k3
    "
  `);
});

test("a source that is gone, or shorter by now, leaves the place", () => {
  const gone = new BicoastalError("USER_FUNCTION", "no");
  gone.stack = "x\n    at f (/nowhere/a.ts:3:1)";
  expect(render(gone)).toMatchInlineSnapshot(`
    "
    error[USER_FUNCTION]: no
      at /nowhere/a.ts:3:1
    "
  `);
  gone.stack = `x\n    at f (${file}:300:1)`;
  expect(render(gone)).toMatchInlineSnapshot(`
    "
    error[USER_FUNCTION]: no
      at wordcount.ts:300:1
    "
  `);
});

test("what the user's function threw is found behind our error, and causes are told once", () => {
  const cause = new RangeError("too far");
  cause.stack = `RangeError: too far\n    at ${file}:1:16`;
  expect(
    render(new BicoastalError("USER_FUNCTION", "`run` of job x threw", { cause })),
  ).toMatchInlineSnapshot(`
    "
    error[USER_FUNCTION]: \`run\` of job x threw
      at wordcount.ts:1:16
      > 1 | export default job({
          |                ^
        2 |   run: () =>
      caused by: RangeError: too far
    "
  `);
  expect(render(new BicoastalError("DISK_FULL", "full: too far", { cause }))).toBe(
    "\nerror[DISK_FULL]: full: too far\n",
  );
});

test("errors that would only come again do not offer to resume", () => {
  expect(render(new BicoastalError("INPUT_CHANGED", "a.txt changed"), { job: "j" })).not.toContain("resume");
  expect(render(new BicoastalError("USAGE", "no"), { job: "j" })).not.toContain("resume");
});

test("messages keep their lines but not their control characters", () => {
  expect(render(new BicoastalError("DISK_FULL", "a.ts:\n  \u001b[2Jx"))).toBe(
    "\nerror[DISK_FULL]: a.ts:\n  \\x1b[2Jx\n",
  );
});

test("a bug shows its stack and asks for a report", () => {
  const bug = new InvariantViolation("This must always hold");
  bug.stack = "InvariantViolation: x\n    at f (/pkg/dist/a.js:1:2)";
  expect(render(bug)).toMatchInlineSnapshot(`
    "
    internal error: InvariantViolation: This must always hold
        at f (/pkg/dist/a.js:1:2)

    This is a bug in Bicoastal. Please report it with the lines above.
    "
  `);
  expect(render("just text")).toMatchInlineSnapshot(`
    "
    internal error: Thrown, and not an Error: just text

    This should not have come this far: it is most likely a bug in Bicoastal. Please report it with the lines above.
    "
  `);
});

test("as JSON", () => {
  expect(JSON.parse(errorJson(USER_ERROR, context))).toEqual({
    error: {
      code: "USER_FUNCTION",
      message: USER_ERROR.message,
      retryable: true,
      details: USER_ERROR.details,
      source: { file, line: 3, column: 34 },
    },
  });
  expect(JSON.parse(errorJson(new Error("x"), context))).toMatchObject({
    error: { code: "INTERNAL", message: "Error: x", stack: expect.any(Array) },
  });
  expect(JSON.parse(errorJson(USER_ERROR, { ...context, job: "j-1" }))).toMatchObject({
    error: { job: "j-1" },
  });
});

test("exit codes", () => {
  const codes = ["USAGE", "PARAM_INVALID", "PARAM_UNKNOWN", "JOB_NOT_FOUND", "USER_FUNCTION"] as const;
  expect(codes.map((code) => exitCodeOfError(new BicoastalError(code, "")))).toEqual([2, 2, 2, 2, 1]);
  expect(exitCodeOfError(new Error(""))).toBe(1);
});

test.each([
  ["    at f (file:///home/me/a%20b.ts:3:4)", { file: "/home/me/a b.ts", line: 3, column: 4 }],
  ["    at async /home/me/a.ts:3:4", { file: "/home/me/a.ts", line: 3, column: 4 }],
  ["    at async Promise.all (index 0)", undefined],
  ["    at f (node:fs:1:1)", undefined],
  ["    at f (eval at x (/a.ts:1:1), <anonymous>:1:1)", undefined],
  ["    at /pkg/dist/x.js:1:1", undefined],
  ["text at /home/a.ts:1:1", undefined],
])("the frame %s", (line, place) => {
  expect(firstUserFrame(line, "/pkg/dist/")).toEqual(place);
});
