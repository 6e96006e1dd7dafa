// What is in each data set. All of it is ASCII without quotes, so that every peer can read it by its fastest way.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/tools.mjs";

/**
 * @typedef {object} Fill
 * @property {(bound: number) => number} random
 * @property {number} size MB or rows of this file.
 * @property {number} keys
 * @property {number} index Of this file.
 */

/** @type {string[]} */
let verses = [];

/** The lines of the King James text. */
function textLines() {
  if (verses.length > 0) return verses;
  const books = join(root, "examples", "data", "kjv");
  verses = readdirSync(books)
    .sort()
    .flatMap((name) => readFileSync(join(books, name), "utf8").trimEnd().split("\n"));
  return verses;
}

/** Names in the tail of the text's vocabulary. */
const namesMax = 1_000_000;

/**
 * A line of text and a name. The lines have the words that any text has, again and again; the names, of which few are
 * frequent and very many rare, make the tail that the vocabulary of a large text has (or of source code).
 * @param {(bound: number) => number} random
 */
function textLine(random) {
  const lines = textLines();
  const rank = Math.floor(namesMax ** (random(1 << 30) / (1 << 30)));
  return `${lines[random(lines.length)]} n${rank.toString(36)}q`;
}

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/** What follows the key and the number of a record, up to 99 characters and the line end. */
const filler = letters.repeat(2).slice(0, 78);

/** @param {(bound: number) => number} random */
function sortKey(random) {
  let key = "";
  for (let i = 0; i < 10; i++) key += letters[random(letters.length)];
  return key;
}

/** An amount with two decimals, as text. @param {(bound: number) => number} random */
const amount = (random) => `${random(10_000)}.${String(random(100)).padStart(2, "0")}`;

/** @param {(bound: number) => number} random @param {number} keys */
const keyName = (random, keys) => `key_${String(random(keys)).padStart(6, "0")}`;

/** Names in the order of a shuffled list: `n` times a number prime to `count` gives each once. @param {number} n @param {number} count */
const scattered = (n, count) => (n * 1_000_003) % count;

/** @type {Record<"text" | "docs" | "rows" | "json-rows" | "records" | "keys" | "names" | "customers" | "customer-rows", { extension: string, fill: (file: import("./data.mjs").Writer, options: Fill) => void }>} */
export const makers = {
  text: {
    extension: "txt",
    fill: (file, { random, size }) => {
      while (file.bytes() < size * 1e6) file.write(`${textLine(random)}\n`);
    },
  },
  /** Number of the document, a tab, its text. */
  docs: {
    extension: "tsv",
    fill: (file, { random, size }) => {
      for (let id = 1; file.bytes() < size * 1e6; id++) file.write(`${id}\t${textLine(random)}\n`);
    },
  },
  rows: {
    extension: "csv",
    fill: (file, { random, size, keys }) => {
      file.write("id,key,value\n");
      for (let id = 0; id < size; id++) file.write(`${id},${keyName(random, keys)},${amount(random)}\n`);
    },
  },
  "json-rows": {
    extension: "jsonl",
    fill: (file, { random, size, keys }) => {
      for (let id = 0; id < size; id++)
        file.write(`{"id":${id},"key":"${keyName(random, keys)}","value":${Number(amount(random))}}\n`);
    },
  },
  /** 100 bytes each: 10 of the key, 10 of the number, filler, line end. */
  records: {
    extension: "txt",
    fill: (file, { random, size }) => {
      for (let id = 0; file.bytes() < size * 1e6; id++)
        file.write(`${sortKey(random)} ${String(id).padStart(9, "0")} ${filler}\n`);
    },
  },
  /** A name a line, one in four of them new. */
  keys: {
    extension: "txt",
    fill: (file, { random, size }) => {
      const names = Math.ceil(size / 4);
      for (let id = 0; id < size; id++) file.write(`user-${1_000_000_000 + random(names)}\n`);
    },
  },
  /** A name a line, all different, in scattered order. */
  names: {
    extension: "txt",
    fill: (file, { size }) => {
      for (let n = 0; n < size; n++) file.write(`user-${1_000_000_000 + scattered(n, size)}\n`);
    },
  },
  /** One row for each customer, in scattered order. */
  customers: {
    extension: "csv",
    fill: (file, { random, size }) => {
      file.write("customer,region,discount\n");
      for (let n = 0; n < size; n++)
        file.write(`c${scattered(n, size)},region-${random(50)},${random(30)}\n`);
    },
  },
  /** Orders of customers, the last tenth of which has no row above. */
  "customer-rows": {
    extension: "csv",
    fill: (file, { random, size, keys }) => {
      file.write("order,customer,cents\n");
      for (let id = 0; id < size; id++)
        file.write(`${id},c${random(Math.ceil((keys * 10) / 9))},${random(1_000_000)}\n`);
    },
  },
};
