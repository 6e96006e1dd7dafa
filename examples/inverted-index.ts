// An index to search by: for each word of the packages' summaries, the packages that have it.
//
//     npx bicoastal run examples/inverted-index.ts
//     gzip -dc .bicoastal-out/index/*.gz | grep '^{"word":"editor"'
import { job, read } from "bicoastal";

const wordsOf = (text: string): string[] => text.toLowerCase().match(/[a-z][a-z0-9+-]*/g) ?? [];

export default job({
  name: "inverted-index",
  params: { input: "examples/data/packages/packages.csv", out: ".bicoastal-out/index", overwrite: false },
  run: ({ input, out, overwrite }) => {
    const postings = read
      .csv(input)
      .flatMap(({ name = "", summary = "" }) =>
        wordsOf(summary).map((word): [string, string] => [word, name]),
      )
      // A summary may have a word twice; its package is listed once.
      .distinct()
      .groupByKey()
      // Few enough to sort in memory: there are not so many packages with one word.
      .map(([word, names]) => ({ word, packages: [...names].sort() }));
    return {
      words: postings.count(),
      longest: postings
        .map(({ word, packages }) => ({ word, packages: packages.length }))
        .top(10, (p) => p.packages),
      index: postings.write("jsonl", out, { gzip: true, overwrite }),
    };
  },
});
