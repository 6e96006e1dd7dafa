// Whether all ways found the same. Each result is brought into a canonical form and hashed; ways whose hash is not
// that of most of the others disagree, by name.
import { createHash } from "node:crypto";
import { closeSync, openSync, readdirSync, readSync } from "node:fs";
import { join } from "node:path";

/**
 * - `rows`: lines of JSON on stdout, in order.
 * - `ranked`: the same, `[key, value]` with the greatest value first, cut somewhere. Which of several equal values come
 *   first or are cut off is open, so those that equal the last are left out, and the rest is put in order.
 * - `files`: lines in the files of the output directory, in the order of their names.
 * - `lines`: the same in any order.
 * @typedef {"rows" | "ranked" | "files" | "lines"} ResultKind
 */

/** @param {string} output @returns {unknown[]} */
function jsonRows(output) {
  return (
    output
      .split("\n")
      .filter((line) => line.trim() !== "")
      .map((line) => JSON.parse(line))
      // A row of one column is its value.
      .map((row) => (Array.isArray(row) && row.length === 1 ? row[0] : row))
  );
}

/** @param {unknown[]} rows @returns {unknown[]} */
function ranked(rows) {
  const pairs = /** @type {[string, number][]} */ (rows);
  const least = pairs.at(-1)?.[1] ?? 0;
  const kept = pairs.length < 2 ? pairs : pairs.filter(([, value]) => value > least);
  return kept.sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
}

const pieceBytes = 1 << 20;

/** Names beginning with a dot or an underscore tell of the output, and are not of it. @param {string} directory */
function outputFiles(directory) {
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((name) => !/(^|[\\/])[._]/.test(name))
    .sort((a, b) => a.localeCompare(b, "en", { numeric: true }))
    .map((name) => join(directory, name));
}

/**
 * @param {string} directory
 * @param {(piece: Buffer) => void} use The piece is used again after the call.
 */
function readPieces(directory, use) {
  const piece = Buffer.alloc(pieceBytes);
  for (const path of outputFiles(directory)) {
    const fd = openSync(path, "r");
    try {
      for (let got = readSync(fd, piece); got > 0; got = readSync(fd, piece)) use(piece.subarray(0, got));
    } catch (error) {
      // A directory of the listing.
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== "EISDIR") throw error;
    } finally {
      closeSync(fd);
    }
  }
}

/** @param {string} directory */
function hashOfFiles(directory) {
  const hash = createHash("sha1");
  readPieces(directory, (piece) => hash.update(piece));
  return hash.digest("hex");
}

/** Adds a hash of each line, so that their order does not matter. @param {string} directory */
function hashOfLines(directory) {
  let lines = 0;
  let sumA = 0;
  let sumB = 0;
  let a = 0;
  let b = 0;
  readPieces(directory, (piece) => {
    for (let i = 0; i < piece.length; i++) {
      const byte = /** @type {number} */ (piece[i]);
      if (byte === 10) {
        lines++;
        sumA = (sumA + Math.imul(a ^ (a >>> 15), 0x2c1b3c6d)) | 0;
        sumB = (sumB + Math.imul(b ^ (b >>> 13), 0x297a2d39)) | 0;
        a = 0;
        b = 0;
      } else {
        a = Math.imul(a ^ byte, 0x01000193) + 1;
        b = Math.imul(b + byte, 0x5bd1e995) ^ (b >>> 11);
      }
    }
  });
  return `${lines} lines, ${(sumA >>> 0).toString(16)}${(sumB >>> 0).toString(16)}`;
}

/**
 * @param {ResultKind} kind @param {string} output @param {string} directory
 * @returns {string} The same for equal results.
 */
export function digestOf(kind, output, directory) {
  if (kind === "files") return hashOfFiles(directory);
  if (kind === "lines") return hashOfLines(directory);
  const rows = kind === "ranked" ? ranked(jsonRows(output)) : jsonRows(output);
  if (rows.length === 0) return "nothing";
  return createHash("sha1").update(JSON.stringify(rows)).digest("hex");
}

/**
 * @param {ReadonlyMap<string, string>} digests By way.
 * @returns {string[]} The ways that differ from most; of equally many, from those that hold the first way.
 */
export function disagreeing(digests) {
  /** @type {Map<string, number>} */
  const votes = new Map();
  for (const digest of digests.values()) votes.set(digest, (votes.get(digest) ?? 0) + 1);
  const most = Math.max(...votes.values());
  const accepted = [...digests.values()].find((digest) => votes.get(digest) === most);
  return [...digests].filter(([, digest]) => digest !== accepted).map(([way]) => way);
}
