/** A server that takes a request and falls silent: as a member behind a load balancer that is gone. */
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import type { Objects } from "./objects.ts";
import { openSdkObjects } from "./sdk-objects.ts";

/** Much longer than this process takes to answer itself, however busy the machine. */
const SILENT_MS = 2_000;
const etag = '"e"';

async function serve(listener: RequestListener): Promise<Objects> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  // This process is this file's alone.
  process.env.AWS_ENDPOINT_URL_S3 = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  process.env.AWS_ACCESS_KEY_ID = "key";
  process.env.AWS_SECRET_ACCESS_KEY = "secret";
  return await openSdkObjects(process.env, SILENT_MS);
}

const place = { bucket: "bucket", key: "key" };

test("a request that is never answered is made again", async () => {
  let asked = 0;
  const objects = await serve((_, response) => {
    if (++asked > 1) response.writeHead(200, { etag, "content-length": 7 }).end();
  });
  expect(await objects.stat(place)).toMatchObject({ key: "key", bytes: 7, etag });
  expect(asked).toBeGreaterThan(1);
});

test("a body that stops coming is asked for again", async () => {
  let asked = 0;
  const objects = await serve((_, response) => {
    response.writeHead(206, { etag, "content-length": 4 });
    response.write("ab");
    if (++asked > 1) response.end("cd");
  });
  const signal = new AbortController().signal;
  const bytes = await objects.read(place, etag, { start: 0, bytes: 4 }, signal);
  expect(Buffer.from(bytes).toString()).toBe("abcd");
  expect(asked).toBeGreaterThan(1);
});

test("one that answers nothing at all is trouble that may pass", async () => {
  const objects = await serve(() => {});
  await expect(objects.stat(place)).rejects.toMatchObject({ trouble: "passing" });
});
