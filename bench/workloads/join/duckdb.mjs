import { duckdb, printQuery, quoted } from "../../start/duckdb.mjs";

const [, orders = "", customers = ""] = process.argv.slice(2);

const csv = (/** @type {string} */ path, /** @type {string} */ columns) =>
  `read_csv(${quoted(path)}, header = true, delim = ',', columns = ${columns})`;

await printQuery(
  await duckdb(),
  `SELECT region, sum(cents * (100 - discount))::DOUBLE
   FROM ${csv(orders, "{'order': 'BIGINT', 'customer': 'VARCHAR', 'cents': 'BIGINT'}")}
   JOIN ${csv(customers, "{'customer': 'VARCHAR', 'region': 'VARCHAR', 'discount': 'BIGINT'}")} USING (customer)
   GROUP BY region ORDER BY region`,
);
