// `node bench/codec.mjs`: how fast rows become bytes and come back, and how many bytes: the frames of shuffle blocks
// beside msgpackr, v8.serialize and JSON, all in memory and on one thread.
//
//     node bench/codec.mjs --rows 4096 --rounds 9 --only pairs
//
// A second table says what LZ4 makes of the frames, as between machines, and where that pays: a network of at most so many MB a
// second takes longer for what is saved than a core does for compressing it and for undoing that.
//
// Ways run in rotation, and medians are compared. Speeds are in MB of the rows' JSON a second of processor time, so that
// they compare across rows; ratios compare across machines. Prints a Markdown table on stdout.
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import v8 from "node:v8";
import { build as bundle } from "esbuild";
import { Packr } from "msgpackr";
import { randomSource } from "../scripts/random.mjs";
import { root } from "../scripts/tools.mjs";

const { values: options } = parseArgs({
  options: {
    /** Rows of a frame. */
    rows: { type: "string", default: "4096" },
    /** Times each way runs; each time for at least 50 ms. */
    rounds: { type: "string", default: "9" },
    /** Data sets whose name contains this. */
    only: { type: "string", default: "" },
  },
});
const rows = Number(options.rows);
const rounds = Number(options.rounds);
const roundMs = 50;

const random = randomSource(7);
const letters = "etaoinshrdlucmfwypvbgkqjxz";
/** @param {number} least @param {number} most */
const word = (least, most) =>
  Array.from(
    { length: least + random(most - least + 1) },
    () => letters[Math.min(random(26), random(26))],
  ).join("");
/** @template T @param {() => T} make */
const times = (make) => Array.from({ length: rows }, make);
const regions = ["eu-west", "eu-north", "us-east", "us-west", "ap-south"];
let id = 1_000_000;

/** Real text, unlike the other rows: this project's own, files in the order of their names. */
function sourceLines() {
  const directory = join(root, "src");
  const files = readdirSync(directory, { recursive: true, encoding: "utf8" }).filter((file) =>
    file.endsWith(".ts"),
  );
  return files.sort().flatMap((file) => readFileSync(join(directory, file), "utf8").split("\n"));
}

/** @type {Record<string, () => unknown[]>} */
const dataSets = {
  "pairs [string, count]": () => times(() => [word(3, 9), random(random(4) === 0 ? 5000 : 40)]),
  "pairs [string, float]": () => times(() => [word(3, 9), random(1_000_000) / 1000]),
  "strings of 3-9": () => times(() => word(3, 9)),
  "strings of 60-120": () => times(() => word(60, 120)),
  "strings, some beyond Latin-1": () => times(() => word(20, 40) + (random(8) === 0 ? "\u201d\u2026" : "")),
  "strings, Cyrillic": () =>
    times(() => word(3, 12).replace(/./g, (c) => String.fromCharCode(c.charCodeAt(0) + 0x3d0))),
  "region codes": () => times(() => regions[random(5)]),
  "integers, ascending": () => times(() => (id += random(9))),
  "flat records": () =>
    times(() => ({ id: id++, name: word(4, 12), amount: random(1_000_000) / 100, flag: random(3) === 0 })),
  "flat records, 10 fields": () =>
    times(() => ({
      id: id++,
      at: 1_760_000_000_000 + random(1e9),
      user: word(6, 14),
      region: regions[random(5)],
      path: `/${word(3, 8)}/${word(3, 8)}`,
      status: random(10) === 0 ? 404 : 200,
      bytes: random(100_000),
      ms: random(10_000) / 10,
      cached: random(2) === 0,
      referrer: random(3) === 0 ? null : word(8, 20),
    })),
  "records, some fields missing": () =>
    times(() => ({
      id: id++,
      name: word(4, 12),
      ...(random(2) === 0 ? { amount: random(1000) } : {}),
      ...(random(3) === 0 ? { note: word(5, 20) } : {}),
    })),
  "nested records": () =>
    times(() => ({
      id: id++,
      owner: { name: word(4, 12), region: regions[random(5)] },
      tags: Array.from({ length: random(4) }, () => word(3, 8)),
      sizes: [random(100), random(100), random(100)],
    })),
  "lines of source code": () => sourceLines().slice(0, rows),
  "mixed values": () =>
    times(() => [random(1000), word(3, 9), null, { a: 1 }, [1, "x"], true, 10n ** 20n][random(7)]),
};

/** The engine's own modules, bundled as they stand in src/. */
async function loadFrames() {
  const directory = mkdtempSync(join(tmpdir(), "bicoastal-codec-"));
  try {
    const outfile = join(directory, "frames.cjs");
    const block = "./src/engine/shuffle/block";
    await bundle({
      stdin: {
        contents: `export { encodeFrame, decodeFrame, FRAME_HEADER_BYTES } from "${block}/frame.ts";
          export { ByteWriter } from "${block}/byte-writer.ts";
          export { lz4 } from "./src/adapters/codec/lz4.ts";
          export { createMsgpackCodec } from "./src/adapters/codec/msgpack-codec.ts";
          export { crc32 } from "./src/adapters/codec/zlib.ts";`,
        resolveDir: root,
        loader: "ts",
      },
      bundle: true,
      platform: "node",
      format: "cjs",
      // Packages are found from here, wherever the bundle lies.
      define: { "import.meta.url": JSON.stringify(import.meta.url) },
      outfile,
    });
    return (await import(pathToFileURL(outfile).href)).default;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const frames = await loadFrames();
const codecs = { codec: frames.createMsgpackCodec(), crc32: frames.crc32 };
const writer = new frames.ByteWriter();
const packr = new Packr({ moreTypes: true, useBigIntExtension: true });
const shared = new Packr({ structures: [], moreTypes: true, useBigIntExtension: true });

/**
 * @typedef {{ values: unknown[], keys: unknown[] | undefined, own: unknown[] }} Rows
 *   Rows of two elements have their first as keys: so they are in a block.
 * @typedef {{ encode: (rows: Rows) => any, decode: (encoded: any) => any, bytes: (encoded: any) => number }} Way
 */

/** @param {unknown[]} values @returns {Rows} */
function rowsOf(values) {
  /** @type {unknown[][]} */
  const pairs = values.flatMap((value) => (Array.isArray(value) && value.length === 2 ? [value] : []));
  if (pairs.length < values.length) return { values, keys: undefined, own: values };
  return { values, keys: pairs.map(([key]) => key), own: pairs.map(([, value]) => value) };
}

/** Each way gives bytes and takes them back; JSON throws a TypeError where it cannot hold the values. */
/** @type {Record<string, Way>} */
const ways = {
  frames: {
    encode({ keys, own }) {
      const crc = frames.encodeFrame(writer, keys, own, codecs);
      return { crc, bytes: writer.written() };
    },
    decode({ crc, bytes }) {
      // What is read from a file or a network is in a buffer of its own.
      const frame = new Uint8Array(bytes);
      const extent = { offset: 0, bytes: frame.length, rows, crc };
      return frames.decodeFrame(frame, extent, frames.crc32, { codec: codecs.codec, own: "none" });
    },
    bytes: ({ bytes }) => bytes.length,
  },
  "msgpackr, records": {
    encode: ({ values }) => shared.pack(values),
    decode: (bytes) => shared.unpack(bytes),
    bytes: (bytes) => bytes.length,
  },
  msgpackr: {
    encode: ({ values }) => packr.pack(values),
    decode: (bytes) => packr.unpack(bytes),
    bytes: (bytes) => bytes.length,
  },
  "v8.serialize": {
    encode: ({ values }) => v8.serialize(values),
    decode: (bytes) => v8.deserialize(bytes),
    bytes: (bytes) => bytes.length,
  },
  JSON: {
    encode: ({ values }) => Buffer.from(JSON.stringify(values)),
    decode: (bytes) => JSON.parse(bytes.toString()),
    bytes: (bytes) => bytes.length,
  },
};

/**
 * Processor time of one call: others on this machine do not count, the collector of this process does.
 * @param {() => void} body
 */
function perCallMs(body) {
  const before = process.cpuUsage();
  let calls = 0;
  let spent = 0;
  for (; spent < roundMs * 1000; calls++) {
    body();
    const { user, system } = process.cpuUsage(before);
    spent = user + system;
  }
  return spent / 1000 / calls;
}

/** @param {readonly number[]} samples */
const median = (samples) => [...samples].sort((a, b) => a - b)[samples.length >> 1] ?? Number.NaN;

/** @param {Rows} given @param {any} back What the frames gave, or another way. */
function check({ values, keys, own }, back) {
  if (Array.isArray(back)) return assert.deepEqual(back, values);
  assert.deepEqual([...back.keys], keys ?? []);
  assert.deepEqual(back.values, own);
}

/** @param {unknown[]} values */
function measure(values) {
  const json = JSON.stringify(values, (_, value) => (typeof value === "bigint" ? String(value) : value));
  const given = rowsOf(values);
  const runs = Object.entries(ways).flatMap(([name, way]) => {
    try {
      const encoded = way.encode(given);
      check(given, way.decode(encoded));
      /** @type {{ encode: number[], decode: number[] }} */
      const samples = { encode: [], decode: [] };
      return [{ name, way, bytes: way.bytes(encoded), samples }];
    } catch (error) {
      if (name !== "JSON" || !(error instanceof TypeError)) throw error;
      return [];
    }
  });
  for (let round = 0; round < rounds; round++) {
    for (const { way, samples } of runs) {
      samples.encode.push(perCallMs(() => way.encode(given)));
      const encoded = way.encode(given);
      samples.decode.push(perCallMs(() => way.decode(encoded)));
    }
  }
  const megabytes = Buffer.byteLength(json) / 1e6;
  return runs.map(({ name, bytes, samples }) => {
    const [encode, decode] = [median(samples.encode) / 1000, median(samples.decode) / 1000];
    return {
      name,
      share: bytes / 1e6 / megabytes,
      speeds: [megabytes / encode, megabytes / decode, megabytes / (encode + decode)],
    };
  });
}

console.log(`Node ${process.version}, ${rows} rows, median of ${rounds} rounds. MB of JSON a second.\n`);
console.log("| rows | way | encode | decode | both | frames are × as fast | bytes of JSON's |");
console.log("|---|---|---:|---:|---:|---:|---:|");
for (const [name, make] of Object.entries(dataSets)) {
  if (!name.includes(options.only)) continue;
  const results = measure(make());
  const own = results[0]?.speeds[2] ?? 0;
  for (const { name: way, speeds, share } of results) {
    const cells = speeds.map((speed) => speed.toFixed(0));
    const ratio = (own / (speeds[2] ?? own)).toFixed(1);
    console.log(`| ${name} | ${way} | ${cells.join(" | ")} | ${ratio} | ${(share * 100).toFixed(0)} % |`);
  }
}

/**
 * What LZ4 makes of the body of a frame; a body is at most as large as the largest that is compressed.
 * @param {unknown[]} values
 */
function compression(values) {
  const { keys, own } = rowsOf(values);
  frames.encodeFrame(writer, keys, own, codecs);
  const body = Uint8Array.from(writer.written().subarray(frames.FRAME_HEADER_BYTES));
  const compressed = Uint8Array.from(frames.lz4.compress(body));
  assert.deepEqual(frames.lz4.decompress(compressed, body.length), body);
  /** @type {number[]} */
  const inMs = [];
  /** @type {number[]} */
  const outMs = [];
  for (let round = 0; round < rounds; round++) {
    inMs.push(perCallMs(() => frames.lz4.compress(body)));
    outMs.push(perCallMs(() => frames.lz4.decompress(compressed, body.length)));
  }
  const megabytes = body.length / 1e6;
  const [inSeconds, outSeconds] = [median(inMs) / 1000, median(outMs) / 1000];
  const savedMegabytes = megabytes - compressed.length / 1e6;
  return {
    kept: compressed.length / body.length,
    speeds: [megabytes / inSeconds, megabytes / outSeconds, savedMegabytes / (inSeconds + outSeconds)],
  };
}

console.log("\nLZ4 of the same frames, on one core. MB of the frame a second.\n");
console.log("| rows | kept | compress | undo | pays up to a network of |");
console.log("|---|---:|---:|---:|---:|");
for (const [name, make] of Object.entries(dataSets)) {
  if (!name.includes(options.only)) continue;
  const { kept, speeds } = compression(make());
  const [into, out, network] = speeds.map((speed) => Math.max(speed, 0).toFixed(0));
  console.log(`| ${name} | ${(kept * 100).toFixed(0)} % | ${into} | ${out} | ${network} MB/s |`);
}
