import { job, read } from "bicoastal";

export default job({
  name: "large-sort",
  params: { input: [""], out: "" },
  run: ({ input, out }) =>
    read
      .lines(input)
      .sortBy((line) => line.slice(0, 10))
      .write("text", out),
});
