// A total sort, written as files: words by length, the longest first, and those of equal length by the alphabet. The
// files are in order, and so are the lines in each.
//
//     npx bicoastal run examples/sort-words.ts
import { job, read } from "bicoastal";

export default job({
  name: "sort-words",
  params: {
    input: "examples/data/words/american-english.txt",
    out: ".bicoastal-out/sorted",
    overwrite: false,
  },
  run: ({ input, out, overwrite }) =>
    read
      .lines(input)
      .filter((word) => !word.includes("'"))
      .sortBy((word) => [word.length, word], { descending: [true, false] })
      .write("text", out, { overwrite }),
});
