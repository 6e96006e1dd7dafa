import { connect, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { type NodeId, nodeId } from "../../base/ids.ts";
import { type TestMessage, transportContract } from "../../ports/transport.contract.ts";
import { type NodeServer, startNodeServer } from "./node-server.ts";
import type { MessageCodec } from "./outbox.ts";
import { createPeerClient, type PeerClient } from "./peer-client.ts";
import { createPeerLinks, type LinkTrouble, type PeerLinks, type PeerLinksOptions } from "./peer-links.ts";
import type { Route } from "./route.ts";

const TOKEN = "a-token-for-tests-only";
const codec: MessageCodec<TestMessage> = {
  encode: (messages) => Buffer.from(JSON.stringify(messages)),
  decode(bytes) {
    const messages: unknown = JSON.parse(Buffer.from(bytes).toString());
    if (!Array.isArray(messages)) throw new Error("no list");
    return messages as TestMessage[];
  },
};
const say = (text: string): TestMessage => ({ kind: "test", text });
/** Ends what hangs: the default of a second is short for a busy machine. */
const WAIT = { timeout: 300_000 };
const A = nodeId("a");
const B = nodeId("b");

/** A server that is there before its node is, and after. */
interface Place {
  readonly server: NodeServer;
  links: PeerLinks<TestMessage> | undefined;
}

let client: PeerClient;
beforeAll(() => {
  client = createPeerClient({ token: TOKEN }, { connectMs: 60_000 });
});
afterAll(() => client.close());

async function openPlace(): Promise<Place> {
  const place: { links: PeerLinks<TestMessage> | undefined } = { links: undefined };
  const route: Route = {
    name: "messages",
    methods: ["POST"],
    bodyBytesMax: 100_000,
    handle: async (request) => {
      if (place.links === undefined) request.response.destroy();
      else await place.links.route.handle(request);
    },
    close: () => place.links?.route.close?.(),
  };
  const server = await startNodeServer({
    host: "127.0.0.1",
    port: 0,
    security: { token: TOKEN },
    routes: [route],
  });
  return Object.assign(place, { server });
}

/** `natted`: only the node a can be connected to; the others listen to it. */
function contractOver(name: string, natted: boolean): void {
  describe(name, () => {
    const places: Place[] = [];
    let used = 0;
    beforeAll(async () => {
      for (let i = 0; i < 24; i++) places.push(await openPlace());
    });
    afterAll(async () => {
      for (const { links, server } of places) {
        links?.close();
        await server.close();
      }
    });
    transportContract(name, () => {
      const nodes = new Map<NodeId, Place>();
      const addressOf = (node: NodeId): string | undefined => {
        const place = nodes.get(node);
        return place === undefined || (natted && node !== A) ? undefined : `127.0.0.1:${place.server.port}`;
      };
      return {
        join(self) {
          const incarnation = String(used);
          const place = places[used++]!;
          place.links = createPeerLinks({ self, incarnation, addressOf, codec, client });
          const inner = place.links;
          nodes.set(self, place);
          if (!natted || self === A) return inner;
          inner.listen(A);
          // Where nobody is parked any more, nothing can be waited for.
          const close = (): void => {
            inner.close();
            if (nodes.get(self) === place) nodes.delete(self);
          };
          return {
            self,
            close,
            send: (to, message) => inner.send(to, message),
            receive: (handler) => inner.receive(handler),
          };
        },
        async settle() {
          const all = [...nodes.values()].map(({ links }) => links!);
          const hub = nodes.get(A)?.links;
          const isStill = (): boolean =>
            !all.some(({ busy }) => busy) &&
            (!natted || [...nodes.keys()].every((node) => hub!.reaches(node)));
          for (let quiet = 0; quiet < 3; quiet = isStill() ? quiet + 1 : 0) await sleep(3);
        },
      };
    });
  });
}

contractOver("links to addresses", false);
contractOver("links through parked requests", true);

describe("links", () => {
  const open: { close(): unknown }[] = [];
  afterEach(async () => {
    for (const it of open.splice(0).reverse()) await it.close();
  });

  interface Node {
    readonly links: PeerLinks<TestMessage>;
    readonly server: NodeServer;
    readonly seen: string[];
    readonly troubles: LinkTrouble[];
  }

  async function start(
    self: NodeId,
    addressOf: (node: NodeId) => string | undefined,
    options: Partial<PeerLinksOptions<TestMessage>> = {},
  ): Promise<Node> {
    const seen: string[] = [];
    const troubles: LinkTrouble[] = [];
    const links = createPeerLinks({
      self,
      incarnation: "1",
      addressOf,
      codec,
      client,
      onTrouble: (trouble) => troubles.push(trouble),
      ...options,
    });
    links.receive((from, { text }) => seen.push(`${from}: ${text}`));
    const security = { token: TOKEN };
    const server = await startNodeServer({ host: "127.0.0.1", port: 0, security, routes: [links.route] });
    open.push(server, links);
    return { links, server, seen, troubles };
  }
  const nowhere = (): undefined => undefined;
  const at = (node: Node) => (): string => `127.0.0.1:${node.server.port}`;

  function post(port: number, headers: Record<string, string>, body: string, path = "/v1/messages") {
    const named = { "bicoastal-node": "b", "bicoastal-incarnation": "1", "bicoastal-to": "a", ...headers };
    return client.request({
      address: `127.0.0.1:${port}`,
      method: "POST",
      path,
      headers: named,
      body: Buffer.from(body),
    });
  }

  it("answers a parked request as soon as there is something, and empty after its time", async () => {
    const a = await start(A, nowhere);
    expect((await post(a.server.port, {}, "", "/v1/messages?wait=50")).status).toBe(204);
    const waiting = post(a.server.port, {}, '[{"text":"hello"}]', "/v1/messages?wait=20000");
    await vi.waitFor(() => expect(a.links.reaches(B)).toBe(true), WAIT);
    expect(a.seen).toEqual(["b: hello"]);
    a.links.send(B, say("good day"));
    const given = await waiting;
    expect([given.status, Buffer.from(await given.bytes(1000)).toString()]).toEqual([
      200,
      '[{"kind":"test","text":"good day"}]',
    ]);
    expect(a.links.reaches(B)).toBe(false);
  });

  it("keeps what it cannot send until the peer asks, and of too much the newest", async () => {
    const a = await start(A, nowhere);
    for (let i = 0; i < 1030; i++) a.links.send(B, say(String(i)));
    const texts: string[] = [];
    for (;;) {
      const given = await post(a.server.port, {}, "");
      if (given.status === 204) break;
      const batch = JSON.parse(Buffer.from(await given.bytes(100_000)).toString()) as TestMessage[];
      texts.push(...batch.map(({ text }) => text));
    }
    expect(texts).toEqual(Array.from({ length: 1024 }, (_, i) => String(i + 6)));
    expect(a.troubles).toEqual(Array(6).fill({ kind: "dropped", node: "b", messages: 1 }));
  });

  it("lets a newer request of the same incarnation take the place of the older", async () => {
    const a = await start(A, nowhere);
    const older = post(a.server.port, {}, "", "/v1/messages?wait=20000");
    await vi.waitFor(() => expect(a.links.reaches(B)).toBe(true), WAIT);
    const newer = post(a.server.port, {}, "", "/v1/messages?wait=20000");
    expect((await older).status).toBe(204);
    const other = post(a.server.port, { "bicoastal-incarnation": "2" }, "[]", "/v1/messages?wait=60");
    expect((await other).status).toBe(204);
    a.links.send(B, say("x"));
    expect((await newer).status).toBe(200);
  });

  it.each([
    [400, { "bicoastal-node": "" }, "", ""],
    [400, { "bicoastal-node": "a b" }, "", ""],
    [400, { "bicoastal-node": "x".repeat(201) }, "", ""],
    [400, { "bicoastal-incarnation": "" }, "", ""],
    [421, { "bicoastal-to": "c" }, "", ""],
    [421, { "bicoastal-to": "" }, "", ""],
    [400, {}, "", "?wait=-1"],
    [400, {}, "", "?wait=20001"],
    [400, {}, "", "?wait=1e3"],
    [400, {}, "", "?wait="],
    [400, {}, "garbage", ""],
    [400, {}, '{"text":"x"}', ""],
    [404, {}, "", "/more"],
    [413, {}, "x".repeat(17 * 2 ** 20), ""],
    [204, {}, "[]", ""],
  ])("answers %d, case %#", async (status, headers, body, more) => {
    const a = await start(A, nowhere);
    const given = await post(a.server.port, headers as Record<string, string>, body, `/v1/messages${more}`);
    expect(given.status).toBe(status);
    expect(a.seen).toEqual([]);
  });

  it("goes on listening to a node that goes and comes again at another address", async () => {
    let hub = await start(A, nowhere);
    const b = await start(B, (node) => (node === A ? at(hub)() : undefined));
    b.links.listen(A);
    b.links.listen(A);
    hub.links.send(B, say("one"));
    await vi.waitFor(() => expect(b.seen).toEqual(["a: one"]), WAIT);
    hub.links.close();
    await hub.server.close();
    await vi.waitFor(() => expect(b.troubles.map(({ kind }) => kind)).toContain("unreachable"), WAIT);
    hub = await start(A, nowhere);
    hub.links.send(B, say("two"));
    await vi.waitFor(() => expect(b.seen).toEqual(["a: one", "a: two"]), WAIT);
    b.links.unlisten(A);
    await vi.waitFor(() => expect(hub.links.reaches(B)).toBe(false), WAIT);
    hub.links.send(B, say("three"));
    await sleep(20);
    expect(b.seen).toEqual(["a: one", "a: two"]);
  });

  it("says what a peer refused, and that a wrong token is refused", async () => {
    const stranger = createPeerClient({ token: "not-the-token-of-it" });
    open.push(stranger);
    const a = await start(A, nowhere);
    const b = await start(B, at(a), { client: stranger });
    b.links.send(A, say("hello"));
    await vi.waitFor(() => expect(b.troubles).toEqual([{ kind: "refused", node: "a", status: 401 }]), WAIT);
    expect(a.seen).toEqual([]);
  });

  it("is not held up by a peer that takes connections and says nothing", async () => {
    const sockets: Socket[] = [];
    const frozen = createServer((socket) => sockets.push(socket));
    await new Promise<void>((resolve) => frozen.listen(0, "127.0.0.1", resolve));
    open.push({
      close() {
        for (const socket of sockets) socket.destroy();
        frozen.close();
      },
    });
    const { port } = frozen.address() as { port: number };
    const b = await start(B, nowhere);
    const a = await start(A, (node) => (node === B ? at(b)() : `127.0.0.1:${port}`));
    a.links.listen(nodeId("frozen"));
    for (let i = 0; i < 10; i++) a.links.send(nodeId("frozen"), say("anybody?"));
    await vi.waitFor(() => expect(sockets.length).toBe(2), WAIT);
    a.links.send(B, say("hello"));
    await vi.waitFor(() => expect(b.seen).toEqual(["a: hello"]), WAIT);
    expect(a.links.busy).toBe(true);
    a.links.close();
    await vi.waitFor(() => expect(a.links.busy).toBe(false), WAIT);
  });

  it("loses a message to a request whose asker has gone, and no other", async () => {
    const a = await start(A, nowhere);
    const socket = connect(a.server.port, "127.0.0.1");
    socket.write(
      `POST /v1/messages?wait=20000 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}\r\nBicoastal-Node: b\r\nBicoastal-Incarnation: 1\r\nBicoastal-To: a\r\nContent-Length: 0\r\n\r\n`,
    );
    await vi.waitFor(() => expect(a.links.reaches(B)).toBe(true), WAIT);
    socket.destroy();
    await vi.waitFor(() => expect(a.links.reaches(B)).toBe(false), WAIT);
    a.links.send(B, say("still there"));
    const given = await post(a.server.port, {}, "");
    expect(Buffer.from(await given.bytes(1000)).toString()).toContain("still there");
  });

  it("closes with requests parked on either side", async () => {
    const a = await start(A, nowhere);
    const b = await start(B, at(a));
    b.links.listen(A);
    await vi.waitFor(() => expect(a.links.reaches(B)).toBe(true), WAIT);
    await a.server.close();
    a.links.close();
    b.links.close();
    b.links.close();
    expect(b.links.busy).toBe(false);
  });
});
