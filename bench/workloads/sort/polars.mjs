import { join } from "node:path";
import { linesOf, pl, writeLines } from "../../start/polars.mjs";

const [out = "", ...files] = process.argv.slice(2);

const sorted = linesOf(files).sort([pl.col("line").str.slice(0, 10)]);
writeLines(await sorted.collect(), join(out, "sorted"));
