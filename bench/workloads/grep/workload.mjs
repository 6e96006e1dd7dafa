// The lines that match a pattern, written. Three in a hundred do.

/** @type {import("../../harness/workloads.mjs").Workload[]} */
export const workloads = [
  {
    name: "grep",
    title: "Grep",
    data: ({ textMb }) => [{ kind: "text", size: textMb, files: 8 }],
    result: "lines",
    ours: [{ name: "", title: "", job: "bicoastal.ts" }],
  },
];
