import { duckdb, fileList, printQuery } from "../../start/duckdb.mjs";

const [, ...files] = process.argv.slice(2);
const columns = "{'id': 'INTEGER', 'key': 'VARCHAR', 'value': 'DOUBLE'}";

await printQuery(
  await duckdb(),
  `SELECT id, value FROM read_csv(${fileList(files)}, header = true, delim = ',', columns = ${columns})
   ORDER BY value DESC LIMIT 1000`,
);
