import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { isMainThread } from "node:worker_threads";
import { Counts } from "../../by-hand/counts.mjs";
import { overRanges, post, threadRanges } from "../../by-hand/ranges.mjs";

const [out = "", ...files] = process.argv.slice(2);

if (isMainThread) {
  const different = new Counts();
  for (const packed of await overRanges(import.meta.url, files)) different.addPacked(packed);
  writeFileSync(join(out, "distinct"), `${different.keys.join("\n")}\n`, "latin1");
} else {
  const different = new Counts();
  threadRanges((buffer, start, end) => {
    const text = buffer.toString("latin1", start, end);
    for (let at = 0; at < text.length; ) {
      const found = text.indexOf("\n", at);
      const newline = found < 0 ? text.length : found;
      different.add(text.slice(at, newline), 1);
      at = newline + 1;
    }
  });
  post(different.packed());
}
