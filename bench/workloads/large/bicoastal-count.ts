import { job, read } from "bicoastal";

export default job({
  name: "large-count",
  params: { input: [""] },
  run: ({ input }) => read.lines(input).distinct().count(),
});
