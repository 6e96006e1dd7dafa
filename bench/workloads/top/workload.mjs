// The thousand rows of a CSV with the greatest value.

/** @type {import("../../harness/workloads.mjs").Workload[]} */
export const workloads = [
  {
    name: "top",
    title: "Top thousand",
    data: ({ rows, keysMany }) => [{ kind: "rows", size: rows, keys: keysMany }],
    result: "ranked",
    ours: [{ name: "", title: "", job: "bicoastal.ts" }],
  },
];
