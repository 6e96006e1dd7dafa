// What a good engineer writes by hand to use two threads of Node on large files: the files are cut into ranges of
// bytes, threads take the next range by an atomic counter, and read it in chunks that end with a line. A program calls
// `overRanges` in its main thread, which starts it again in each thread, where `threadRanges` gives the chunks.
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { parentPort, Worker, workerData } from "node:worker_threads";

const rangeBytes = 16 << 20;
/** Small chunks stay in the CPU's cache between reading and use. */
const chunkBytes = 64 << 10;

export const threads = Number(process.env.BENCH_THREADS ?? "2");

/**
 * @template T
 * @param {string} program `import.meta.url` of the caller.
 * @param {readonly string[]} files
 * @returns {Promise<T[]>} What each thread posted.
 */
export function overRanges(program, files) {
  const ranges = files.flatMap((path, file) => {
    const fd = openSync(path, "r");
    const { size } = fstatSync(fd);
    closeSync(fd);
    return Array.from({ length: Math.ceil(size / rangeBytes) }, (_, i) => ({
      path,
      file,
      from: i * rangeBytes,
      to: Math.min(size, (i + 1) * rangeBytes),
    }));
  });
  const next = new Int32Array(new SharedArrayBuffer(4));
  return Promise.all(
    Array.from(
      { length: threads },
      () =>
        new Promise((resolve, reject) => {
          const worker = new Worker(new URL(program), {
            workerData: { ranges, next },
            argv: process.argv.slice(2),
          });
          worker.on("message", resolve).on("error", reject);
        }),
    ),
  );
}

/**
 * In a thread: calls `use` with each range's chunks of whole lines.
 * @param {(buffer: Buffer, start: number, end: number, range: { path: string, file: number, index: number }) => void} use
 */
export function threadRanges(use) {
  const { ranges, next } = workerData;
  for (;;) {
    const index = Atomics.add(next, 0, 1);
    if (index >= ranges.length) return;
    const range = { ...ranges[index], index };
    readRange(range, (buffer, start, end) => use(buffer, start, end, range));
  }
}

/** @param {unknown} message @param {readonly ArrayBuffer[]} [transfer] */
export const post = (message, transfer = []) => parentPort?.postMessage(message, [...transfer]);

/**
 * A line belongs to the range that its first byte is in.
 * @param {{ path: string, from: number, to: number }} range
 * @param {(buffer: Buffer, start: number, end: number) => void} use
 */
function readRange({ path, from, to }, use) {
  const fd = openSync(path, "r");
  let buffer = Buffer.allocUnsafe(2 * chunkBytes);
  /** Bytes in the buffer, and where in the file they end. */
  let held = 0;
  // One byte before tells whether a line begins at `from`.
  let position = Math.max(0, from - 1);
  let skipsLine = from > 0;
  for (;;) {
    if (buffer.length - held < chunkBytes) buffer = Buffer.concat([buffer], buffer.length * 2);
    const got = readSync(fd, buffer, held, chunkBytes, position);
    position += got;
    held += got;
    const filled = buffer.subarray(0, held);
    let start = 0;
    if (skipsLine) {
      start = filled.indexOf(10) + 1;
      if (start === 0 && got > 0) continue;
      // The file's last line has no end, and began in an earlier range.
      if (start === 0) break;
      skipsLine = false;
    }
    // Where in the buffer the range ends: the line that holds the byte before is the last.
    const limit = held - (position - to);
    if (position >= to && start >= limit) break;
    const lastEnd = position >= to ? filled.indexOf(10, limit - 1) + 1 : 0;
    const isLast = lastEnd > 0 || got === 0;
    const stop = lastEnd > 0 ? lastEnd : got === 0 ? held : filled.lastIndexOf(10) + 1;
    if (stop > start) use(buffer, start, stop);
    if (isLast) break;
    const rest = Math.max(start, stop);
    buffer.copyWithin(0, rest, held);
    held -= rest;
  }
  closeSync(fd);
}
