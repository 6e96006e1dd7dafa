import { linesOf, pl, printRows } from "../../start/polars.mjs";

const [, ...files] = process.argv.slice(2);

const most = await linesOf(files)
  .select(pl.col("line").str.toLowerCase().str.replaceAll("[^a-z0-9]+", " ").str.split(" ").alias("word"))
  .explode("word")
  .filter(pl.col("word").neq(pl.lit("")))
  .groupBy("word")
  .agg(pl.len().alias("n"))
  .sort("n", true)
  .limit(1000)
  .collect({ streaming: true });
printRows(most.rows());
