import { job, read } from "bicoastal";

export default job({
  name: "groupby-csv-declared",
  params: { input: [""] },
  run: ({ input }) =>
    read
      .csv(input, { fields: { key: "string", value: "number" } })
      .keyBy("key")
      .sumBy("value")
      .map(([key, sum]) => [key, Math.round(sum * 100)])
      .top(1000, ([, cents]) => cents),
});
