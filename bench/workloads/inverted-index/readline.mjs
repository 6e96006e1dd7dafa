import { createReadStream, createWriteStream } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

const [out = "", ...files] = process.argv.slice(2);

/** @type {Map<string, number[]>} */
const index = new Map();
for (const file of files) {
  const lines = createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY });
  for await (const line of lines) {
    const tab = line.indexOf("\t");
    const id = Number(line.slice(0, tab));
    const text = line.slice(tab + 1).toLowerCase();
    for (const word of new Set(text.match(/[a-z0-9]+/g))) {
      const ids = index.get(word);
      if (ids === undefined) index.set(word, [id]);
      else ids.push(id);
    }
  }
}
const written = createWriteStream(join(out, "index"));
for (const [word, ids] of index) written.write(`${word}\t${ids.join(" ")}\n`);
written.end();
