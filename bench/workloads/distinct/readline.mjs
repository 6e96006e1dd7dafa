import { createReadStream, createWriteStream } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

const [out = "", ...files] = process.argv.slice(2);

const different = new Set();
for (const file of files) {
  const lines = createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY });
  for await (const line of lines) different.add(line);
}
const written = createWriteStream(join(out, "distinct"));
for (const line of different) written.write(`${line}\n`);
written.end();
