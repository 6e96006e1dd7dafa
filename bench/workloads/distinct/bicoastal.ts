import { job, read } from "bicoastal";

export default job({
  name: "distinct",
  params: { input: [""], out: "" },
  run: ({ input, out }) => read.lines(input).distinct().write("text", out),
});
