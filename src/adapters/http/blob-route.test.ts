import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { nodeId } from "../../base/ids.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import { createFileBlobs } from "../fs/blobs.ts";
import { createBlobRoute } from "./blob-route.ts";
import { type NodeServer, startNodeServer } from "./node-server.ts";
import { createPeerClient, type PeerClient } from "./peer-client.ts";

const TOKEN = "a-token-for-tests-only";
let room: string;
let directory: string;
let blobs: BlobStore;
let server: NodeServer;
let client: PeerClient;

beforeEach(async () => {
  room = mkdtempSync(join(tmpdir(), "bicoastal-blobs-"));
  directory = join(room, "blobs");
  blobs = createFileBlobs(directory);
  await blobs.put("jobs/1/block", Buffer.from("0123456789"));
  await blobs.put("jobs/1/empty", new Uint8Array(0));
  await blobs.put("jobs/2/block", Buffer.from("secret"));
  const route = createBlobRoute({
    self: nodeId("a"),
    directory,
    blobs,
    readable: (key) => !key.startsWith("jobs/2/"),
    putBytesMax: 1000,
  });
  server = await startNodeServer({ host: "127.0.0.1", port: 0, security: { token: TOKEN }, routes: [route] });
  client = createPeerClient({ token: TOKEN });
});
afterEach(async () => {
  await client.close();
  await server.close();
  rmSync(room, { recursive: true, force: true });
});

async function ask(
  method: "GET" | "HEAD" | "PUT",
  key: string,
  headers: Record<string, string> = {},
  body?: Uint8Array,
): Promise<{ status: number; text: string; headers: Record<string, unknown> }> {
  const given = await client.request({
    address: `127.0.0.1:${server.port}`,
    method,
    path: `/v1/blobs/${key}`,
    headers,
    ...(body === undefined ? {} : { body }),
  });
  const text = Buffer.from(await given.bytes(10_000)).toString();
  return { status: given.status, text, headers: given.headers };
}

describe("reading", () => {
  test("gives a blob, its length, and parts of it", async () => {
    expect(await ask("GET", "jobs/1/block")).toMatchObject({ status: 200, text: "0123456789" });
    expect(await ask("HEAD", "jobs/1/block")).toMatchObject({
      status: 200,
      text: "",
      headers: { "content-length": "10", "bicoastal-node": "a" },
    });
    expect(await ask("GET", "jobs/1/empty")).toMatchObject({ status: 200, text: "" });
    const part = (range: string) => ask("GET", "jobs/1/block", { range });
    expect(await part("bytes=2-4")).toMatchObject({
      status: 206,
      text: "234",
      headers: { "content-range": "bytes 2-4/10", "content-length": "3" },
    });
    expect(await part("bytes=-3")).toMatchObject({ status: 206, text: "789" });
    expect(await part("bytes=8-100")).toMatchObject({ status: 206, text: "89" });
  });

  test.each([
    "bytes=10-",
    "bytes=3-2",
    "bytes=-0",
    "bytes=0-1,4-5",
    "bytes=a-b",
    "lines=1-2",
    "bytes=1e9-",
    "",
  ])("refuses the range %j and says how long the blob is", async (range) => {
    expect(await ask("GET", "jobs/1/block", { range })).toMatchObject({
      status: 416,
      headers: { "content-range": "bytes */10" },
    });
  });

  test("gives any part of a long one, read at once or in pieces", async () => {
    const long = Buffer.from(Array.from({ length: 80_000 }, (_, n) => 97 + (n % 26)));
    await blobs.put("jobs/1/long", long);
    for (const bytes of [65_535, 65_536, 65_537, 79_000]) {
      const given = await client.request({
        address: `127.0.0.1:${server.port}`,
        method: "GET",
        path: "/v1/blobs/jobs/1/long",
        headers: { range: `bytes=1000-${999 + bytes}` },
      });
      expect(given.status).toBe(206);
      expect(Buffer.from(await given.bytes(bytes)).equals(long.subarray(1000, 1000 + bytes))).toBe(true);
    }
  });

  const askMany = async (ranges: string) => {
    const given = await client.request({
      address: `127.0.0.1:${server.port}`,
      method: "GET",
      path: "/v1/blobs",
      headers: { "bicoastal-ranges": ranges },
    });
    const text = Buffer.from(await given.bytes(600_000)).toString();
    return { status: given.status, text, given: given.headers["bicoastal-ranges"] };
  };

  test("gives parts of several at once, but for what is to be asked for by itself", async () => {
    const long = Buffer.alloc(80_000, "x");
    await blobs.put("jobs/1/long", long);
    const asked = [
      "jobs/1/block=2-4",
      "jobs/1/nothing=-10",
      "jobs/1/block=-3",
      "jobs/2/block=0-1",
      "jobs/1/empty=-10",
      "jobs/1/long=10-65545",
      "jobs/1/long=10-65546",
      "jobs/1/block=10-",
    ];
    expect(await askMany(asked.join())).toEqual({
      status: 200,
      text: `234789${"x".repeat(65_536)}`,
      given: "2-4/10,-,7-9/10,-,-,10-65545/80000,-,-",
    });
    expect(await askMany("jobs/1/nothing=0-1")).toEqual({ status: 200, text: "", given: "-" });
  });

  test.each([
    "",
    "jobs/1/block",
    "jobs/1/block=0-1=2",
    "../1/block=0-1",
    "jobs/1/block=0-1,",
    Array.from({ length: 9 }, () => "jobs/1/block=0-1").join(),
    `jobs/${"x".repeat(199)}/`.repeat(21),
  ])("refuses %j, which is no list of ranges", async (ranges) => {
    expect(await askMany(ranges)).toMatchObject({ status: 400, given: undefined });
  });

  test("says of what may not be read no more than of what is not there", async () => {
    const missing = await ask("GET", "jobs/1/nothing");
    expect(missing).toMatchObject({ status: 404, headers: { "bicoastal-node": "a" } });
    for (const key of ["jobs/2/block", "jobs/2/nothing"])
      expect(await ask("GET", key)).toMatchObject({ status: 404, text: missing.text });
    for (const key of ["jobs/1", "jobs", "jobs/1/block/below"])
      expect((await ask("GET", key)).status).toBe(404);
  });

  test.each([
    "",
    "/",
    "jobs//1",
    "jobs/1/block/",
    "jobs/1/block~1",
    "jobs/1/b%6cock",
    "..%2f..",
    `x${"y".repeat(300)}`,
  ])("takes %j for no key", async (key) => {
    expect((await ask("GET", key)).status).toBe(400);
    expect((await ask("PUT", key, {}, Buffer.from("x"))).status).toBe(400);
  });

  test("follows no link out of its directory, and waits for no pipe", async () => {
    const outside = join(room, "outside");
    mkdirSync(outside);
    writeFileSync(join(outside, "file"), "secret");
    symlinkSync(join(outside, "file"), join(directory, "link"));
    symlinkSync(outside, join(directory, "folder"));
    symlinkSync("/dev/zero", join(directory, "zero"));
    execFileSync("mkfifo", [join(directory, "pipe")]);
    for (const key of ["link", "folder/file", "zero", "pipe"])
      expect((await ask("GET", key)).status, key).toBe(404);
  });

  test("breaks off where the file became shorter, and serves the next one", async () => {
    const path = join(directory, "jobs/1/large");
    await blobs.put("jobs/1/large", new Uint8Array(8 * 2 ** 20));
    const given = await client.request({
      address: `127.0.0.1:${server.port}`,
      method: "GET",
      path: "/v1/blobs/jobs/1/large",
    });
    // What is on its way into the socket is less than the rest.
    truncateSync(path, 0);
    await expect(given.bytes(2 ** 24)).rejects.toThrow();
    expect((await ask("GET", "jobs/1/block")).text).toBe("0123456789");
  });

  test("is not meant where another node is asked for", async () => {
    expect((await ask("GET", "jobs/1/block", { "bicoastal-to": "a" })).status).toBe(200);
    expect((await ask("GET", "jobs/1/block", { "bicoastal-to": "b" })).status).toBe(421);
  });
});

describe("putting", () => {
  const content = Buffer.from("export default 1;");
  const hash = createHash("sha256").update(content).digest("hex");

  test("keeps what its content names, and gives it back", async () => {
    expect((await ask("PUT", `bundles/${hash}`, {}, content)).status).toBe(201);
    expect((await ask("PUT", `bundles/${hash}`, {}, content)).status).toBe(201);
    expect((await ask("GET", `bundles/${hash}`)).text).toBe(content.toString());
  });

  test("tells of what its content names only while it is whole, so that it is given anew", async () => {
    const long = Buffer.alloc(900_000, "a whole blob of several pieces. ");
    const longKey = `bundles/${createHash("sha256").update(long).digest("hex")}`;
    for (const [key, whole] of [
      [`bundles/${hash}`, content],
      [longKey, long],
      [`bundles/${createHash("sha256").digest("hex")}`, Buffer.alloc(0)],
    ] as const) {
      await blobs.put(key, whole);
      expect((await ask("HEAD", key)).status, key).toBe(200);
      const flipped = Buffer.concat([whole, Buffer.alloc(1)]);
      flipped[0]! ^= 1;
      for (const damaged of [flipped, flipped.subarray(0, whole.length), whole.subarray(1)]) {
        if (damaged.equals(whole)) continue;
        await blobs.put(key, damaged);
        expect((await ask("HEAD", key)).status, key).toBe(404);
      }
      await blobs.put(key, whole);
      expect((await ask("HEAD", key)).status, key).toBe(200);
    }
  });

  test("keeps nothing else", async () => {
    expect((await ask("PUT", `bundles/${hash}`, {}, Buffer.from("else"))).status).toBe(400);
    expect((await ask("PUT", `bundles/${hash.toUpperCase()}`, {}, content)).status).toBe(400);
    expect((await ask("PUT", "jobs/1/block", {}, content)).status).toBe(400);
    const long = Buffer.alloc(1001);
    const longHash = createHash("sha256").update(long).digest("hex");
    expect((await ask("PUT", `bundles/${longHash}`, {}, long)).status).toBe(413);
    expect(await blobs.list("")).toEqual(["jobs/1/block", "jobs/1/empty", "jobs/2/block"]);
    const left = readdirSync(directory, { recursive: true }).filter((name) => String(name).includes("~"));
    expect(left).toEqual([]);
  });
});
