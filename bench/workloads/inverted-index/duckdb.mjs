import { join } from "node:path";
import { copyLines, duckdb, fileList } from "../../start/duckdb.mjs";

const [out = "", ...files] = process.argv.slice(2);

const docs = `read_csv(${fileList(files)}, columns = {'id': 'INTEGER', 'text': 'VARCHAR'}, delim = '\\t', quote = '', escape = '', header = false, auto_detect = false)`;
await copyLines(
  await duckdb(),
  `SELECT word || chr(9) || array_to_string(list_sort(list(id)), ' ')
   FROM (SELECT id, unnest(list_distinct(regexp_extract_all(lower(text), '[a-z0-9]+'))) AS word FROM ${docs})
   GROUP BY word`,
  join(out, "index"),
);
