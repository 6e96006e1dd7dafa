// Each thread keeps all customers in a table of its own, and joins its ranges of the orders with them.
import { readFileSync } from "node:fs";
import { isMainThread } from "node:worker_threads";
import { Counts, printRows } from "../../by-hand/counts.mjs";
import { overRanges, post, threadRanges } from "../../by-hand/ranges.mjs";

const [, orders = "", customers = ""] = process.argv.slice(2);

/** Regions by number, and for each customer its region's number and its share of 100 in one number. */
function readCustomers() {
  const text = readFileSync(customers, "latin1");
  /** @type {string[]} */
  const regions = [];
  /** @type {Map<string, number>} */
  const numbers = new Map();
  const byName = new Counts();
  for (let at = text.indexOf("\n") + 1; at < text.length; ) {
    const newline = text.indexOf("\n", at);
    const first = text.indexOf(",", at);
    const second = text.indexOf(",", first + 1);
    const region = text.slice(first + 1, second);
    let number = numbers.get(region);
    if (number === undefined) {
      number = regions.length;
      regions.push(region);
      numbers.set(region, number);
    }
    byName.add(text.slice(at, first), number * 128 + 100 - Number(text.slice(second + 1, newline)));
    at = newline + 1;
  }
  return { regions, byName };
}

if (isMainThread) {
  /** @type {Map<string, number>} */
  const sums = new Map();
  for (const part of await overRanges(import.meta.url, [orders]))
    for (const [region, sum] of part) sums.set(region, (sums.get(region) ?? 0) + sum);
  printRows([...sums].sort(([a], [b]) => (a < b ? -1 : 1)));
} else {
  const { regions, byName } = readCustomers();
  const sums = new Float64Array(regions.length);
  threadRanges((buffer, start, end) => {
    const text = buffer.toString("latin1", start, end);
    for (let at = 0; at < text.length; ) {
      const first = text.indexOf(",", at);
      const second = text.indexOf(",", first + 1);
      const found = text.indexOf("\n", second);
      const newline = found < 0 ? text.length : found;
      const customer = byName.get(text.slice(first + 1, second));
      if (customer !== undefined) {
        const region = customer >> 7;
        sums[region] = (sums[region] ?? 0) + Number(text.slice(second + 1, newline)) * (customer & 127);
      }
      at = newline + 1;
    }
  });
  post(regions.map((region, i) => [region, sums[i]]));
}
