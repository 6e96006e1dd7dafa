import { job, read } from "bicoastal";

export default job({
  name: "wordcount",
  params: { input: [""] },
  run: ({ input }) =>
    read
      .lines(input)
      .flatMap((line) => line.toLowerCase().match(/[a-z0-9]+/g) ?? [])
      .countBy((word) => word)
      .top(1000, ([, count]) => count),
});
