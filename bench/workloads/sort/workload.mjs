// Records of 100 bytes a line, sorted by their first 10 bytes and written: in memory, and within a budget that is a
// small part of the data.

/** @type {import("../../harness/workloads.mjs").Workload[]} */
export const workloads = [
  {
    name: "sort",
    title: "Sort of 100-byte records, in memory",
    data: ({ sortMb }) => [{ kind: "records", size: sortMb }],
    result: "files",
    ours: [{ name: "", title: "", job: "bicoastal.ts" }],
  },
  {
    name: "sort-spill",
    title: "Sort of 100-byte records, larger than memory",
    data: ({ spillMb }) => [{ kind: "records", size: spillMb }],
    result: "files",
    memory: ({ spillMemory }) => spillMemory,
    // Those that can be told a budget.
    peers: ["duckdb", "gnu"],
    ours: [{ name: "", title: "", job: "bicoastal.ts" }],
  },
];
