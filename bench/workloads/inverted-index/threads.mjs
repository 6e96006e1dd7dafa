import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { isMainThread } from "node:worker_threads";
import { flat } from "../../by-hand/counts.mjs";
import { overRanges, post, threadRanges } from "../../by-hand/ranges.mjs";

const [out = "", ...files] = process.argv.slice(2);

/** A thread's index: its words in a row, how many documents each has, and the documents in a row. */
/** @typedef {{ words: string, lengths: Uint32Array, ids: Uint32Array }} Packed */

/** @param {Map<string, number[]>} index @returns {Packed} */
function packed(index) {
  const lists = [...index.values()];
  const ids = new Uint32Array(lists.reduce((sum, list) => sum + list.length, 0));
  let at = 0;
  for (const list of lists) {
    ids.set(list, at);
    at += list.length;
  }
  return {
    words: [...index.keys()].join("\n"),
    lengths: Uint32Array.from(lists, (list) => list.length),
    ids,
  };
}

/** @param {readonly Packed[]} parts */
function merged(parts) {
  /** @type {Map<string, Uint32Array[]>} */
  const index = new Map();
  for (const { words, lengths, ids } of parts) {
    if (ids.length === 0) continue;
    let at = 0;
    words.split("\n").forEach((word, i) => {
      const list = ids.subarray(at, at + (lengths[i] ?? 0));
      at += list.length;
      const lists = index.get(word);
      if (lists === undefined) index.set(word, [list]);
      else lists.push(list);
    });
  }
  return index;
}

/** @param {readonly Uint32Array[]} lists */
function sortedIds(lists) {
  if (lists.length === 1) return lists[0] ?? new Uint32Array(0);
  const all = new Uint32Array(lists.reduce((sum, list) => sum + list.length, 0));
  let at = 0;
  for (const list of lists) {
    all.set(list, at);
    at += list.length;
  }
  return all.sort();
}

if (isMainThread) {
  const index = merged(await overRanges(import.meta.url, files));
  const fd = openSync(join(out, "index"), "w");
  let pending = "";
  for (const [word, lists] of index) {
    pending += `${word}\t${sortedIds(lists).join(" ")}\n`;
    if (pending.length > 1 << 20) {
      writeSync(fd, pending, null, "latin1");
      pending = "";
    }
  }
  writeSync(fd, pending, null, "latin1");
  closeSync(fd);
} else {
  /** @type {Map<string, number[]>} */
  const index = new Map();
  threadRanges((buffer, start, end) => {
    const text = buffer.toString("latin1", start, end).toLowerCase();
    for (let at = 0; at < text.length; ) {
      const newline = text.indexOf("\n", at);
      const lineEnd = newline < 0 ? text.length : newline;
      const tab = text.indexOf("\t", at);
      const id = Number(text.slice(at, tab));
      for (const word of text.slice(tab + 1, lineEnd).match(/[a-z0-9]+/g) ?? []) {
        const ids = index.get(word);
        if (ids === undefined) index.set(flat(word), [id]);
        else if (ids.at(-1) !== id) ids.push(id);
      }
      at = lineEnd + 1;
    }
  });
  post(packed(index));
}
