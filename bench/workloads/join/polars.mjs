import { pl, printRows } from "../../start/polars.mjs";

const [, orders = "", customers = ""] = process.argv.slice(2);

const sums = await pl
  .scanCSV(orders)
  .join(pl.scanCSV(customers), { on: "customer", how: "inner" })
  .select(
    pl.col("region"),
    pl
      .col("cents")
      .mul(pl.lit(100).sub(pl.col("discount")))
      .alias("sum"),
  )
  .groupBy("region")
  .agg(pl.col("sum").sum())
  .sort("region")
  .collect({ streaming: true });
printRows(sums.rows());
