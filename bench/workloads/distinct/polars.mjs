import { join } from "node:path";
import { linesOf, writeLines } from "../../start/polars.mjs";

const [out = "", ...files] = process.argv.slice(2);

writeLines(await linesOf(files).unique().collect({ streaming: true }), join(out, "distinct"));
