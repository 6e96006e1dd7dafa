import { join } from "node:path";
import { duckdb, linesOf, quoted } from "../../start/duckdb.mjs";

const [out = "", ...files] = process.argv.slice(2);

const connection = await duckdb();
await connection.run(
  `COPY (SELECT line FROM ${linesOf(files)} ORDER BY line[1:10])
   TO ${quoted(join(out, "sorted"))} (FORMAT csv, HEADER false, DELIMITER '\\x01', QUOTE '', ESCAPE '')`,
);
