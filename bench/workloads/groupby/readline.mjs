import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";

const [, ...files] = process.argv.slice(2);

/** @type {(line: string) => [string, number]} */
const parse =
  process.env.BENCH_CASE === "jsonl"
    ? (line) => {
        const { key, value } = JSON.parse(line);
        return [key, value];
      }
    : (line) => {
        const [, key = "", value] = line.split(",");
        return [key, Number(value)];
      };

/** @type {Map<string, number>} */
const sums = new Map();
for (const file of files) {
  const lines = createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY });
  let isHeader = process.env.BENCH_CASE === "csv";
  for await (const line of lines) {
    if (!isHeader) {
      const [key, value] = parse(line);
      sums.set(key, (sums.get(key) ?? 0) + value);
    }
    isHeader = false;
  }
}
const most = [...sums].sort((a, b) => b[1] - a[1]).slice(0, 1000);
process.stdout.write(most.map(([key, sum]) => `${JSON.stringify([key, Math.round(sum * 100)])}\n`).join(""));
