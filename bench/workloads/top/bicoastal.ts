import { job, read } from "bicoastal";

export default job({
  name: "top",
  params: { input: [""] },
  run: ({ input }) =>
    read
      .csv(input, { fields: { id: "number", value: "number" } })
      .top(1000, (row) => row.value)
      .map((row) => [row.id, row.value]),
});
