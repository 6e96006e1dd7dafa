// The peer: what one writes without Bicoastal, one thread, `readline` and a Map. The same words by the same pattern.
//     node bench/peers/readline-wordcount.mjs TOP FILE…
// Prints the most frequent words as JSON lines, as `bicoastal run examples/wordcount.ts --json` does.
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";

const [top = "20", ...files] = process.argv.slice(2);

/** @type {Map<string, number>} */
const counts = new Map();
for (const file of files) {
  for await (const line of createInterface({
    input: createReadStream(file),
    crlfDelay: Number.POSITIVE_INFINITY,
  })) {
    for (const word of line.toLowerCase().match(/[a-z']+/g) ?? [])
      counts.set(word, (counts.get(word) ?? 0) + 1);
  }
}
const most = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, Number(top));
process.stdout.write(most.map((pair) => `${JSON.stringify(pair)}\n`).join(""));
