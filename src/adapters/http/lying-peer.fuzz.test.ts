/**
 * A peer, or whatever answers at its address, that answers anything: other bytes, other lengths, too little, too much, without
 * an end, byte by byte, in broken chunks, from somewhere else, and breaks off. Whoever asks gets bytes of the length that it
 * asked for (whether they are the right ones, checksums say), or an error that says that the peer cannot be asked; in the
 * client's own time, and in no more memory than it asked for.
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BicoastalError } from "../../base/errors.ts";
import { nodeId } from "../../base/ids.ts";
import { createMemoryBlobs } from "../../sim/ports/memory-blobs.ts";
import { createFileScratch } from "../fs/scratch.ts";
import type { PeerAccess } from "./ask-peer.ts";
import { createBlobClient } from "./blob-client.ts";
import { parseRange } from "./byte-ranges.ts";
import { fetchLogPage } from "./log-route.ts";
import { createPeerBlobs, type PeerBlobs } from "./peer-blobs.ts";
import { createPeerClient, type PeerClient } from "./peer-client.ts";
import { createPeerLinks, type LinkTrouble } from "./peer-links.ts";

const [HERE, THERE] = [nodeId("here"), nodeId("there")];
const CONTENT = Buffer.from(
  Uint8Array.from({ length: 150_000 }, (_, index) => (index * 31 + (index >> 8)) & 255),
);
const KEY = `bundles/${createHash("sha256").update(CONTENT).digest("hex")}`;
/** What an endless body may have sent when the client has had enough: its own bound, and what lies in sockets. */
const SENT_BYTES_MAX = 32 * 2 ** 20;
/** No peer sends more. */
const ENDLESS_BYTES_MAX = 2 * SENT_BYTES_MAX;
/** Nobody waits longer than this for a peer that gives a byte from time to time. */
const PATIENCE_MS = 1000;

/** How an answer differs from the right one; each may be left out. */
interface Lie {
  readonly status?: string;
  /** Of the whole blob, in the range. */
  readonly size?: number;
  readonly shift?: number;
  readonly range?: string;
  readonly length?: string;
  readonly chunks?: "right" | "rubbish" | "cut";
  readonly headers?: readonly string[];
  readonly body?: "other" | "short" | "long" | "none" | "endless";
  readonly pace?: "drip";
  readonly end?: "hangs up" | "resets" | "stalls";
  /** Instead of all that. */
  readonly raw?: string;
}

const ways = {
  status: fc.constantFrom(
    "200 OK",
    "206 x",
    "404 x",
    "302 Found",
    "416 x",
    "500 x",
    "204 x",
    "999 x",
    "x",
    "100 Continue",
  ),
  size: fc.constantFrom(0, 1, 149_999, 150_001, 2 ** 40, 1e15, -1),
  shift: fc.constantFrom(-1, 1, 1000, -70_000),
  range: fc.constantFrom(
    "bytes */150000",
    "bytes 5-3/9",
    "lines 1-2/3",
    "bytes 0-9/10",
    "bytes 149000-149999/150000",
    "",
  ),
  length: fc.constantFrom("0", "1", "149999", "200000", "99999999999", "-1", "abc", "1e3", "268435456"),
  chunks: fc.constantFrom("right", "rubbish", "cut"),
  headers: fc.subarray([
    "Content-Type: text/html",
    "Content-Encoding: gzip",
    "Location: http://127.0.0.1:1/elsewhere",
    "Content-Range: bytes 0-0/1",
    "Bicoastal-Node: there",
    "Bicoastal-Node: another",
    "Bicoastal-Log-Next: -5",
    "Bicoastal-Log-Dropped: 0",
    "Connection: close",
    `X-Long: ${"x".repeat(20_000)}`,
    "no header at all",
  ]),
  body: fc.constantFrom("other", "short", "long", "none", "endless"),
  pace: fc.constant("drip"),
  end: fc.constantFrom("hangs up", "resets", "stalls"),
  raw: fc.oneof(
    fc.constantFrom("", "\r\n\r\n", "HTTP/2 200\r\n\r\n", "\0\0\0"),
    fc.string({ unit: "binary", maxLength: 60 }),
  ),
};
/** Mostly one lie at a time: many at once are noticed for the first of them. */
const lie: fc.Arbitrary<Lie> = fc
  .tuple(fc.record(ways), fc.subarray(Object.keys(ways), { maxLength: 2 }))
  .map(([all, names]) => pick(all, names));
const answers = fc.array(lie, { minLength: 1, maxLength: 4 });
const pick = (all: Lie, names: readonly string[]): Lie =>
  Object.fromEntries(Object.entries(all).filter(([name]) => names.includes(name)));

let peer: Server;
let address: string;
let room: string;
/** For the requests to come; after them all is right. */
let lies: Lie[] = [];
let sentBytes = 0;
const sockets = new Set<Socket>();
const limits = { connectMs: 1000, bodyPauseMs: 100, answerMs: 150 };
const client = createPeerClient({}, limits);
/** What a task's thread reads blocks with. */
const threadClient = createBlobClient({}, limits);

beforeAll(async () => {
  room = mkdtempSync(join(tmpdir(), "bicoastal-lies-"));
  peer = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    let head = "";
    socket.on("data", (piece) => {
      head += piece.toString("latin1");
      const end = head.indexOf("\r\n\r\n");
      if (end < 0) return;
      const request = head.slice(0, end);
      head = "";
      void reply(socket, request, lies.shift() ?? {});
    });
  }).listen(0, "127.0.0.1");
  await once(peer, "listening");
  address = `127.0.0.1:${(peer.address() as { port: number }).port}`;
});
afterAll(async () => {
  await client.close();
  await threadClient.close();
  for (const socket of sockets) socket.destroy();
  peer.close();
  rmSync(room, { recursive: true, force: true });
});

/** The right answer to this request, but for the lie. */
async function reply(socket: Socket, request: string, lie: Lie): Promise<void> {
  if (lie.raw !== undefined) socket.write(lie.raw, "latin1");
  else {
    const isHead = request.startsWith("HEAD");
    const asked = /^range: (.*)$/im.exec(request)?.[1];
    const range = asked === undefined ? undefined : parseRange(asked, CONTENT.length);
    const { offset, bytes } = range ?? { offset: 0, bytes: CONTENT.length };
    const body = bodyFor(lie, CONTENT.subarray(offset, offset + bytes));
    const from = offset + (lie.shift ?? 0);
    const said = lie.range ?? `bytes ${from}-${from + bytes - 1}/${lie.size ?? CONTENT.length}`;
    const right = request.startsWith("PUT") ? "201 Created" : range === undefined ? "200 OK" : "206 Partial";
    const lines = [
      `HTTP/1.1 ${lie.status ?? right}`,
      ...(range === undefined && lie.range === undefined ? [] : [`Content-Range: ${said}`]),
      lie.chunks === undefined ? `Content-Length: ${lie.length ?? bytes}` : "Transfer-Encoding: chunked",
      ...(lie.headers ?? []),
    ];
    socket.write(`${lines.join("\r\n")}\r\n\r\n`);
    if (!isHead) await sendBody(socket, lie, body);
  }
  if (lie.end === "resets") socket.resetAndDestroy();
  else if (lie.end === "hangs up") socket.end();
}

function bodyFor({ body }: Lie, right: Buffer): Buffer {
  if (body === "none") return Buffer.alloc(0);
  if (body === "short") return right.subarray(0, right.length >> 1);
  if (body === "long") return Buffer.concat([right, right]);
  if (body === "other") return Buffer.alloc(right.length, "other");
  return right;
}

async function sendBody(socket: Socket, lie: Lie, body: Buffer): Promise<void> {
  const write = async (bytes: Buffer): Promise<void> => {
    sentBytes += bytes.length;
    if (socket.write(bytes) || socket.destroyed) return;
    const either = new AbortController();
    const { signal } = either;
    const heard = ["drain", "close"].map((event) => once(socket, event, { signal }));
    await Promise.race(heard).catch(() => {});
    either.abort();
    await Promise.allSettled(heard);
  };
  const chunk = (bytes: Buffer): Buffer =>
    lie.chunks === undefined
      ? bytes
      : Buffer.concat([
          Buffer.from(`${lie.chunks === "rubbish" ? "zz" : bytes.length.toString(16)}\r\n`),
          bytes,
          Buffer.from("\r\n"),
        ]);
  if (lie.pace === "drip") {
    for (let at = 0; at < body.length && !socket.destroyed; at++) {
      await write(chunk(body.subarray(at, at + 1)));
      await new Promise((resolve) => setTimeout(resolve, 40));
    }
  } else await write(chunk(body));
  while (lie.body === "endless" && !socket.destroyed && sentBytes < ENDLESS_BYTES_MAX)
    await write(chunk(CONTENT));
  if (lie.chunks === "right" && !socket.destroyed) socket.write("0\r\n\r\n");
}

interface Asking {
  readonly access: PeerAccess;
  readonly blobs: PeerBlobs;
}

/** Runs it on a peer that lies in this way; afterwards the peer is honest again. */
async function whileLying<T>(
  told: readonly Lie[],
  ask: (asking: Asking) => Promise<T>,
  by: PeerClient = client,
  sentBytesMax = SENT_BYTES_MAX,
): Promise<T> {
  lies = [...told];
  sentBytes = 0;
  const access: PeerAccess = {
    client: by,
    addressOf: () => address,
    signal: AbortSignal.timeout(PATIENCE_MS),
  };
  const scratch = createFileScratch(join(room, "scratch"));
  const blobs = createPeerBlobs({
    self: HERE,
    local: createMemoryBlobs(),
    access,
    locate: () => THERE,
    scratch,
    memoryBytes: 50_000,
  });
  try {
    return await ask({ access, blobs });
  } finally {
    expect(sentBytes).toBeLessThan(sentBytesMax);
    lies = [];
    for (const socket of sockets) socket.destroy();
    scratch.dispose();
  }
}

/** Undefined where it ended with one of these errors; anything else is thrown. */
async function orError<T>(codes: readonly string[], call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (!(error instanceof BicoastalError) || !codes.includes(error.code)) throw error;
    expect(error.message.length).toBeLessThan(1000);
    return undefined;
  }
}

const AWAY = ["PEER_UNREACHABLE", "BLOB_MISSING"];
const onlyHonestBodies = (told: readonly Lie[]): boolean =>
  told.every(({ body, raw, shift, range, size, headers }) =>
    [body, raw, shift, range, size, headers].every((each) => each === undefined),
  );

test.each([
  ["a node", client],
  ["a thread", threadClient],
] as const)(
  "parts of a blob have the length that %s asked for, or the peer cannot be asked",
  async (_, by) => {
    let read = 0;
    const range = fc.record({ offset: fc.nat(150_000), bytes: fc.nat(90_000) });
    await fc.assert(
      fc.asyncProperty(answers, fc.array(range, { minLength: 1, maxLength: 3 }), async (told, ranges) => {
        await whileLying(
          told,
          async ({ blobs }) => {
            const reader = await orError(AWAY, blobs.open(KEY, THERE));
            if (reader === undefined) return;
            const tailBytes = Math.min(64, reader.bytes);
            expect(reader.readAt(reader.bytes - tailBytes, Buffer.alloc(tailBytes))).toBe(tailBytes);
            const inside = ranges.map(({ offset, bytes }) => ({
              offset,
              bytes: Math.max(0, Math.min(bytes, reader.bytes - offset)),
            }));
            const prepared = reader.prepare(inside).then(() => true);
            if ((await orError(AWAY, prepared)) === true) {
              for (const { offset, bytes } of inside) {
                const target = Buffer.alloc(bytes);
                expect(reader.readAt(offset, target)).toBe(bytes);
                if (onlyHonestBodies(told))
                  expect(target.equals(CONTENT.subarray(offset, offset + bytes))).toBe(true);
              }
              read++;
            }
            reader.close();
          },
          by,
        );
      }),
      { numRuns: 60 },
    );
    expect(read).toBeGreaterThan(0);
  },
);

test("a whole blob that its content names is right, damaged, or not to be had", async () => {
  await fc.assert(
    fc.asyncProperty(answers, async (told) => {
      const ask = async ({ blobs }: Asking): Promise<void> => {
        const got = await orError([...AWAY, "BLOB_CORRUPT"], blobs.get(KEY));
        if (got !== undefined) expect(CONTENT.equals(got)).toBe(true);
        const isHere = (await blobs.list("")).includes(KEY);
        expect(isHere).toBe(got !== undefined);
      };
      // It may be of 256 MiB, which a fast peer nearly gives in the time there is.
      await whileLying(told, ask, client, Number.POSITIVE_INFINITY);
    }),
    { numRuns: 30 },
  );
});

test("whether it has a blob, and whether it took one, is known or not", async () => {
  await fc.assert(
    fc.asyncProperty(answers, async (told) => {
      await whileLying(told, async ({ blobs }) => {
        const has = await orError(AWAY, blobs.has(KEY));
        expect(["boolean", "undefined"]).toContain(typeof has);
        await orError([...AWAY, "BLOB_CORRUPT"], blobs.give(KEY, CONTENT, THERE));
      });
    }),
    { numRuns: 30 },
  );
});

test("a page of a log goes on from where it was asked for, or the peer cannot be asked", async () => {
  await fc.assert(
    fc.asyncProperty(answers, fc.nat(10), fc.integer({ min: -3, max: 20 }), async (told, from, next) => {
      // What comes byte by byte may come for as long as a page takes at most: longer than a test.
      const quick = told.map(({ pace: _, ...each }): Lie => each);
      const page = quick.map((each) => ({
        headers: [`Bicoastal-Log-Next: ${next}`, "Bicoastal-Log-Dropped: 0"],
        ...each,
      }));
      await whileLying(page, async ({ access }) => {
        const got = await orError(AWAY, fetchLogPage(access, THERE, "job-1", from));
        if (got === undefined) return;
        expect(got.next).toBeGreaterThanOrEqual(from);
        expect(got.dropped).toBeGreaterThanOrEqual(0);
      });
    }),
    { numRuns: 30 },
  );
});

test("messages are lost, and whoever listens goes on listening", async () => {
  await fc.assert(
    fc.asyncProperty(answers, async (told) => {
      const troubles: LinkTrouble[] = [];
      await whileLying([...told], async ({ access }) => {
        const links = createPeerLinks<string>({
          self: HERE,
          incarnation: "1",
          addressOf: access.addressOf,
          client,
          pollMs: 50,
          codec: {
            encode: (messages) => Buffer.from(JSON.stringify(messages)),
            decode: (bytes) => {
              if (CONTENT.equals(bytes)) return ["right"];
              throw new Error("no messages");
            },
          },
          onTrouble: (trouble) => troubles.push(trouble),
        });
        const arrived = new Promise<string>((resolve) => links.receive((_, message) => resolve(message)));
        links.listen(THERE);
        // A poll may wait for its answer for as long as it said, and what it may be late by.
        const stalled = setInterval(() => {
          for (const socket of sockets) socket.destroy();
        }, 400);
        expect(await arrived).toBe("right");
        clearInterval(stalled);
        links.close();
      });
    }),
    { numRuns: 30 },
  );
});
