import { job, read } from "bicoastal";

export default job({
  name: "wordcount-words",
  params: { input: [""] },
  run: ({ input }) =>
    read
      .lines(input)
      .words()
      .countBy()
      .top(1000, ([, count]) => count),
});
