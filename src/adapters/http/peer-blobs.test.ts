import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createWriteStream, mkdirSync, mkdtempSync, readdirSync, rmSync, truncateSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { type NodeId, nodeId } from "../../base/ids.ts";
import { blobStoreContract } from "../../ports/blob-store.contract.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { Scratch } from "../../ports/scratch.ts";
import { createFileBlobs } from "../fs/blobs.ts";
import { createFileScratch } from "../fs/scratch.ts";
import { createBlobClient } from "./blob-client.ts";
import { createBlobRoute } from "./blob-route.ts";
import { KnownTails } from "./known-tails.ts";
import { type NodeServer, startNodeServer } from "./node-server.ts";
import { createPeerBlobs, type PeerBlobs, type PeerBlobsOptions } from "./peer-blobs.ts";
import { createPeerClient, type PeerClient } from "./peer-client.ts";

const TOKEN = "a-token-for-tests-only";
const HERE = nodeId("here");
const THERE = nodeId("there");

/** For peers that do not answer, or stall. */
const HASTY = { connectMs: 1000, bodyPauseMs: 300, answerMs: 1500 };
/** For those that do: however busy the machine is. */
const PATIENT = { connectMs: 60_000, bodyPauseMs: 60_000, answerMs: 60_000 };
/** Ends what hangs. */
const WAIT = { timeout: 300_000 };

/** As `createPeerClient`, but what is only read goes over the connections that threads have for it. */
function createThreadClient(...given: Parameters<typeof createPeerClient>): PeerClient {
  const [all, reading] = [createPeerClient(...given), createBlobClient(...given)];
  return {
    ...all,
    request: (request) => (request.method === "GET" ? reading : all).request(request),
    close: async () => void (await Promise.all([all.close(), reading.close()])),
  };
}

let room: string;
const clients: PeerClient[] = [];
beforeAll(() => {
  room = mkdtempSync(join(tmpdir(), "bicoastal-peers-"));
});
afterAll(async () => {
  for (const client of clients) await client.close();
  rmSync(room, { recursive: true, force: true });
});

let rooms = 0;
const newRoom = (): string => join(room, String(rooms++));

function peerBlobs(local: BlobStore, options: Partial<PeerBlobsOptions> = {}): PeerBlobs {
  const client = createPeerClient({ token: TOKEN }, PATIENT);
  clients.push(client);
  const access = { client, addressOf: () => undefined };
  return createPeerBlobs({ self: HERE, local, access, scratch: createFileScratch(newRoom()), ...options });
}

blobStoreContract("those of this node", async () => {
  const directory = newRoom();
  return {
    blobs: peerBlobs(createFileBlobs(directory)),
    dispose: async () => rmSync(directory, { recursive: true, force: true }),
  };
});

describe.each([
  ["asked by a node", createPeerClient],
  ["asked by a thread", createThreadClient],
])("blobs of another node, %s", (_who, create) => {
  const client = create({ token: TOKEN }, PATIENT);
  const hasty = create({ token: TOKEN }, HASTY);
  clients.push(client, hasty);
  const open: { close(): unknown }[] = [];
  let directory: string;
  let theirs: BlobStore;
  let mine: BlobStore;
  let server: NodeServer;
  let blobs: PeerBlobs;
  let scratchRoom: string;
  let hidden: string | undefined;
  const address = (): string => `127.0.0.1:${server.port}`;
  const accessTo = (to: string | undefined, other: PeerClient = client) => ({
    client: other,
    addressOf: (node: NodeId) => (node === THERE ? to : undefined),
  });
  const scratch = (): Scratch => createFileScratch(scratchRoom);

  beforeEach(async () => {
    directory = newRoom();
    scratchRoom = newRoom();
    theirs = createFileBlobs(directory);
    mine = createFileBlobs(newRoom());
    hidden = undefined;
    const route = createBlobRoute({
      self: THERE,
      directory,
      blobs: theirs,
      readable: (key) => key !== hidden,
    });
    server = await startNodeServer({
      host: "127.0.0.1",
      port: 0,
      security: { token: TOKEN },
      routes: [route],
    });
    open.push(server);
    const locate = (key: string) => (key.startsWith("bundles/") ? THERE : undefined);
    blobs = peerBlobs(mine, { access: accessTo(address()), locate, scratch: scratch() });
  });
  afterEach(async () => {
    for (const it of open.splice(0).reverse()) await it.close();
  });

  test("reads what was prepared, whatever its ranges and the memory there is", async () => {
    const content = Buffer.from(Uint8Array.from({ length: 3_000_000 }, (_, i) => (i * 31 + (i >> 10)) & 255));
    const sizes = [0, 1, 63, 65_536, 65_537, 400_000, 3_000_000];
    for (const size of sizes) await theirs.put(`blobs/${size}`, content.subarray(0, size));
    // Of all runs: what one is done with the next one has.
    const spare: Uint8Array[] = [];
    const position = fc.oneof(fc.nat(70_000), fc.nat(3_000_000));
    const bytes = fc.oneof(fc.nat(500), fc.nat(300_000), fc.nat(2_500_000));
    const range = fc.record({ offset: position, bytes });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...sizes),
        fc.array(fc.array(range, { maxLength: 5 }), { minLength: 1, maxLength: 3 }),
        fc.constantFrom(0, 100_000, 10_000_000),
        async (size, rounds, memoryBytes) => {
          const access = accessTo(address());
          const room = scratch();
          const other = await peerBlobs(mine, { access, memoryBytes, scratch: room, spare }).open(
            "blobs/3000000",
            THERE,
          );
          const reader = await peerBlobs(mine, { access, memoryBytes, scratch: room, spare }).open(
            `blobs/${size}`,
            THERE,
          );
          try {
            expect(reader.bytes).toBe(size);
            const tail = Math.max(0, size - 64);
            rounds.unshift([{ offset: tail, bytes: 64 }]);
            for (const ranges of rounds) {
              const prepared = ranges === rounds[0] ? [] : [reader.prepare(ranges), other.prepare(ranges)];
              await Promise.all(prepared);
              for (const { offset, bytes } of ranges) {
                const target = Buffer.alloc(bytes);
                const expected = content.subarray(Math.min(offset, size), Math.min(offset + bytes, size));
                expect(reader.readAt(offset, target)).toBe(expected.length);
                expect(target.subarray(0, expected.length).equals(expected)).toBe(true);
              }
            }
          } finally {
            reader.close();
            other.close();
            room.dispose();
          }
        },
      ),
      { numRuns: 60 },
    );
    expect(readdirSync(scratchRoom)).toEqual([]);
  });

  test("are looked for here first, and where they are said to be then", async () => {
    const content = Buffer.from("a bundle");
    const key = `bundles/${createHash("sha256").update(content).digest("hex")}`;
    await theirs.put(key, content);
    expect(await blobs.has(key)).toBe(true);
    expect(await mine.has(key)).toBe(false);
    expect(Buffer.from(await blobs.get(key)).toString()).toBe("a bundle");
    // Its name says what is in it, so that it may stay.
    expect(await mine.has(key)).toBe(true);
    await theirs.put("bundles/by-name", content);
    expect(Buffer.from(await blobs.get("bundles/by-name")).toString()).toBe("a bundle");
    expect(await mine.has("bundles/by-name")).toBe(false);
    (await blobs.open("bundles/by-name")).close();
    expect(await blobs.has("bundles/none")).toBe(false);
    expect(await blobs.has("jobs/none")).toBe(false);
    await mine.put("jobs/x", content);
    (await blobs.open("jobs/x", HERE)).close();
  });

  test("are missing where the node itself says so", async () => {
    const missing = { code: "BLOB_MISSING", retryable: true, details: { key: "jobs/x", node: THERE } };
    await expect(blobs.open("jobs/x", THERE)).rejects.toMatchObject(missing);
    await theirs.put("jobs/x", Buffer.alloc(500_000));
    const reader = await blobs.open("jobs/x", THERE);
    hidden = "jobs/x";
    await expect(reader.prepare([{ offset: 0, bytes: 10 }])).rejects.toMatchObject(missing);
    reader.close();
    await expect(blobs.get("bundles/none")).rejects.toMatchObject({ code: "BLOB_MISSING" });
    await expect(blobs.open("../x", THERE)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  });

  test("come several in a request where little of each is wanted, and each that fails says why", async () => {
    const content = Buffer.from(Uint8Array.from({ length: 200_000 }, (_, i) => (i * 31 + (i >> 10)) & 255));
    const keys = Array.from({ length: 40 }, (_, index) => `jobs/${index}`);
    const sizeOf = (index: number): number => (index % 7 === 0 ? 0 : index * 5000);
    for (const [index, key] of keys.entries())
      if (index % 5 !== 4) await theirs.put(key, content.subarray(0, sizeOf(index)));
    hidden = "jobs/2";
    const lost = (index: number): boolean => index % 5 === 4 || index === 2;
    let requests = 0;
    const counting: PeerClient = {
      ...client,
      request: (request) => {
        requests++;
        return client.request(request);
      },
    };
    const room = scratch();
    const some = peerBlobs(mine, { access: accessTo(address(), counting), scratch: room });
    const opened = await Promise.allSettled(keys.map((key) => some.open(key, THERE)));
    // Five in which they go together; alone go those that there are none of, and those of no bytes.
    const alone = keys.filter((_, index) => lost(index) || sizeOf(index) === 0).length;
    expect(requests).toBe(5 + alone);
    for (const [index, it] of opened.entries()) {
      const missing = { code: "BLOB_MISSING", details: { key: keys[index], node: THERE } };
      if (lost(index)) expect(it).toMatchObject({ status: "rejected", reason: missing });
      else expect(it).toMatchObject({ status: "fulfilled", value: { bytes: sizeOf(index) } });
    }
    const readers = opened.flatMap((it) => (it.status === "fulfilled" ? [it.value] : []));
    await Promise.all(readers.map((reader) => reader.prepare([{ offset: 100, bytes: 3000 }])));
    for (const reader of readers) {
      const target = Buffer.alloc(3000);
      const expected = content.subarray(Math.min(100, reader.bytes), Math.min(3100, reader.bytes));
      expect(reader.readAt(100, target)).toBe(expected.length);
      expect(target.subarray(0, expected.length).equals(expected)).toBe(true);
      reader.close();
    }
    room.dispose();
  });

  test("are opened without a word where an earlier task saw what lies where, and are missing as soon as they are", async () => {
    const content = Buffer.from(Uint8Array.from({ length: 200_000 }, (_, i) => (i * 31 + (i >> 10)) & 255));
    const index = { offset: 199_000, bytes: 936 };
    for (const key of ["jobs/a", "jobs/b"]) await theirs.put(key, content);
    const tails = new KnownTails();
    let requests = 0;
    const counting: PeerClient = {
      ...client,
      request: (request) => {
        requests++;
        return client.request(request);
      },
    };
    const readAll = async (key: string): Promise<number> => {
      const before = requests;
      const room = scratch();
      const some = peerBlobs(mine, { access: accessTo(address(), counting), scratch: room, tails });
      const reader = await some.open(key, THERE);
      try {
        expect(reader.bytes).toBe(200_000);
        for (const { offset, bytes } of [
          { offset: 199_936, bytes: 64 },
          index,
          { offset: 5000, bytes: 300 },
        ]) {
          if (offset !== 199_936) await reader.prepare([{ offset, bytes }]);
          const target = Buffer.alloc(bytes);
          expect(reader.readAt(offset, target)).toBe(bytes);
          expect(target.equals(content.subarray(offset, offset + bytes))).toBe(true);
        }
      } finally {
        reader.close();
        room.dispose();
      }
      return requests - before;
    };
    expect(await readAll("jobs/a")).toBe(2);
    expect(await readAll("jobs/b")).toBe(2);
    expect(await readAll("jobs/a")).toBe(1);
    hidden = "jobs/a";
    const missing = { code: "BLOB_MISSING", details: { key: "jobs/a", node: THERE } };
    await expect(readAll("jobs/a")).rejects.toMatchObject(missing);
    // Nothing that it has is known any more: it is asked again.
    await expect(
      peerBlobs(mine, { access: accessTo(address()), tails }).open("jobs/a", THERE),
    ).rejects.toMatchObject(missing);
    expect(await readAll("jobs/b")).toBe(2);
    expect(await readAll("jobs/b")).toBe(1);
  });

  test("that are asked for together fail each by its own name where nobody answers", async () => {
    const some = peerBlobs(mine, { access: accessTo("127.0.0.1:1") });
    const keys = ["jobs/a", "jobs/b", "jobs/c"];
    const opened = await Promise.allSettled(keys.map((key) => some.open(key, THERE)));
    expect(opened).toMatchObject(
      keys.map((key) => ({
        status: "rejected",
        reason: { code: "PEER_UNREACHABLE", details: { node: THERE, key, address: "127.0.0.1:1" } },
      })),
    );
  });

  test("that have another SHA-256 than their name says are not kept", async () => {
    const key = `bundles/${"0".repeat(64)}`;
    await theirs.put(key, Buffer.from("else"));
    await expect(blobs.get(key)).rejects.toMatchObject({
      code: "BLOB_CORRUPT",
      details: { key, node: THERE },
    });
    expect(await mine.has(key)).toBe(false);
  });

  test("are given to it, once", async () => {
    const content = Buffer.alloc(3_000_000, "x");
    const key = `bundles/${createHash("sha256").update(content).digest("hex")}`;
    await blobs.give(key, content, THERE);
    expect(Buffer.from(await theirs.get(key)).equals(content)).toBe(true);
    await blobs.give(key, content, THERE);
    const wrong = `bundles/${"0".repeat(64)}`;
    await expect(blobs.give(wrong, content, THERE)).rejects.toMatchObject({
      code: "BLOB_CORRUPT",
      details: { key: wrong },
    });
    expect(await theirs.list("bundles/")).toEqual([key]);
  });

  test("are given to it anew where what it has of them is damaged", async () => {
    const content = Buffer.alloc(300_000, "x");
    const key = `results/${createHash("sha256").update(content).digest("hex")}`;
    for (const damaged of [content.subarray(1), Buffer.alloc(300_000, "y"), Buffer.alloc(0)]) {
      await theirs.put(key, damaged);
      await blobs.give(key, content, THERE);
      expect(Buffer.from(await theirs.get(key)).equals(content)).toBe(true);
    }
  });

  test("cannot be reached for many reasons, none of which says that they are lost", async () => {
    await theirs.put("jobs/x", Buffer.from("x"));
    const stranger = create({ token: "not-the-token-of-it" });
    open.push(stranger);
    const other = await startNodeServer({
      host: "127.0.0.1",
      port: 0,
      security: { token: TOKEN },
      routes: [],
    });
    const another = await startNodeServer({
      host: "127.0.0.1",
      port: 0,
      security: { token: TOKEN },
      routes: [createBlobRoute({ self: nodeId("another"), directory, blobs: theirs, readable: () => true })],
    });
    open.push(other, another);
    const cases = [
      accessTo(undefined),
      accessTo("127.0.0.1:1", hasty),
      accessTo("no.such.host.invalid:80", hasty),
      accessTo("not an address"),
      accessTo(address(), stranger),
      accessTo(`127.0.0.1:${other.port}`),
      accessTo(`127.0.0.1:${another.port}`),
    ];
    for (const access of cases) {
      const unreachable = {
        code: "PEER_UNREACHABLE",
        retryable: true,
        details: { node: THERE, key: "jobs/x" },
      };
      const opened = peerBlobs(mine, { access }).open("jobs/x", THERE);
      await expect(opened, access.addressOf(THERE)).rejects.toMatchObject(unreachable);
      await expect(opened).rejects.not.toThrow(TOKEN);
    }
  });

  describe("on a peer that answers wrongly", () => {
    const range = "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes";
    test.each([
      ["not at all", undefined],
      ["and hangs up", ""],
      ["no HTTP", "hello\r\n\r\n"],
      ["too little of what it promised", `${range} 0-99/100\r\nContent-Length: 100\r\n\r\nabc`],
      ["and stalls", `${range} 0-99/100\r\nContent-Length: 100\r\n\r\nabc`, true],
      ["another length than it says", `${range} 0-99/100\r\nContent-Length: 3\r\n\r\nabc`],
      ["without saying what", "HTTP/1.1 206 Partial Content\r\nContent-Length: 3\r\n\r\nabc"],
      [
        "more than was asked for",
        `${range} 0-99999/100000\r\nContent-Length: 100000\r\n\r\n${"x".repeat(100_000)}`,
      ],
      ["all of it", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"],
      ["that it failed", "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"],
      ["where else to look", "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"],
      ["for somebody else", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"],
    ])("%s", async (_name, answered: string | undefined, stalls = answered === undefined) => {
      const sockets: Socket[] = [];
      const peer = createServer((socket) => {
        sockets.push(socket);
        socket.on("error", () => {});
        socket.once("data", () => {
          if (answered !== undefined) socket.write(answered);
          if (!stalls) socket.end();
        });
      });
      await new Promise<void>((resolve) => peer.listen(0, "127.0.0.1", resolve));
      open.push({
        close() {
          for (const socket of sockets) socket.destroy();
          peer.close();
        },
      });
      const { port } = peer.address() as { port: number };
      const opened = peerBlobs(mine, { access: accessTo(`127.0.0.1:${port}`, hasty) }).open("jobs/x", THERE);
      await expect(opened).rejects.toMatchObject({
        code: "PEER_UNREACHABLE",
        details: { node: THERE, address: `127.0.0.1:${port}`, key: "jobs/x" },
      });
    });
  });

  test("are cut off when its process is killed", async () => {
    const bytes = 2 ** 30;
    mkdirSync(join(directory, "jobs"), { recursive: true });
    createWriteStream(join(directory, "jobs/huge")).end();
    await vi.waitFor(() => truncateSync(join(directory, "jobs/huge"), bytes), WAIT);
    const peer = await startPeerProcess(directory);
    open.push({ close: () => peer.child.kill("SIGKILL") });
    const fetched = { bytes: 0 };
    const inner = scratch();
    const counting: Scratch = {
      create() {
        const file = inner.create();
        const append = file.append.bind(file);
        file.append = (piece) => {
          fetched.bytes += piece.length;
          return append(piece);
        };
        return file;
      },
      dispose: () => inner.dispose(),
    };
    const access = accessTo(`127.0.0.1:${peer.port}`);
    const theBlobs = peerBlobs(mine, { access, scratch: counting, memoryBytes: 0 });
    const reader = await theBlobs.open("jobs/huge", THERE);
    expect(reader.bytes).toBe(bytes);
    const prepared = reader.prepare([{ offset: 0, bytes }]).catch((error: unknown) => error);
    await vi.waitFor(() => expect(fetched.bytes).toBeGreaterThan(2 ** 20), WAIT);
    process.kill(peer.child.pid!, "SIGKILL");
    expect(await prepared).toMatchObject({
      code: "PEER_UNREACHABLE",
      details: { node: THERE, key: "jobs/huge" },
    });
    expect(fetched.bytes).toBeLessThan(bytes);
    reader.close();
    counting.dispose();
  });
});

/** A node that has nothing but blobs, in a process of its own. */
async function startPeerProcess(directory: string): Promise<{ child: ChildProcess; port: number }> {
  const at = (file: string): string => JSON.stringify(join(import.meta.dirname, file));
  const script = join(newRoom(), "peer.mjs");
  await build({
    stdin: {
      contents: `
        import { createFileBlobs } from ${at("../fs/blobs.ts")};
        import { createBlobRoute } from ${at("blob-route.ts")};
        import { startNodeServer } from ${at("node-server.ts")};
        const directory = ${JSON.stringify(directory)};
        const blobs = createFileBlobs(directory);
        const route = createBlobRoute({ self: "there", directory, blobs, readable: () => true });
        const security = { token: ${JSON.stringify(TOKEN)} };
        const server = await startNodeServer({ host: "127.0.0.1", port: 0, security, routes: [route] });
        console.log(server.port);`,
      resolveDir: import.meta.dirname,
    },
    outfile: script,
    bundle: true,
    format: "esm",
    platform: "node",
  });
  const child = spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(child.stdout!, "data")) as [Buffer];
  return { child, port: Number(line.toString()) };
}
