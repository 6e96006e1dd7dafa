// The file in shared memory, records dealt into buckets by their first two bytes, and each thread's share of the
// buckets sorted by the bytes that follow, gathered and written where it belongs.
import { closeSync, openSync, readSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { isMainThread, Worker, workerData } from "node:worker_threads";

const recordBytes = 100;
const buckets = 1 << 16;
/** Below that many records of a bucket, insertion is the fastest sort. */
const insertionMax = 24;
const threads = Number(process.env.BENCH_THREADS ?? "2");

/** @typedef {{ path: string, out: string, thread: number, file: SharedArrayBuffer, counts: SharedArrayBuffer, order: SharedArrayBuffer, keys: SharedArrayBuffer, barrier: Int32Array }} Shared */

/** Waits until all threads are here, for the `step`th time. @param {Int32Array} barrier @param {number} step From 1. */
function meet(barrier, step) {
  if (Atomics.add(barrier, 0, 1) + 1 === step * threads) {
    Atomics.store(barrier, 1, step);
    Atomics.notify(barrier, 1);
  }
  while (Atomics.load(barrier, 1) < step) Atomics.wait(barrier, 1, step - 1);
}

/** @param {Shared} shared */
function sortShare({ path, out, thread, file, counts, order, keys, barrier }) {
  const bytes = Buffer.from(file);
  const records = bytes.length / recordBytes;
  const [from, to] = [
    Math.floor((records * thread) / threads),
    Math.floor((records * (thread + 1)) / threads),
  ];
  const input = openSync(path, "r");
  const chunk = 1 << 22;
  for (let at = from * recordBytes; at < to * recordBytes; )
    at += readSync(input, bytes, at, Math.min(chunk, to * recordBytes - at), at);
  closeSync(input);
  const mine = new Uint32Array(counts, thread * buckets * 4, buckets);
  const bucketOf = (/** @type {number} */ record) => bytes.readUInt16BE(record * recordBytes);
  for (let record = from; record < to; record++) {
    const bucket = bucketOf(record);
    mine[bucket] = (mine[bucket] ?? 0) + 1;
  }
  meet(barrier, 1);

  const all = new Uint32Array(counts);
  const starts = new Uint32Array(buckets + 1);
  const next = new Uint32Array(buckets);
  let sum = 0;
  for (let bucket = 0; bucket < buckets; bucket++) {
    starts[bucket] = sum;
    for (let t = 0; t < threads; t++) {
      if (t === thread) next[bucket] = sum;
      sum += all[t * buckets + bucket] ?? 0;
    }
  }
  starts[buckets] = sum;
  const sorted = new Uint32Array(order);
  const rest = new Uint32Array(keys);
  for (let record = from; record < to; record++) {
    const bucket = bucketOf(record);
    const place = next[bucket] ?? 0;
    next[bucket] = place + 1;
    sorted[place] = record;
    rest[place] = bytes.readUInt32BE(record * recordBytes + 2);
  }
  meet(barrier, 2);

  // Buckets up to this thread's share of the records.
  const edge = (/** @type {number} */ t) => starts.findIndex((start) => start >= (records * t) / threads);
  const [firstBucket, lastBucket] = [edge(thread), thread === threads - 1 ? buckets : edge(thread + 1)];
  for (let bucket = firstBucket; bucket < lastBucket; bucket++)
    sortBucket(bytes, sorted, rest, starts[bucket] ?? 0, starts[bucket + 1] ?? 0);
  gather(bytes, sorted, starts[firstBucket] ?? 0, starts[lastBucket] ?? 0, out);
}

/** Whether record `a`, whose first six bytes are those of `b`, comes after it. @param {Buffer} bytes @param {number} a @param {number} b */
function isAfter(bytes, a, b) {
  const order = bytes.compare(
    bytes,
    b * recordBytes + 6,
    b * recordBytes + 10,
    a * recordBytes + 6,
    a * recordBytes + 10,
  );
  return order > 0 || (order === 0 && a > b);
}

/** @param {Buffer} bytes @param {Uint32Array} sorted @param {Uint32Array} rest @param {number} from @param {number} to */
function sortBucket(bytes, sorted, rest, from, to) {
  if (to - from > insertionMax) sortByPacked(sorted, rest, from, to);
  for (let i = from + 1; i < to; i++) {
    const record = /** @type {number} */ (sorted[i]);
    const key = /** @type {number} */ (rest[i]);
    let at = i;
    for (; at > from; at--) {
      const before = /** @type {number} */ (rest[at - 1]);
      if (before < key || (before === key && !isAfter(bytes, /** @type {number} */ (sorted[at - 1]), record)))
        break;
      sorted[at] = /** @type {number} */ (sorted[at - 1]);
      rest[at] = before;
    }
    sorted[at] = record;
    rest[at] = key;
  }
}

/** Four bytes of key and the place among the bucket in one double, which `sort` of typed arrays is fast for. @param {Uint32Array} sorted @param {Uint32Array} rest @param {number} from @param {number} to */
function sortByPacked(sorted, rest, from, to) {
  const count = to - from;
  const packed = new Float64Array(count);
  const records = sorted.slice(from, to);
  for (let i = 0; i < count; i++) packed[i] = (rest[from + i] ?? 0) * 2 ** 21 + i;
  packed.sort();
  for (let i = 0; i < count; i++) {
    const value = packed[i] ?? 0;
    const key = Math.floor(value / 2 ** 21);
    rest[from + i] = key;
    sorted[from + i] = records[value - key * 2 ** 21] ?? 0;
  }
}

/** @param {Buffer} bytes @param {Uint32Array} sorted @param {number} from @param {number} to @param {string} out */
function gather(bytes, sorted, from, to, out) {
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
  const recordWords = recordBytes >> 2;
  const batch = 1 << 15;
  const gathered = new Uint32Array(batch * recordWords);
  const fd = openSync(out, "r+");
  for (let first = from; first < to; first += batch) {
    const count = Math.min(batch, to - first);
    for (let i = 0; i < count; i++) {
      const source = /** @type {number} */ (sorted[first + i]) * recordWords;
      const target = i * recordWords;
      for (let word = 0; word < recordWords; word++)
        gathered[target + word] = /** @type {number} */ (words[source + word]);
    }
    writeSync(fd, gathered, 0, count * recordBytes, first * recordBytes);
  }
  closeSync(fd);
}

if (isMainThread) {
  const [directory = "", path = ""] = process.argv.slice(2);
  const { size } = statSync(path);
  const out = join(directory, "sorted");
  closeSync(openSync(out, "w"));
  const shared = {
    path,
    out,
    file: new SharedArrayBuffer(size),
    counts: new SharedArrayBuffer(threads * buckets * 4),
    order: new SharedArrayBuffer((size / recordBytes) * 4),
    keys: new SharedArrayBuffer((size / recordBytes) * 4),
    barrier: new Int32Array(new SharedArrayBuffer(8)),
  };
  for (let thread = 0; thread < threads; thread++)
    new Worker(new URL(import.meta.url), { workerData: { ...shared, thread } });
} else sortShare(workerData);
