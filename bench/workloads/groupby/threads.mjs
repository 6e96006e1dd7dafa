import { isMainThread } from "node:worker_threads";
import { Counts, printRows } from "../../by-hand/counts.mjs";
import { overRanges, post, threadRanges } from "../../by-hand/ranges.mjs";

/** Decimal digits at `from`, with a point or without, as a number. @param {Buffer} buffer @param {number} from @param {number} to */
function decimal(buffer, from, to) {
  let whole = 0;
  let scale = 1;
  let afterPoint = false;
  for (let i = from; i < to; i++) {
    const byte = /** @type {number} */ (buffer[i]);
    if (byte === 46) afterPoint = true;
    else {
      whole = whole * 10 + byte - 48;
      if (afterPoint) scale *= 10;
    }
  }
  return whole / scale;
}

/** Adds the rows of a CSV: id,key,value. @param {Counts} sums @param {Buffer} buffer @param {number} start @param {number} end */
function addCsv(sums, buffer, start, end) {
  const text = buffer.toString("latin1", start, end);
  for (let at = start; at < end; ) {
    let key = at;
    while (buffer[key] !== 44) key++;
    let value = ++key;
    while (buffer[value] !== 44) value++;
    let newline = value;
    while (newline < end && buffer[newline] !== 10) newline++;
    const first = buffer[value + 1] ?? 0;
    // The header's is no number.
    if (first >= 48 && first <= 57)
      sums.add(text.slice(key - start, value - start), decimal(buffer, value + 1, newline));
    at = newline + 1;
  }
}

/** Adds lines of JSON. @param {Counts} sums @param {Buffer} buffer @param {number} start @param {number} end */
function addJson(sums, buffer, start, end) {
  for (let at = start; at < end; ) {
    const found = buffer.indexOf(10, at);
    const newline = found < 0 ? end : found;
    const { key, value } = JSON.parse(buffer.toString("latin1", at, newline));
    sums.add(key, value);
    at = newline + 1;
  }
}

if (isMainThread) {
  const [, ...files] = process.argv.slice(2);
  const sums = new Counts();
  for (const packed of await overRanges(import.meta.url, files)) sums.addPacked(packed);
  printRows(sums.most(1000, (sum) => Math.round(sum * 100)));
} else {
  const sums = new Counts();
  const add = process.env.BENCH_CASE === "jsonl" ? addJson : addCsv;
  threadRanges((buffer, start, end) => add(sums, buffer, start, end));
  post(sums.packed());
}
