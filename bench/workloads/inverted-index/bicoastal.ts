import { job, read } from "bicoastal";

function postings(line: string): [string, number][] {
  const tab = line.indexOf("\t");
  const id = Number(line.slice(0, tab));
  const words = new Set(
    line
      .slice(tab + 1)
      .toLowerCase()
      .match(/[a-z0-9]+/g),
  );
  return Array.from(words, (word) => [word, id]);
}

export default job({
  name: "inverted-index",
  params: { input: [""], out: "" },
  run: ({ input, out }) =>
    read
      .lines(input)
      .flatMap(postings)
      .groupByKey()
      .map(([word, ids]) => `${word}\t${[...ids].join(" ")}`)
      .write("text", out),
});
