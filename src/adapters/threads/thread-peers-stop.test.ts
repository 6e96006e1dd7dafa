import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { nodeId } from "../../base/ids.ts";
import { createFileBlobs } from "../fs/blobs.ts";
import { createFileScratch } from "../fs/scratch.ts";
import { ThreadPeers } from "./thread-peers.ts";

/** A node that takes every request and answers none, and tells when one has come and when its connection is gone. */
async function silentNode(): Promise<{
  readonly address: string;
  readonly asked: Promise<void>;
  readonly gone: Promise<void>;
}> {
  const server = createServer();
  let onGone = (): void => {};
  const gone = new Promise<void>((resolve) => {
    onGone = resolve;
  });
  const asked = new Promise<void>((resolve) => {
    server.on("request", (incoming) => {
      incoming.socket.on("close", onGone);
      resolve();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, asked, gone };
}

test("what a task fetches from another node ends with the task", async () => {
  const { address, asked, gone } = await silentNode();
  const directory = mkdtempSync(join(tmpdir(), "bicoastal-peers-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const peers = new ThreadPeers({ self: nodeId("here"), security: {}, addresses: { there: address } }, 1e6);
  const stop = new AbortController();
  const scratch = createFileScratch(join(directory, "scratch"));
  const blobs = peers.blobsBeside(createFileBlobs(join(directory, "blobs")), scratch, stop);
  const opening = blobs.open("jobs/j/blocks/b", nodeId("there"));
  await asked;
  stop.abort();
  // Far sooner than the time that an answer may take.
  await expect(opening).rejects.toMatchObject({ code: "PEER_UNREACHABLE" });
  await gone;
  // And what the task begins after that does not even begin.
  await expect(blobs.open("jobs/j/blocks/c", nodeId("there"))).rejects.toMatchObject({
    code: "PEER_UNREACHABLE",
  });
});
