import { job, read } from "bicoastal";

export default job({
  name: "groupby-csv",
  params: { input: [""] },
  run: ({ input }) =>
    read
      .csv(input, { fields: { key: "string", value: "number" } })
      .map((row) => [row.key, row.value])
      .reduceByKey((a, b) => a + b)
      .map(([key, sum]) => [key, Math.round(sum * 100)])
      .top(1000, ([, cents]) => cents),
});
