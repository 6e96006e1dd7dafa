// Makes examples/data anew, on a Debian machine with the packages that examples/data/README.md names:
//
//     apt-get install bible-kjv bible-kjv-text wamerican && node scripts/sample-data.mjs
//
// The result is in the repository; nobody needs this to use or test Bicoastal.
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { accessLog } from "./access-log.mjs";
import { root } from "./tools.mjs";

const data = join(root, "examples", "data");

/** @param {string} name @returns {string} An empty directory in examples/data. */
function freshDirectory(name) {
  const directory = join(data, name);
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  return directory;
}

/** @param {string} command @param {string[]} args */
const output = (command, args) => execFileSync(command, args, { encoding: "utf8", maxBuffer: 2 ** 30 });

const books =
  `Genesis Exodus Leviticus Numbers Deuteronomy Joshua Judges Ruth 1-Samuel 2-Samuel 1-Kings 2-Kings
  1-Chronicles 2-Chronicles Ezra Nehemiah Esther Job Psalms Proverbs Ecclesiastes Song-of-Solomon Isaiah Jeremiah
  Lamentations Ezekiel Daniel Hosea Joel Amos Obadiah Jonah Micah Nahum Habakkuk Zephaniah Haggai Zechariah Malachi
  Matthew Mark Luke John Acts Romans 1-Corinthians 2-Corinthians Galatians Ephesians Philippians Colossians
  1-Thessalonians 2-Thessalonians 1-Timothy 2-Timothy Titus Philemon Hebrews James 1-Peter 2-Peter 1-John 2-John
  3-John Jude Revelation`
    .toLowerCase()
    .split(/\s+/);

/** One file a book, one verse a line, without the references that `bible` puts before each verse. */
function kingJames() {
  const directory = freshDirectory("kjv");
  /** @type {Map<string, string[]>} By the reader's own short name of the book, in the order of the text. */
  const verses = new Map();
  for (const line of output("bible", ["-f", "ge1:1-rev22:21"]).trimEnd().split("\n")) {
    const match = /^(\S+?)\d+:\d+ (.*)$/.exec(line);
    if (match === null) throw new Error(`Not a verse: ${line}`);
    const [, book = "", text = ""] = match;
    const list = verses.get(book);
    if (list === undefined) verses.set(book, [text.trimEnd()]);
    else list.push(text.trimEnd());
  }
  if (verses.size !== books.length) throw new Error(`${verses.size} books instead of ${books.length}.`);
  [...verses.values()].forEach((lines, index) => {
    const name = `${String(index + 1).padStart(2, "0")}-${books[index]}.txt`;
    writeFileSync(join(directory, name), `${lines.join("\n")}\n`);
  });
}

const applicationSections = ["admin", "database", "editors", "net", "shells", "utils", "web"];

/** @param {string} text */
const csvField = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** Packages of a few sections with the libraries they need, and what the applications among them depend on. */
function packageLists() {
  const directory = freshDirectory("packages");
  const packages = ["name,section,installed_kib,summary"];
  const dependencies = ["package,needs"];
  const seen = new Set();
  for (const stanza of output("apt-cache", ["dumpavail"]).split("\n\n")) {
    /** @type {Record<string, string>} */
    const field = Object.fromEntries(
      [...stanza.matchAll(/^([A-Za-z0-9-]+): (.*)$/gm)].map((m) => [m[1], m[2]]),
    );
    const { Package: name = "", Section: section = "", Description: summary = "" } = field;
    const isApplication = applicationSections.includes(section);
    // A list with security updates names some packages twice.
    if (seen.has(name) || !(isApplication || section === "libs")) continue;
    seen.add(name);
    packages.push([name, section, field["Installed-Size"] ?? "", summary].map(csvField).join(","));
    if (!isApplication) continue;
    const needs = (field.Depends ?? "")
      .split(",")
      .map((need) => /^[a-z0-9][a-z0-9.+-]*/.exec(need.trim())?.[0]);
    for (const need of new Set(needs)) if (need !== undefined) dependencies.push(`${name},${need}`);
  }
  writeFileSync(join(directory, "packages.csv"), `${packages.join("\n")}\n`);
  writeFileSync(join(directory, "dependencies.csv"), `${dependencies.join("\n")}\n`);
}

function words() {
  const directory = freshDirectory("words");
  writeFileSync(join(directory, "american-english.txt"), readFileSync("/usr/share/dict/american-english"));
  copyFileSync("/usr/share/doc/wamerican/copyright", join(directory, "COPYRIGHT.txt"));
}

/** Three days; the first is compressed, as log rotation leaves it. */
function logs() {
  const directory = freshDirectory("logs");
  for (const day of [1, 2, 3]) {
    const name = `access-2026-03-0${day}.log`;
    const text = accessLog({ seed: 20260300 + day, day: `0${day}/Mar/2026`, lines: 8000 });
    if (day === 1) writeFileSync(join(directory, `${name}.gz`), gzipSync(text, { level: 9 }));
    else writeFileSync(join(directory, name), text);
  }
}

kingJames();
packageLists();
words();
logs();
