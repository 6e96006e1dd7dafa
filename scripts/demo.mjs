// `npm run demo`: counts the words of the King James text with the built command, live, and then counts again with a
// few lines of plain code that share nothing with Bicoastal, to see that the figures on the screen are right.
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { build, ensureInstalled, root } from "./tools.mjs";

const top = 20;

/**
 * Runs the command with its progress on this terminal, and its table both shown and kept.
 * @returns {Promise<string>} The table.
 */
function runJob() {
  const args = [join("dist", "bin.js"), "run", join("examples", "wordcount.ts"), "--top", String(top)];
  console.log(`$ bicoastal ${args.slice(1).join(" ")}\n`);
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: ["ignore", "pipe", "inherit"] });
    let table = "";
    child.stdout.setEncoding("utf8").on("data", (text) => {
      table += text;
    });
    child.on("error", reject);
    child.on("close", (code) => {
      // Only now, so that it does not fall between two frames of the progress.
      process.stdout.write(`\n${table}\n`);
      if (code === 0) resolve(table);
      else reject(new Error(`The job ended with exit code ${code}.`));
    });
  });
}

/** The rows of the table: the lines of a word and a number. @param {string} table */
function rowsOf(table) {
  return stripVTControlCharacters(table)
    .split("\n")
    .flatMap((line) => {
      const match = /^(\S+)\s+([\d,]+)$/.exec(line.trim());
      return match === null ? [] : [{ word: match[1] ?? "", count: Number(match[2]?.replaceAll(",", "")) }];
    });
}

/** Every word of the text with its count, in plain code. */
function countAgain() {
  /** @type {Map<string, number>} */
  const counts = new Map();
  const books = join(root, "examples", "data", "kjv");
  for (const name of readdirSync(books)) {
    for (const word of readFileSync(join(books, name), "utf8")
      .toLowerCase()
      .split(/[^a-z']+/)) {
      if (word !== "") counts.set(word, (counts.get(word) ?? 0) + 1);
    }
  }
  return counts;
}

if (!ensureInstalled()) process.exit(1);
console.log("Building …");
if (!(await build())) process.exit(1);

const rows = rowsOf(await runJob());
const counts = countAgain();
const greatest = [...counts.values()].sort((a, b) => b - a).slice(0, top);
const wrong = rows.filter(
  ({ word, count }, index) => counts.get(word) !== count || greatest[index] !== count,
);
if (rows.length !== top || wrong.length > 0) {
  console.error("An independent count in plain code disagrees:");
  for (const { word, count } of wrong)
    console.error(`  ${word}: ${count}, but ${counts.get(word) ?? 0} in plain code`);
  if (rows.length !== top) console.error(`  ${rows.length} rows instead of ${top}`);
  process.exit(1);
}
let words = 0;
for (const count of counts.values()) words += count;
console.log(
  `Checked: an independent count in plain code finds the same ${top} words and figures, among ${words.toLocaleString("en")} words, ${counts.size.toLocaleString("en")} of them different.`,
);
