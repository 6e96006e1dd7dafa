// The different lines of a file in which one in four is new, written in any order.

/** @type {import("../../harness/workloads.mjs").Workload[]} */
export const workloads = [
  {
    name: "distinct",
    title: "Distinct lines",
    data: ({ distinctRows }) => [{ kind: "keys", size: distinctRows }],
    result: "lines",
    ours: [{ name: "", title: "", job: "bicoastal.ts" }],
  },
];
