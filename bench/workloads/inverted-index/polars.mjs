import { join } from "node:path";
import { pl, writeLines } from "../../start/polars.mjs";

const [out = "", ...files] = process.argv.slice(2);

const schema = { id: pl.Int32, text: pl.Utf8 };
const docs = files.map((path) =>
  pl.scanCSV(path, { sep: "\t", quoteChar: "\x02", hasHeader: false, schema }),
);
const words = pl.col("text").str.toLowerCase().str.replaceAll("[^a-z0-9]+", " ").str.split(" ").alias("word");
const index = pl
  .concat(docs)
  .select(pl.col("id"), words)
  .explode("word")
  .filter(pl.col("word").neq(pl.lit("")))
  .unique()
  .sort("id")
  .groupBy("word")
  .agg(pl.col("id").cast(pl.Utf8))
  .select(pl.concatString([pl.col("word"), pl.col("id").lst.join(" ")], "\t"));
writeLines(await index.collect(), join(out, "index"));
