// Orders joined with their customers by name, then summed by the customers' region: with few customers, which fit into
// a cache, and with many. A tenth of the orders is of customers that are not there.

/** @param {"small" | "large"} size @param {(rows: number) => number} customers @returns {import("../../harness/workloads.mjs").Workload} */
const join = (size, customers) => ({
  name: `join-${size}`,
  title: `Join of two CSVs, ${size === "small" ? "one small" : "both large"}`,
  data: ({ rows }) => {
    const orders = size === "small" ? rows : rows / 2;
    return [
      { kind: "customer-rows", size: orders, keys: customers(rows) },
      { kind: "customers", size: customers(rows) },
    ];
  },
  result: "rows",
  params: ["orders", "customers"],
  ours: [{ name: "", title: "", job: "bicoastal.ts" }],
});

export const workloads = [join("small", (rows) => rows / 1000), join("large", (rows) => rows / 4)];
