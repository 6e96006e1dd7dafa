// The most frequent words of a text.
//
//     npx bicoastal run examples/wordcount.ts
//     npx bicoastal run examples/wordcount.ts --input 'logs/*.txt' --top 5
import { job, read } from "bicoastal";

export default job({
  name: "wordcount",
  params: { input: "examples/data/kjv/*.txt", top: 20 },
  run: ({ input, top }) =>
    read
      .lines(input)
      .flatMap((line) => line.toLowerCase().match(/[a-z']+/g) ?? [])
      .countBy((word) => word)
      .top(top, ([, count]) => count),
});
