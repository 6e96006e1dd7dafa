import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";

const [, ...files] = process.argv.slice(2);
const wanted = 1000;

/** @type {[number, number][]} */
let most = [];
let least = Number.NEGATIVE_INFINITY;
const greatestFirst = () => {
  most = most.sort((a, b) => b[1] - a[1]).slice(0, wanted);
  least = most[wanted - 1]?.[1] ?? least;
};
for (const file of files) {
  let isHeader = true;
  const lines = createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY });
  for await (const line of lines) {
    const [id, , text] = line.split(",");
    const value = Number(text);
    if (!isHeader && value > least && most.push([Number(id), value]) >= 2 * wanted) greatestFirst();
    isHeader = false;
  }
}
greatestFirst();
process.stdout.write(most.map((row) => `${JSON.stringify(row)}\n`).join(""));
