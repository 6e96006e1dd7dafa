import { job, read } from "bicoastal";

export default job({
  name: "groupby-jsonl-declared",
  params: { input: [""] },
  run: ({ input }) =>
    read
      .jsonl(input, { fields: { key: "string", value: "number" } })
      .keyBy("key")
      .sumBy("value")
      .map(([key, sum]) => [key, Math.round(sum * 100)])
      .top(1000, ([, cents]) => cents),
});
