// Far more than fits: within 1 GB of memory, a sort of 8 GB and a count of 100 million different names. Only run where
// asked for (`--only large`), as they take minutes, and the first needs 30 GB of disk. The smaller scales have a share.

const memory = () => "1GB";

/** Of the full size. @param {import("../../harness/scales.mjs").Scale} scale */
const share = ({ sortMb }) => Math.min(1, sortMb / 1000);

/** @type {import("../../harness/workloads.mjs").Workload[]} */
export const workloads = [
  {
    name: "large-sort",
    title: "Sort of 8 GB within 1 GB",
    data: (scale) => [{ kind: "records", size: 8000 * share(scale) }],
    result: "files",
    memory,
    large: true,
    peers: ["duckdb", "gnu"],
    ours: [{ name: "", title: "", job: "bicoastal-sort.ts" }],
  },
  {
    name: "large-count",
    title: "Count of 100 million different names within 1 GB",
    data: (scale) => [{ kind: "names", size: Math.round(100_000_000 * share(scale)) }],
    result: "rows",
    memory,
    large: true,
    peers: ["duckdb", "gnu"],
    case: "count",
    ours: [{ name: "", title: "", job: "bicoastal-count.ts" }],
  },
];
