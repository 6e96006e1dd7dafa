import { isMainThread } from "node:worker_threads";
import { Counts, printRows } from "../../by-hand/counts.mjs";
import { overRanges, post, threadRanges } from "../../by-hand/ranges.mjs";

if (isMainThread) {
  const [, ...files] = process.argv.slice(2);
  const counts = new Counts();
  for (const packed of await overRanges(import.meta.url, files)) counts.addPacked(packed);
  printRows(counts.most(1000));
} else {
  const counts = new Counts();
  threadRanges((buffer, start, end) => {
    const words =
      buffer
        .toString("latin1", start, end)
        .toLowerCase()
        .match(/[a-z0-9]+/g) ?? [];
    for (const word of words) counts.add(word, 1);
  });
  post(counts.packed());
}
