import { pl, printRows } from "../../start/polars.mjs";

const [, ...files] = process.argv.slice(2);
const scan = process.env.BENCH_CASE === "jsonl" ? pl.scanJson : pl.scanCSV;

const most = await pl
  .concat(files.map((path) => scan(path)))
  .groupBy("key")
  .agg(pl.col("value").sum())
  .sort("value", true)
  .limit(1000)
  .collect({ streaming: true });
printRows(most.rows().map((/** @type {[string, number]} */ [key, sum]) => [key, Math.round(sum * 100)]));
