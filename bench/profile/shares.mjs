// What a report of `perf` says of where a run's time went, added up by kind. A symbol's kind is told by its name, as V8
// writes it into the map that `--perf-basic-prof` makes, and as Node's own binary has it.

/** What time goes to, as the table's columns name it. */
export const kinds = /** @type {const} */ ([
  "JavaScript",
  "kernels",
  "built-ins",
  "garbage",
  "compiling",
  "system",
  "rest",
]);

/** @typedef {(typeof kinds)[number]} Kind */

/**
 * @typedef {object} Shares
 * @property {number} samples
 * @property {Map<Kind, number>} byKind Samples, of all threads.
 * @property {[string, number][]} functions Of JavaScript and of kernels by name, the largest first.
 */

const garbage =
  /Scaveng|MarkCompact|Marking|Marker|Sweep|Evacuat|GarbageColl|MemoryAllocator|FreeList|SemiSpace|PagedSpace|NewSpace|Weak.*Visitor|::Heap::|HeapVisitor/;
const compiling =
  /compiler::|turboshaft|maglev|baseline::|interpreter::|Parser|Scanner::|Bytecode|Builtins_.*Handler$|InterpreterEntry|wasm::|Liftoff|Deoptimiz|Optimiz|SourcePosition/i;
/** V8's own code in Node's binary, and what it makes for regular expressions. */
const builtIn = /^Builtins_|^v8::|^RegExp:|Irregexp/;
const javaScript = /(?:^|\s)(?:JS|Function|LazyCompile|Script|Eval|Builtin):/;
const kernel = /wasm-function|wasm-to-js|js-to-wasm/;

/** @param {string} level `k` where it is the system's. @param {string} symbol @returns {Kind} */
function kindOf(level, symbol) {
  if (level === "k" || level === "H" || level === "g") return "system";
  if (kernel.test(symbol)) return "kernels";
  // Between code that was compiled and functions by name: a function that the interpreter runs is named as well.
  if (javaScript.test(symbol)) return "JavaScript";
  if (garbage.test(symbol)) return "garbage";
  if (compiling.test(symbol)) return "compiling";
  if (builtIn.test(symbol)) return "built-ins";
  return "rest";
}

/** `JS:*name file:1:2` is how V8 writes a function that was optimised. @param {string} symbol */
const nameOf = (symbol) => /JS:[*^~+']*(\S*)/.exec(symbol)?.[1] || "a function without a name";

/**
 * @param {string} report Of `perf report --stdio -n -t TAB --sort dso,symbol`.
 * @returns {Shares}
 */
export function sharesOf(report) {
  /** @type {Map<Kind, number>} */
  const byKind = new Map(kinds.map((kind) => [kind, 0]));
  /** @type {Map<string, number>} */
  const named = new Map();
  let samples = 0;
  for (const line of report.split("\n")) {
    const [share, count, , symbol] = line.split("\t").map((cell) => cell.trim());
    // Two columns that nobody asked for follow.
    const parts = /^\[(.)\]\s+(.*?)(?:\s+-\s+-)?$/.exec(symbol ?? "");
    if (!share?.endsWith("%") || parts === null) continue;
    const [, level = "", name = ""] = parts;
    const kind = kindOf(level, name);
    const part = Number(count);
    samples += part;
    byKind.set(kind, (byKind.get(kind) ?? 0) + part);
    if (kind !== "JavaScript") continue;
    named.set(nameOf(name), (named.get(nameOf(name)) ?? 0) + part);
  }
  const functions = [...named].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  return { samples, byKind, functions };
}
