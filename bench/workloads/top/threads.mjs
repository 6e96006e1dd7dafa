import { isMainThread } from "node:worker_threads";
import { printRows } from "../../by-hand/counts.mjs";
import { overRanges, post, threadRanges } from "../../by-hand/ranges.mjs";

const [, ...files] = process.argv.slice(2);
const wanted = 1000;

/** @param {[number, number][]} rows */
const greatest = (rows) => rows.sort((a, b) => b[1] - a[1]).slice(0, wanted);

if (isMainThread) printRows(greatest((await overRanges(import.meta.url, files)).flat()));
else {
  /** @type {[number, number][]} */
  let most = [];
  let least = Number.NEGATIVE_INFINITY;
  threadRanges((buffer, start, end) => {
    const text = buffer.toString("latin1", start, end);
    for (let at = 0; at < text.length; ) {
      const first = text.indexOf(",", at);
      const second = text.indexOf(",", first + 1);
      const found = text.indexOf("\n", second);
      const newline = found < 0 ? text.length : found;
      // The header's is no number, and so not greater.
      const value = Number(text.slice(second + 1, newline));
      if (value > least && most.push([Number(text.slice(at, first)), value]) >= 2 * wanted) {
        most = greatest(most);
        least = most[wanted - 1]?.[1] ?? least;
      }
      at = newline + 1;
    }
  });
  post(greatest(most));
}
