// For each word, the numbers of the documents that have it, ascending, written as text. The lines may come in any order.

/** @type {import("../../harness/workloads.mjs").Workload[]} */
export const workloads = [
  {
    name: "inverted-index",
    title: "Inverted index",
    data: ({ docsMb }) => [{ kind: "docs", size: docsMb }],
    result: "lines",
    ours: [{ name: "", title: "", job: "bicoastal.ts" }],
  },
];
