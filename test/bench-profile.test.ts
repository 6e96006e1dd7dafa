import { expect, test } from "vitest";
import { sharesOf } from "../bench/profile/shares.mjs";

/** As `perf report --stdio -n -t TAB --sort dso,symbol` writes it, with the width of names that it pads to. */
const REPORT = `# Samples: 100  of event 'cpu-clock'
#
# Overhead\tSamples\tShared Object    \tSymbol
 30.00%\t 30\t[JIT] tid 485    \t[.] JS:*enterText file:///dist/task-thread.js:9235:11   -      -
 10.00%\t 10\t[JIT] tid 485    \t[.] JS:^enterText file:///dist/task-thread.js:9235:11   -      -
  5.00%\t 5\t[JIT] tid 485    \t[.] JS:* file:///dist/task-thread.js:1:11   -      -
 12.00%\t 12\t[JIT] tid 485    \t[.] wasm-function[5]-5-turbofan   -      -
  8.00%\t 8\tnode             \t[.] Builtins_RegExpMatchFast   -      -
  7.00%\t 7\t[JIT] tid 485    \t[.] RegExp:[a-z0-9]+   -      -
  6.00%\t 6\tnode             \t[.] v8::internal::Scavenger::ScavengePage   -      -
  4.00%\t 4\tnode             \t[.] v8::internal::compiler::Typer::Visitor::TypeNode   -      -
  3.00%\t 3\tnode             \t[.] Builtins_LdaNamedPropertyHandler   -      -
  9.00%\t 9\t[kernel.kallsyms]\t[k] copy_user_generic   -      -
  6.00%\t 6\tnode             \t[.] crc32_z   -      -
`;

test("adds up where time goes, each sample once", () => {
  const { samples, byKind, functions } = sharesOf(REPORT);
  expect(samples).toBe(100);
  expect([...byKind]).toEqual([
    ["JavaScript", 45],
    ["kernels", 12],
    ["built-ins", 15],
    ["garbage", 6],
    ["compiling", 7],
    ["system", 9],
    ["rest", 6],
  ]);
  expect(functions).toEqual([
    ["enterText", 40],
    ["a function without a name", 5],
  ]);
});

test("makes nothing of a report without samples", () => {
  expect(sharesOf("# no samples\n\n").samples).toBe(0);
});
