// Makes the inputs: seeded, so that they are the same everywhere, and kept, so that they are made once. A data set is
// a directory named by what is in it, and appears by a rename when it is complete.
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { randomSource } from "../../scripts/random.mjs";
import { makers } from "./data-sets.mjs";

/** Raised when what the makers write changes. */
const version = 1;

/** @typedef {{ kind: keyof typeof makers, size: number, files?: number, keys?: number }} DataSet */

const flushCharacters = 1 << 20;

/**
 * A file that is written line by line, in large pieces.
 * @param {string} path
 */
function writer(path) {
  const fd = openSync(path, "w");
  let pending = "";
  let bytes = 0;
  const flush = () => {
    if (pending !== "") writeSync(fd, pending, null, "latin1");
    pending = "";
  };
  return {
    /** @param {string} line ASCII, with its line end. */
    write: (line) => {
      pending += line;
      bytes += line.length;
      if (pending.length >= flushCharacters) flush();
    },
    bytes: () => bytes,
    close: () => {
      flush();
      closeSync(fd);
    },
  };
}

/** @typedef {ReturnType<typeof writer>} Writer */

/** @param {DataSet} set */
const nameOf = ({ kind, size, files = 1, keys = 0 }) =>
  `${kind}-${size}${keys === 0 ? "" : `-${keys}-keys`}-${files}-files-v${version}`;

/**
 * The files of a data set; makes them where they are not there yet.
 * @param {string} directory @param {DataSet} set @returns {string[]}
 */
export function dataFiles(directory, set) {
  const target = join(directory, nameOf(set));
  if (!existsSync(target)) make(target, set);
  return readdirSync(target)
    .sort()
    .map((name) => join(target, name));
}

/** @param {string} target @param {DataSet} set */
function make(target, { kind, size, files = 1, keys = 0 }) {
  console.error(`Making ${target} …`);
  const partial = `${target}.${process.pid}.part`;
  mkdirSync(partial, { recursive: true });
  try {
    const { extension, fill } = makers[kind];
    for (let index = 0; index < files; index++) {
      const file = writer(join(partial, `part-${index}.${extension}`));
      // A generator of its own for each file, so that the first files do not depend on how many there are.
      fill(file, { random: randomSource(20_260_301 + 7919 * index), size: size / files, keys, index });
      file.close();
    }
    // Whoever was faster has the same.
    if (!existsSync(target)) renameSync(partial, target);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}
