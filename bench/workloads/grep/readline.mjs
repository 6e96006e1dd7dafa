import { createReadStream, createWriteStream } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

const [out = "", ...files] = process.argv.slice(2);
const found = createWriteStream(join(out, "found"));
for (const file of files) {
  const lines = createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY });
  for await (const line of lines) if (/(king|queen)s? of [A-Z]/.test(line)) found.write(`${line}\n`);
}
found.end();
