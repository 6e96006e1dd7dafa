// The sum of a column for each key, the thousand greatest: few keys, which stay in the CPU's cache, and many.

/** @typedef {import("../../harness/workloads.mjs").Workload} Workload */

const keysFew = 100;

/** @param {"csv" | "jsonl"} format @param {"" | "-few"} few @returns {Workload} */
const groupBy = (format, few) => ({
  name: `groupby-${format}${few}`,
  title: `Group by and sum, ${format === "csv" ? "CSV" : "JSON lines"}, ${few === "" ? "many" : "few"} keys`,
  case: format,
  data: ({ rows, keysMany }) => [
    { kind: format === "csv" ? "rows" : "json-rows", size: rows, keys: few === "" ? keysMany : keysFew },
  ],
  result: "ranked",
  ours: [
    { name: "lambda", title: "lambdas", job: `bicoastal-${format}.ts` },
    { name: "declared", title: "sumBy", job: `bicoastal-${format}-declared.ts` },
  ],
});

export const workloads = [
  groupBy("csv", ""),
  groupBy("csv", "-few"),
  groupBy("jsonl", ""),
  groupBy("jsonl", "-few"),
];
