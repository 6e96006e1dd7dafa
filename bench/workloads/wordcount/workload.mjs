// The thousand most frequent words, lower-cased runs of letters and digits, of a text that has a long tail of rare ones.

/** @type {import("../../harness/workloads.mjs").Workload[]} */
export const workloads = [
  {
    name: "wordcount",
    title: "Word count",
    data: ({ textMb }) => [{ kind: "text", size: textMb, files: 8 }],
    result: "ranked",
    ours: [
      { name: "lambda", title: "lambda", job: "bicoastal.ts" },
      { name: "words", title: "words()", job: "bicoastal-words.ts" },
    ],
  },
];
