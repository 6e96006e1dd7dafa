import { job, read } from "bicoastal";

export default job({
  name: "grep",
  params: { input: [""], out: "" },
  run: ({ input, out }) =>
    read
      .lines(input)
      .filter((line) => /(king|queen)s? of [A-Z]/.test(line))
      .write("text", out),
});
