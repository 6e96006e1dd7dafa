import { join } from "node:path";
import { linesOf, pl, writeLines } from "../../start/polars.mjs";

const [out = "", ...files] = process.argv.slice(2);

const found = linesOf(files).filter(pl.col("line").str.contains("(king|queen)s? of [A-Z]"));
writeLines(await found.collect({ streaming: true }), join(out, "found"));
