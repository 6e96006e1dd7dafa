import { expect, onTestFinished, test } from "vitest";
import { startNodeServer } from "./node-server.ts";
import { createPeerClient } from "./peer-client.ts";
import { askWho, assertOnlyOne, createWhoRoute } from "./who-route.ts";

const security = { token: "a-token-that-is-long-enough" };

async function start(incarnation: string) {
  const routes = [createWhoRoute({ node: "east", incarnation })];
  const server = await startNodeServer({ host: "127.0.0.1", port: 0, security, routes });
  const client = createPeerClient(security);
  onTestFinished(async () => {
    await client.close();
    await server.close();
  });
  return { client, address: `127.0.0.1:${server.port}`, server };
}

test("a node says who it is, to those who may know", async () => {
  const { client, address } = await start("one");
  expect(await askWho(client, address)).toEqual({ node: "east", incarnation: "one" });
  const stranger = createPeerClient({ token: "another-token-of-some-length" });
  onTestFinished(() => stranger.close());
  expect(await askWho(stranger, address)).toBeUndefined();
});

test("a name is taken as long as the node that has it lives", async () => {
  const { client, address, server } = await start("one");
  const own = { node: "east", incarnation: "two", address: "127.0.0.1:1" };
  const last = { node: "east", incarnation: "one", address };
  await expect(assertOnlyOne(client, own, last)).rejects.toMatchObject({
    code: "USAGE",
    message: expect.stringContaining(address),
  });
  // Somebody else answers there now, or this very node does.
  await assertOnlyOne(client, own, { ...last, incarnation: "before" });
  await assertOnlyOne(client, own, { ...last, node: "west" });
  await assertOnlyOne(client, { ...own, address }, last);
  await assertOnlyOne(client, own, undefined);
  await assertOnlyOne(client, own, { ...last, address: undefined });
  await server.close();
  await assertOnlyOne(client, own, last);
});
