import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";

const [, orders = "", customers = ""] = process.argv.slice(2);

/** The fields of each line after the first. @param {string} path */
async function* rowsOf(path) {
  let isHeader = true;
  const lines = createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY });
  for await (const line of lines) {
    if (!isHeader) yield line.split(",");
    isHeader = false;
  }
}

/** @type {Map<string, { region: string, share: number }>} */
const byName = new Map();
for await (const [name = "", region = "", discount] of rowsOf(customers))
  byName.set(name, { region, share: 100 - Number(discount) });

/** @type {Map<string, number>} */
const sums = new Map();
for await (const [, name = "", cents] of rowsOf(orders)) {
  const customer = byName.get(name);
  if (customer !== undefined)
    sums.set(customer.region, (sums.get(customer.region) ?? 0) + Number(cents) * customer.share);
}
const rows = [...sums].sort(([a], [b]) => (a < b ? -1 : 1));
process.stdout.write(rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
