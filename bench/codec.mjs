// `node bench/codec.mjs`: how fast rows become bytes and come back, and how many bytes: the frames of shuffle blocks
// beside msgpackr, v8.serialize and JSON, all in memory and on one thread.
//
//     node bench/codec.mjs --rows 4096 --rounds 9 --only pairs
//
// Ways run in rotation, and medians are compared. Speeds are in MB of the rows' JSON a second of processor time, so that
// they compare across rows; ratios compare across machines. Prints a Markdown table on stdout.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
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
  Array.from({ length: least + random(most - least + 1) }, () => letters[Math.min(random(26), random(26))]).join("");
/** @template T @param {() => T} make */
const times = (make) => Array.from({ length: rows }, make);
const regions = ["eu-west", "eu-north", "us-east", "us-west", "ap-south"];
let id = 1_000_000;

/** Fresh strings, as rows of a real job have them: `words` are slices, as of lines. */
/** @type {Record<string, () => unknown[]>} */
const dataSets = {
  "pairs [string, count]": () => times(() => [word(3, 9), random(random(4) === 0 ? 5000 : 40)]),
  "pairs [string, float]": () => times(() => [word(3, 9), random(1_000_000) / 1000]),
  "strings of 3-9": () => times(() => word(3, 9)),
  "strings of 60-120": () => times(() => word(60, 120)),
  "strings, some beyond Latin-1": () => times(() => word(20, 40) + (random(8) === 0 ? "\u201d\u2026" : "")),
  "strings, Cyrillic": () => times(() => word(3, 12).replace(/./g, (c) => String.fromCharCode(c.charCodeAt(0) + 0x3d0))),
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
        contents: `export { encodeFrame, decodeFrame } from "${block}/frame.ts";
          export { ByteWriter } from "${block}/byte-writer.ts";
          export { createMsgpackCodec } from "./src/adapters/codec/msgpack-codec.ts";
          export { crc32 } from "./src/adapters/codec/zlib.ts";`,
        resolveDir: root,
        loader: "ts",
      },
      bundle: true,
      platform: "node",
      format: "cjs",
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

/** @param {unknown[]} values */
function isPairs(values) {
  return values.every((value) => Array.isArray(value) && value.length === 2);
}

/** Each way gives bytes and takes them back; undefined where it cannot hold the values. */
/** @type {Record<string, { encode: (values: unknown[]) => unknown, decode: (bytes: any) => unknown, bytes: (encoded: any) => number }>} */
const ways = {
  "frames": {
    encode(values) {
      if (values.pairs === undefined) {
        const crc = frames.encodeFrame(writer, undefined, values, codecs);
        return { crc, bytes: writer.written() };
      }
      const [keys, counts] = values.pairs;
      return { crc: frames.encodeFrame(writer, keys, counts, codecs), bytes: writer.written(), pairs: true };
    },
    decode({ crc, bytes, pairs }) {
      // What is read from a file or a network is in a buffer of its own.
      const frame = new Uint8Array(bytes);
      const extent = { offset: 0, bytes: frame.length, rows, crc };
      const read = frames.decodeFrame(frame, extent, frames.crc32, { codec: codecs.codec, own: "none" });
      return pairs === true ? read : read.values;
    },
    bytes: ({ bytes }) => bytes.length,
  },
  "msgpackr, records": {
    encode: (values) => shared.pack(values),
    decode: (bytes) => shared.unpack(bytes),
    bytes: (bytes) => bytes.length,
  },
  msgpackr: {
    encode: (values) => packr.pack(values),
    decode: (bytes) => packr.unpack(bytes),
    bytes: (bytes) => bytes.length,
  },
  "v8.serialize": {
    encode: (values) => v8.serialize(values),
    decode: (bytes) => v8.deserialize(bytes),
    bytes: (bytes) => bytes.length,
  },
  JSON: {
    encode: (values) => Buffer.from(JSON.stringify(values)),
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

/** @param {unknown[]} values */
function measure(values) {
  const jsonBytes = Buffer.byteLength(JSON.stringify(values, (_, value) => (typeof value === "bigint" ? String(value) : value)));
  const results = [];
  for (const [name, way] of Object.entries(ways)) {
    try {
      const given = name === "frames" && isPairs(values) ? Object.assign([...values], { pairs: [values.map((v) => v[0]), values.map((v) => v[1])] }) : values;
      const encoded = way.encode(given);
      const back = way.decode(encoded);
      if (given === values) assert.deepEqual(back, values);
      else assert.deepEqual(back.keys.map((/** @type {unknown} */ key, /** @type {number} */ i) => [key, back.values[i]]), values);
      results.push({ name, way, given, bytes: way.bytes(encoded), encode: [], decode: [] });
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
  }
  for (let round = 0; round < rounds; round++) {
    for (const { way, given, encode, decode } of results) {
      encode.push(perCallMs(() => way.encode(given)));
      const encoded = way.encode(given);
      decode.push(perCallMs(() => way.decode(encoded)));
    }
  }
  return results.map(({ name, bytes, encode, decode }) => {
    const megabytes = jsonBytes / 1e6;
    const [out, back] = [median(encode) / 1000, median(decode) / 1000];
    return { name, share: bytes / jsonBytes, encode: megabytes / out, decode: megabytes / back, both: megabytes / (out + back) };
  });
}

console.log(`Node ${process.version}, ${rows} rows, median of ${rounds} rounds. MB of JSON a second.\n`);
console.log("| rows | way | encode | decode | both | frames are × as fast | bytes of JSON's |");
console.log("|---|---|---:|---:|---:|---:|---:|");
for (const [name, make] of Object.entries(dataSets)) {
  if (!name.includes(options.only)) continue;
  const results = measure(make());
  const own = results[0]?.both ?? 0;
  for (const { name: way, encode, decode, both, share } of results) {
    const cells = [encode, decode, both].map((speed) => speed.toFixed(0));
    console.log(`| ${name} | ${way} | ${cells.join(" | ")} | ${(own / both).toFixed(1)} | ${(share * 100).toFixed(0)} % |`);
  }
}
