// `npm run bench`: word count over a few hundred MB, Bicoastal beside a plain single-threaded Node script.
//
//     npm run bench -- --mb 300 --rounds 3
//
// The input is the King James text over and over, its lines shuffled with a seed, in a temporary directory that is
// removed at the end. All ways run in rotation, so that a busy minute of the machine hits each of them; medians are
// compared, and every run of every way must give the same counts. Prints progress on stderr, a Markdown table on
// stdout.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { randomSource } from "../scripts/random.mjs";
import { build, ensureInstalled, root } from "../scripts/tools.mjs";

const { values: options } = parseArgs({
  options: {
    /** Size of the input in MB (10^6 bytes). */
    mb: { type: "string", default: "300" },
    /** Times each way runs. */
    rounds: { type: "string", default: "3" },
  },
});
const megabytes = wholeNumber("mb", options.mb, 1, 100_000);
const rounds = wholeNumber("rounds", options.rounds, 1, 100);
const fileCount = 8;
const top = 20;

/** @param {string} name @param {string} text @param {number} min @param {number} max */
function wholeNumber(name, text, min, max) {
  const value = Number(text);
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  console.error(`--${name} takes a whole number from ${min} to ${max}, not "${text}".`);
  process.exit(2);
}

/**
 * Writes the input and returns its files.
 * @param {string} directory
 */
function makeInput(directory) {
  const books = join(root, "examples", "data", "kjv");
  const lines = readdirSync(books)
    .sort()
    .flatMap((name) => readFileSync(join(books, name), "utf8").trimEnd().split("\n"));
  const random = randomSource(20_260_301);
  const bytesPerFile = (megabytes * 1e6) / fileCount;
  return Array.from({ length: fileCount }, (_, index) => {
    const path = join(directory, `part-${index}.txt`);
    /** @type {string[]} */
    const chosen = [];
    for (let bytes = 0; bytes < bytesPerFile; ) {
      const line = lines[random(lines.length)] ?? "";
      chosen.push(line);
      bytes += line.length + 1;
    }
    writeFileSync(path, `${chosen.join("\n")}\n`);
    return path;
  });
}

/**
 * Each way to count, as arguments of Node.
 * @param {string} directory @param {readonly string[]} files
 * @returns {{ name: string, args: string[] }[]}
 */
function ways(directory, files) {
  const job = [
    join("dist", "bin.js"),
    "run",
    join("examples", "wordcount.ts"),
    "--json",
    "--top",
    String(top),
  ];
  return [
    { name: "Bicoastal, 2 threads", args: [...job, "--input", join(directory, "*.txt"), "--threads", "2"] },
    { name: "Bicoastal, 1 thread", args: [...job, "--input", join(directory, "*.txt"), "--threads", "1"] },
    {
      name: "Node, `readline` and a `Map`",
      args: [join("bench", "peers", "readline-wordcount.mjs"), String(top), ...files],
    },
  ];
}

/**
 * Runs one way once.
 * @param {{ name: string, args: string[] }} way @param {string} dataDir
 * @returns {{ seconds: number, output: string }}
 */
function measure(way, dataDir) {
  const startMs = performance.now();
  const result = spawnSync(process.execPath, way.args, {
    cwd: root,
    encoding: "utf8",
    env: { ...process.env, BICOASTAL_DATA_DIR: dataDir },
    maxBuffer: 2 ** 26,
  });
  const seconds = (performance.now() - startMs) / 1000;
  rmSync(dataDir, { recursive: true, force: true });
  if (result.status === 0) return { seconds, output: result.stdout };
  throw new Error(
    `${way.name} failed with ${result.signal ?? `exit code ${result.status}`}:\n${result.stderr}`,
  );
}

/** @param {readonly number[]} list */
function median(list) {
  const sorted = [...list].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
}

/** @param {{ name: string, seconds: number[] }[]} results The last is the peer. */
function table(results) {
  const peer = median(results.at(-1)?.seconds ?? []);
  const rows = results.map(({ name, seconds }) => {
    const middle = median(seconds);
    const range = `${Math.min(...seconds).toFixed(2)}–${Math.max(...seconds).toFixed(2)}`;
    return `| ${name} | ${middle.toFixed(2)} | ${range} | ${(megabytes / middle).toFixed(0)} | ${(peer / middle).toFixed(2)}× |`;
  });
  const machine = `${availableParallelism()} cores (${cpus()[0]?.model.trim() ?? "unknown"}), ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`;
  return [
    `Word count of ${megabytes} MB in ${fileCount} files, ${rounds} rounds in rotation, whole process from start to end; ${machine}.`,
    "",
    "| way | median s | range s | MB/s | speed |",
    "|---|---|---|---|---|",
    ...rows,
  ].join("\n");
}

async function main() {
  if (!ensureInstalled() || !(await build())) process.exit(1);
  const directory = mkdtempSync(join(tmpdir(), "bicoastal-bench-"));
  try {
    console.error(`Writing ${megabytes} MB …`);
    const files = makeInput(directory);
    const results = ways(directory, files).map((way) => ({ ...way, seconds: /** @type {number[]} */ ([]) }));
    let expected = "";
    for (let round = 1; round <= rounds; round++) {
      for (const way of results) {
        const { seconds, output } = measure(way, join(directory, "jobs"));
        expected ||= output;
        if (output !== expected || output === "")
          throw new Error(`${way.name} counted differently:\n${output}\n${expected}`);
        way.seconds.push(seconds);
        console.error(`round ${round} of ${rounds}: ${way.name}: ${seconds.toFixed(2)} s`);
      }
    }
    console.log(table(results));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

await main();
