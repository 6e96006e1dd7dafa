import { type AddressInfo, createServer, type Socket } from "node:net";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { createBlobClient } from "./blob-client.ts";
import { parseHead } from "./blob-connection.ts";
import type { PeerClient, PeerClientLimits } from "./peer-client.ts";

const TOKEN = "a-token-for-tests-only";

function clientOf(limits: Partial<PeerClientLimits> = {}): PeerClient {
  const client = createBlobClient({ token: TOKEN }, limits);
  onTestFinished(() => client.close());
  return client;
}

/** Answers each request as it is told, over bare connections. */
async function peer(onRequest: (socket: Socket, request: string, connection: number) => unknown) {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    const connection = sockets.push(socket);
    let text = "";
    socket.setNoDelay(true).on("error", () => {});
    socket.on("data", (piece) => {
      text += piece.toString("latin1");
      for (let end = text.indexOf("\r\n\r\n"); end >= 0; end = text.indexOf("\r\n\r\n")) {
        onRequest(socket, text.slice(0, end), connection);
        text = text.slice(end + 4);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, sockets };
}

const answerOf = (body: string, headers = ""): string =>
  `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n${headers}\r\n${body}`;

const get = (client: PeerClient, address: string, path = "/v1/blobs/x") =>
  client.request({ address, method: "GET", path });

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");

test("a request says whom it asks and who asks, and nothing else than it is told", async () => {
  const requests: string[] = [];
  const { address } = await peer((socket, request) => {
    requests.push(request);
    socket.write(answerOf("abc", "Some-Thing: A b\r\n"));
  });
  const client = clientOf();
  const given = await client.request({
    address,
    method: "GET",
    path: "/v1/blobs/x",
    headers: { range: "bytes=0-2" },
  });
  expect(given).toMatchObject({ status: 200, headers: { "some-thing": "A b" } });
  expect(textOf(await given.bytes(3))).toBe("abc");
  expect(requests).toEqual([
    `GET /v1/blobs/x HTTP/1.1\r\nhost: ${address}\r\nauthorization: Bearer ${TOKEN}\r\nrange: bytes=0-2`,
  ]);
  for (const headers of [{ range: "x\r\nrange: y" }, { "a b": "c" }, { range: "\u{100}" }]) {
    const bad = client.request({ address, method: "GET", path: "/v1/blobs/x", headers });
    await expect(bad).rejects.toThrow("cannot be sent");
  }
  await expect(get(client, address, "/v1/blobs/x HTTP/1.1\r\n")).rejects.toThrow("path");
  expect(requests).toHaveLength(1);
});

test("one connection serves request after request, and several at a time are served side by side", async () => {
  const { address, sockets } = await peer((socket, request) => socket.write(answerOf(request.slice(4, 6))));
  const client = clientOf();
  for (const path of ["/a", "/b", "/c"]) {
    expect(textOf(await (await get(client, address, path)).bytes(9))).toBe(path);
  }
  expect(sockets).toHaveLength(1);
  const [first, second] = [await get(client, address, "/d"), await get(client, address, "/e")];
  expect([textOf(await second.bytes(9)), textOf(await first.bytes(9))]).toEqual(["/e", "/d"]);
  expect(sockets).toHaveLength(2);
  // Nobody wants it, and all of it is there: the connection is still good.
  (await get(client, address, "/f")).drop();
  expect(textOf(await (await get(client, address, "/g")).bytes(9))).toBe("/g");
  expect(sockets).toHaveLength(2);
});

test("a connection is made anew where the other side closes it, and where a large answer is dropped", async () => {
  const large = "x".repeat(1_000_000);
  const { address, sockets } = await peer((socket, request) => {
    if (request.startsWith("GET /close ")) socket.end(answerOf("bye", "Connection: close\r\n"));
    else if (request.startsWith("GET /leave ")) socket.write(answerOf("bye"), () => socket.end());
    else socket.write(answerOf(request.startsWith("GET /large ") ? large : "ok"));
  });
  const client = clientOf();
  for (const [path, made] of [
    ["/ok", 1],
    ["/close", 1],
    ["/ok", 2],
    ["/large", 2],
    ["/ok", 3],
  ] as const) {
    const given = await get(client, address, path);
    if (path === "/large") given.drop();
    else expect(textOf(await given.bytes(9))).toBe(path === "/ok" ? "ok" : "bye");
    expect(sockets).toHaveLength(made);
  }
  await (await get(client, address, "/leave")).bytes(9);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(textOf(await (await get(client, address, "/ok")).bytes(9))).toBe("ok");
});

test("answers are the same however they come in pieces", async () => {
  const bodies = ["", "a", "abc".repeat(10), "0123456789".repeat(30_000)];
  let plan: { body: string; cuts: readonly number[] } = { body: "", cuts: [] };
  const { address, sockets } = await peer(async (socket) => {
    const text = answerOf(plan.body, "Content-Range: bytes 0-9/10\r\n");
    const cuts = [...new Set(plan.cuts.map((cut) => cut % text.length))].sort((a, b) => a - b);
    let from = 0;
    for (const to of [...cuts, text.length]) {
      socket.write(text.slice(from, to), "latin1");
      await new Promise((resolve) => setImmediate(resolve));
      from = to;
    }
  });
  const client = clientOf();
  const cut = fc.oneof(fc.nat(120), fc.nat(300_000));
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...bodies),
      fc.array(cut, { maxLength: 8 }),
      fc.boolean(),
      async (body, cuts, placed) => {
        plan = { body, cuts };
        const given = await get(client, address);
        expect(given.headers["content-range"]).toBe("bytes 0-9/10");
        const room = new Uint8Array(1_000_000);
        const bytes = await given.bytes(
          1_000_000,
          placed ? (length) => room.subarray(7, 7 + length) : undefined,
        );
        expect(bytes.buffer === room.buffer).toBe(placed);
        expect(textOf(bytes) === body).toBe(true);
      },
    ),
    { numRuns: 100 },
  );
  expect(sockets).toHaveLength(1);
});

test("more than was promised, more than is wanted, and a length nobody tells, are no answers", async () => {
  const cases = [
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabc",
    answerOf("x".repeat(11)),
    "HTTP/1.1 200 OK\r\n\r\nabc",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
  ];
  for (const text of cases) {
    const { address } = await peer((socket) => socket.write(text));
    const given = await get(clientOf(), address);
    await expect(given.bytes(10), text).rejects.toThrow();
  }
  for (const text of [
    "SSH-2.0-x",
    `HTTP/1.1 200 OK\r\nx: ${"y".repeat(40_000)}`,
    "HTTP/1.1 200 OK\r\n x\r\n\r\n",
  ]) {
    const { address } = await peer((socket) => socket.write(text));
    await expect(get(clientOf(), address), text).rejects.toThrow();
  }
});

test("what is asked ends with its signal, before the answer and within it, and with the client", async () => {
  const { address, sockets } = await peer((socket, request) => {
    if (request.startsWith("GET /half ")) socket.write(`${answerOf("abc").slice(0, -1)}`);
  });
  const client = clientOf();
  const ends = async (what: (signal: AbortSignal) => Promise<unknown>, end: AbortController) => {
    const ended = expect(what(end.signal)).rejects.toThrow();
    setTimeout(() => end.abort(), 50);
    await ended;
  };
  const request = { address, method: "GET" } as const;
  await ends((signal) => client.request({ ...request, path: "/none", signal }), new AbortController());
  await ends(async (signal) => {
    const given = await client.request({ ...request, path: "/half", signal });
    return await given.bytes(9);
  }, new AbortController());
  const waiting = expect(get(client, address)).rejects.toThrow("the client is closed");
  await client.close();
  await waiting;
  await expect(get(client, address)).rejects.toThrow("the client is closed");
  await expect.poll(() => sockets.every((socket) => socket.destroyed)).toBe(true);
});

test("an answer that came while the thread computed is not late", async () => {
  const { address, sockets } = await peer((socket) => socket.write(answerOf("in time")));
  const client = clientOf({ answerMs: 100, bodyPauseMs: 100 });
  expect(textOf(await (await get(client, address)).bytes(9))).toBe("in time");
  const asked = get(client, address);
  // The request goes out, and the other end, which is of this process, answers; then nobody listens for long.
  await new Promise((resolve) => sockets[0]?.once("data", () => setImmediate(resolve)));
  const endMs = performance.now() + 300;
  while (performance.now() < endMs);
  expect(textOf(await (await asked).bytes(9))).toBe("in time");
});

test("heads are read as they are meant, or not at all", () => {
  expect(parseHead("HTTP/1.1 206 Partial Content\r\nContent-Length:3\r\nA: b:c ")).toEqual({
    status: 206,
    headers: { "content-length": "3", a: "b:c" },
    length: 3,
  });
  expect(parseHead("HTTP/1.1 404")?.length).toBe(undefined);
  expect(parseHead("HTTP/1.1 200 OK\r\nContent-Length: -1")?.length).toBe(undefined);
  expect(parseHead("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1")?.length).toBe(undefined);
  for (const text of [
    "",
    "HTTP/1.0 200 OK",
    "HTTP/1.1 99 x",
    "HTTP/1.1 2000",
    "HTTP/1.1 200 OK\r\nx",
    "HTTP/1.1 200 OK\r\n: x",
  ])
    expect(parseHead(text), text).toBe(undefined);
});
