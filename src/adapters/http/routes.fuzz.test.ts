import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { nodeId } from "../../base/ids.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import { createFileBlobs } from "../fs/blobs.ts";
import { createBlobRoute } from "./blob-route.ts";
import { type NodeServer, startNodeServer } from "./node-server.ts";
import { createPeerClient } from "./peer-client.ts";
import { createPeerLinks, type PeerLinks } from "./peer-links.ts";
import { parseGiven } from "./range-list.ts";

const TOKEN = "a-token-for-tests-only";
const SELF = nodeId("a");
const KEY = "jobs/1/block";
const CONTENT = Buffer.from("0123456789");

const faults: unknown[] = [];
const received: unknown[] = [];
const client = createPeerClient({ token: TOKEN });
let directory: string;
let blobs: BlobStore;
let server: NodeServer;
let links: PeerLinks<string>;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "bicoastal-routes-"));
  blobs = createFileBlobs(directory);
  await blobs.put(KEY, CONTENT);
  links = createPeerLinks<string>({
    self: SELF,
    incarnation: "1",
    addressOf: () => undefined,
    client,
    codec: {
      encode: (messages) => Buffer.from(JSON.stringify(messages)),
      decode: (bytes) => {
        const messages: unknown = JSON.parse(Buffer.from(bytes).toString());
        if (!Array.isArray(messages)) throw new Error("no list");
        return messages as string[];
      },
    },
  });
  links.receive((from, message) => received.push([from, message]));
  server = await startNodeServer({
    host: "127.0.0.1",
    port: 0,
    security: { token: TOKEN },
    routes: [createBlobRoute({ self: SELF, directory, blobs, readable: () => true }), links.route],
    onFault: (thrown) => faults.push(thrown),
  });
});
afterAll(async () => {
  links.close();
  await server.close();
  await client.close();
  rmSync(directory, { recursive: true, force: true });
});

const name = fc.oneof(
  fc.constantFrom(
    "jobs",
    "1",
    "block",
    "..",
    ".",
    "",
    "%2e%2e",
    "~",
    "a b",
    "__proto__",
    "x".repeat(250),
    "0".repeat(64),
  ),
  fc.string({ unit: "binary-ascii", maxLength: 8 }),
);
const key = fc.oneof(
  fc.constant(KEY),
  fc.array(name, { maxLength: 5 }).map((names) => names.join("/")),
);
const number = fc.oneof(
  fc.nat(12).map(String),
  fc.constantFrom("", "-1", "1e3", "99999999999999999999", "NaN"),
);
const range = fc.oneof(
  fc.tuple(number, number).map(([first, last]) => `bytes=${first}-${last}`),
  fc
    .array(fc.tuple(number, number), { maxLength: 3 })
    .map((list) => `bytes=${list.map((it) => it.join("-")).join(",")}`),
  fc.string({ unit: "grapheme-ascii", maxLength: 20 }),
);

/** What Node's own client refuses to send is none of the server's. */
const isPath = (path: string): boolean => /^[\x21-\x7e]*$/.test(path);

test("blobs: bytes of the blob that was asked for, or a refusal", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom("GET" as const, "HEAD" as const, "PUT" as const),
      key.filter(isPath),
      fc.option(range, { nil: undefined }),
      fc.uint8Array({ maxLength: 50 }),
      async (method, asked, wanted, content) => {
        const given = await client.request({
          address: `127.0.0.1:${server.port}`,
          method,
          path: `/v1/blobs/${asked}`,
          headers: wanted === undefined ? {} : { range: wanted },
          ...(method === "PUT" ? { body: content } : {}),
        });
        const body = Buffer.from(await given.bytes(10_000));
        if (given.status === 200 || given.status === 206) {
          expect(asked).toBe(KEY);
          if (method === "GET") expect(CONTENT.includes(body)).toBe(true);
          if (given.status === 200 && method === "GET") expect(body.equals(CONTENT)).toBe(true);
        } else expect([400, 404, 416]).toContain(given.status);
      },
    ),
    { numRuns: 300 },
  );
  expect(faults).toEqual([]);
  expect(await blobs.list("")).toEqual([KEY]);
});

test("ranges of blobs: bytes of the blobs that were asked for, or a refusal", async () => {
  const one = fc
    .tuple(
      key.filter(isPath),
      fc.oneof(
        fc.tuple(number, number).map((it) => it.join("-")),
        range.filter(isPath),
      ),
    )
    .map((it) => it.join("="))
    // Which would make two of it.
    .filter((it) => !it.includes(","));
  await fc.assert(
    fc.asyncProperty(fc.array(one, { minLength: 1, maxLength: 10 }), async (asked) => {
      const given = await client.request({
        address: `127.0.0.1:${server.port}`,
        method: "GET",
        path: "/v1/blobs",
        headers: { "bicoastal-ranges": asked.join(",") },
      });
      const body = Buffer.from(await given.bytes(10_000));
      if (given.status !== 200) {
        expect(given.status).toBe(400);
        return;
      }
      const ranges = parseGiven(given.headers["bicoastal-ranges"], asked.length);
      expect(ranges).toBeDefined();
      let end = 0;
      for (const [index, it] of (ranges ?? []).entries()) {
        if (it === undefined) continue;
        expect(asked[index]!.startsWith(`${KEY}=`)).toBe(true);
        const { offset, bytes } = it.range;
        expect(body.subarray(end, end + bytes).equals(CONTENT.subarray(offset, offset + bytes))).toBe(true);
        end += bytes;
      }
      expect(end).toBe(body.length);
    }),
    { numRuns: 200 },
  );
  expect(faults).toEqual([]);
}, 60_000);

test("messages: a list that arrives, or a refusal", async () => {
  const header = fc.oneof(
    fc.constantFrom("a", "b", "", "a b", "x".repeat(300)),
    fc.string({ unit: "grapheme-ascii" }),
  );
  const body = fc.oneof(
    fc.array(fc.string(), { maxLength: 3 }).map((list) => JSON.stringify(list)),
    fc.json(),
    fc.string({ unit: "binary" }),
  );
  await fc.assert(
    fc.asyncProperty(header, header, header, number, body, async (node, incarnation, to, wait, text) => {
      received.length = 0;
      const given = await client.request({
        address: `127.0.0.1:${server.port}`,
        method: "POST",
        path: `/v1/messages?wait=${encodeURIComponent(wait)}`,
        headers: { "bicoastal-node": node, "bicoastal-incarnation": incarnation, "bicoastal-to": to },
        body: Buffer.from(text),
      });
      given.drop();
      await new Promise((resolve) => setImmediate(resolve));
      if (given.status === 204) {
        expect(to.trim()).toBe(SELF);
        const messages = text === "" ? [] : (JSON.parse(text) as unknown[]);
        expect(received).toEqual(messages.map((message) => [node.trim(), message]));
      } else {
        expect([400, 421]).toContain(given.status);
        expect(received).toEqual([]);
      }
    }),
    { numRuns: 300 },
  );
  expect(faults).toEqual([]);
});
