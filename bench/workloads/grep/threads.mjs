import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { isMainThread, threadId } from "node:worker_threads";
import { overRanges, post, threadRanges } from "../../by-hand/ranges.mjs";

const [out = "", ...files] = process.argv.slice(2);

if (isMainThread) await overRanges(import.meta.url, files);
else {
  /** @type {string[]} */
  const found = [];
  threadRanges((buffer, start, end) => {
    const text = buffer.toString("latin1", start, end);
    // Searching the whole chunk, and looking for the line only where something is found, is far faster than a test
    // of each line.
    const pattern = /(king|queen)s? of [A-Z]/g;
    while (pattern.test(text)) {
      const newline = text.indexOf("\n", pattern.lastIndex);
      const lineEnd = newline < 0 ? text.length : newline;
      found.push(`${text.slice(text.lastIndexOf("\n", pattern.lastIndex - 1) + 1, lineEnd)}\n`);
      pattern.lastIndex = lineEnd;
    }
  });
  writeFileSync(join(out, `found-${threadId}`), found.join(""), "latin1");
  post(undefined);
}
