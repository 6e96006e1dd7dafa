import { pl, printRows } from "../../start/polars.mjs";

const [, ...files] = process.argv.slice(2);

const most = await pl
  .concat(files.map((path) => pl.scanCSV(path)))
  .select("id", "value")
  .sort("value", true)
  .limit(1000)
  .collect({ streaming: true });
printRows(most.rows());
