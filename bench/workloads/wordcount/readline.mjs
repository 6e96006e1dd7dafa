import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";

const [, ...files] = process.argv.slice(2);

/** @type {Map<string, number>} */
const counts = new Map();
for (const file of files) {
  const lines = createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY });
  for await (const line of lines) {
    for (const word of line.toLowerCase().match(/[a-z0-9]+/g) ?? [])
      counts.set(word, (counts.get(word) ?? 0) + 1);
  }
}
const most = [...counts].sort((a, b) => b[1] - a[1]).slice(0, 1000);
process.stdout.write(most.map((pair) => `${JSON.stringify(pair)}\n`).join(""));
