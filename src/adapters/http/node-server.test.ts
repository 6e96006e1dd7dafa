import { once } from "node:events";
import { connect } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { type NodeServer, type NodeServerOptions, startNodeServer } from "./node-server.ts";
import { createPeerClient, type PeerAnswer, type PeerClient, type PeerRequest } from "./peer-client.ts";
import { wholeBody } from "./request-body.ts";
import { answer, type Route } from "./route.ts";

const TOKEN = "a-token-for-tests-only";
const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const it of open.splice(0).reverse()) await it.close();
});

/** Says what came. */
const echo: Route = {
  name: "echo",
  methods: ["GET", "POST"],
  bodyBytesMax: 1000,
  async handle({ method, rest, query, body, response }) {
    const bytes = method === "POST" ? (await wholeBody(body())).length : 0;
    answer(response, 200, JSON.stringify([method, rest, query.get("q"), bytes]));
  },
};
const broken: Route = {
  name: "broken",
  methods: ["GET"],
  bodyBytesMax: 0,
  handle: () => Promise.reject(new Error("secret reason")),
};

async function start(options: Partial<NodeServerOptions> = {}): Promise<NodeServer> {
  const server = await startNodeServer({
    host: "127.0.0.1",
    port: 0,
    security: { token: TOKEN },
    routes: [echo, broken],
    ...options,
  });
  open.push(server);
  return server;
}

function clientWith(token: string | undefined): PeerClient {
  const client = createPeerClient({ token });
  open.push(client);
  return client;
}

async function ask(
  server: NodeServer,
  path: string,
  request: Partial<PeerRequest> = {},
  token: string | undefined = TOKEN,
): Promise<[number, string]> {
  const address = `127.0.0.1:${server.port}`;
  return textOf(await clientWith(token).request({ address, method: "GET", path, ...request }));
}

async function textOf(given: PeerAnswer): Promise<[number, string]> {
  return [
    given.status,
    Buffer.from(await given.bytes(10_000))
      .toString()
      .trim(),
  ];
}

/** Sends bytes as they are; gives all that comes until the server hangs up. */
async function sendRaw(server: NodeServer, text: string): Promise<string> {
  const socket = connect(server.port, "127.0.0.1");
  let got = "";
  socket.on("data", (piece) => {
    got += piece.toString("latin1");
  });
  socket.on("error", () => {});
  socket.write(text, "latin1");
  await once(socket, "close");
  return got;
}

const authorized = `Authorization: Bearer ${TOKEN}\r\nHost: x\r\n`;
const statusOf = (text: string): string => text.split("\r\n", 1)[0] as string;

describe("who may ask", () => {
  test("answers whoever knows the token, and health to everybody", async () => {
    const server = await start();
    expect(await ask(server, "/v1/echo/a/b?q=1")).toEqual([200, '["GET","a/b","1",0]']);
    expect(await ask(server, "/health")).toEqual([200, "ok"]);
    expect(await ask(server, "/health", {}, "quite-another-token")).toEqual([200, "ok"]);
  });

  test.each(["another-token-for-tests", `${TOKEN}x`, TOKEN.slice(0, -1), TOKEN.toUpperCase()])(
    "refuses the token %s before it looks at anything else",
    async (token) => {
      const server = await start();
      for (const path of ["/v1/echo", "/v1/nothing", "/", "/v1/%2e%2e", `/v1/echo?token=${TOKEN}`])
        expect(await ask(server, path, {}, token)).toEqual([401, "not authorized"]);
      expect(await ask(server, "/health", { method: "POST" }, token)).toEqual([401, "not authorized"]);
    },
  );

  test.each([
    "",
    "Authorization: \r\n",
    `Authorization: Basic ${TOKEN}\r\n`,
    `Authorization: bearer ${TOKEN}\r\n`,
    `Authorization: Bearer ${TOKEN}, Bearer ${TOKEN}\r\n`,
    `Cookie: token=${TOKEN}\r\n`,
  ])("refuses the headers %j", async (headers) => {
    const server = await start();
    const got = await sendRaw(
      server,
      `GET /v1/echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${headers}\r\n`,
    );
    expect(statusOf(got)).toBe("HTTP/1.1 401 Unauthorized");
    expect(got).not.toContain(TOKEN);
  });

  test("listens on loopback alone where nobody has to prove anything", async () => {
    const server = await start({ security: {} });
    expect(await ask(server, "/v1/echo", {}, undefined)).toEqual([200, '["GET","",null,0]']);
    for (const host of ["0.0.0.0", "::", "10.1.2.3", "example.org"]) {
      const refused = start({ security: {}, host });
      await expect(refused, host).rejects.toMatchObject({
        code: "USAGE",
        details: { option: "token", host },
      });
    }
  });

  test.each(["short", "with a space in it", "with-a-newline-in-it\n", "x".repeat(5000)])(
    "takes no token like %j",
    async (token) => {
      await expect(start({ security: { token } })).rejects.toMatchObject({ code: "USAGE" });
      expect(() => createPeerClient({ token })).toThrow(expect.objectContaining({ code: "USAGE" }));
    },
  );

  test("says which file for TLS is missing, and which port is taken", async () => {
    const tls = { ca: "/nowhere/ca.pem", cert: "/nowhere/c.pem", key: "/nowhere/k.pem" };
    await expect(start({ security: { tls } })).rejects.toMatchObject({
      code: "USAGE",
      details: { option: "tls-ca", path: "/nowhere/ca.pem" },
    });
    const { port } = await start();
    await expect(start({ port })).rejects.toMatchObject({ code: "USAGE", details: { port } });
  });
});

describe("what may be asked", () => {
  test.each([
    ["GET /v1/../secret HTTP/1.1", 400],
    ["GET /v1/echo/../../x HTTP/1.1", 400],
    ["GET /v1/echo/a/. HTTP/1.1", 400],
    ["GET /v1/echo/%2e%2e/x HTTP/1.1", 400],
    ["GET /v1/echo/a%2fb HTTP/1.1", 400],
    ["GET /v1/echo/a\\b HTTP/1.1", 400],
    ["GET /v1/echo/\xff HTTP/1.1", 400],
    ["GET /v1/echo/a?b?c HTTP/1.1", 400],
    ["GET http://elsewhere/v1/echo HTTP/1.1", 400],
    ["GET /v2/echo HTTP/1.1", 404],
    ["GET /v1/constructor HTTP/1.1", 404],
    ["GET /v1/__proto__ HTTP/1.1", 404],
    ["DELETE /v1/echo HTTP/1.1", 405],
    ["OPTIONS /v1/echo HTTP/1.1", 405],
    ["TRACE /v1/echo HTTP/1.1", 405],
    ["BREW /v1/echo HTTP/1.1", 400],
    ["GET /v1/echo HTTP/9.9", 400],
    ["hello", 400],
  ])("answers %s with %d", async (line, status) => {
    const server = await start();
    const got = await sendRaw(server, `${line}\r\n${authorized}Connection: close\r\n\r\n`);
    expect(got.slice(0, 13)).toBe(`HTTP/1.1 ${status} `);
    expect(await ask(server, "/health")).toEqual([200, "ok"]);
  });

  test("takes bodies up to their limit, whether they say their length or not", async () => {
    const server = await start();
    const post = (body: Uint8Array) => ask(server, "/v1/echo", { method: "POST", body });
    expect(await post(new Uint8Array(1000))).toEqual([200, '["POST","",null,1000]']);
    expect(await post(new Uint8Array(1001))).toEqual([413, "more than 1000 bytes"]);
    const chunked = (bytes: number): string =>
      `POST /v1/echo HTTP/1.1\r\n${authorized}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n${bytes.toString(16)}\r\n${"x".repeat(bytes)}\r\n0\r\n\r\n`;
    expect(await sendRaw(server, chunked(1000))).toContain('["POST","",null,1000]');
    expect(statusOf(await sendRaw(server, chunked(1001)))).toBe("HTTP/1.1 413 Payload Too Large");
    const huge = `POST /v1/echo HTTP/1.1\r\n${authorized}Content-Length: 99999999999\r\n\r\n`;
    expect(statusOf(await sendRaw(server, huge))).toBe("HTTP/1.1 413 Payload Too Large");
  });

  test.each([
    ["Content-Length: 5\r\nContent-Length: 6\r\n"],
    ["Content-Length: -1\r\n"],
    ["Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"],
    ["No colon\r\n"],
  ])("does not guess where %j ends", async (headers) => {
    const server = await start();
    const got = await sendRaw(server, `POST /v1/echo HTTP/1.1\r\n${authorized}${headers}\r\nhello`);
    expect(statusOf(got)).toBe("HTTP/1.1 400 Bad Request");
  });

  test("takes no more headers than fit", async () => {
    const server = await start();
    const got = await sendRaw(server, `GET /health HTTP/1.1\r\nHost: x\r\nX: ${"y".repeat(20_000)}\r\n\r\n`);
    expect(statusOf(got)).toBe("HTTP/1.1 431 Request Header Fields Too Large");
  });

  test("says nothing of why it failed, but to its owner", async () => {
    const faults: unknown[] = [];
    const server = await start({ onFault: (thrown) => faults.push(thrown) });
    expect(await ask(server, "/v1/broken")).toEqual([500, "it failed"]);
    expect(faults).toEqual([expect.objectContaining({ message: "secret reason" })]);
  });

  test("says when it is not ready", async () => {
    const server = await start({ isHealthy: () => false });
    expect(await ask(server, "/health")).toEqual([503, "not ready"]);
  });
});

describe("clients that hang", () => {
  test("waits for headers and bodies no longer than it must", async () => {
    const server = await start({ limits: { headersMs: 300, bodyPauseMs: 200 } });
    const got = await Promise.all([
      sendRaw(server, ""),
      sendRaw(server, "GET /health HT"),
      sendRaw(server, `POST /v1/echo HTTP/1.1\r\n${authorized}Content-Length: 10\r\n\r\nhello`),
    ]);
    expect(got.map(statusOf)).toEqual([
      "HTTP/1.1 408 Request Timeout",
      "HTTP/1.1 408 Request Timeout",
      "HTTP/1.1 408 Request Timeout",
    ]);
  });

  test("hangs up where nothing goes over a connection", async () => {
    const never: Route = {
      name: "never",
      methods: ["GET"],
      bodyBytesMax: 0,
      handle: () => new Promise(() => {}),
    };
    const server = await start({ routes: [never], limits: { silenceMs: 100 } });
    await expect(ask(server, "/v1/never")).rejects.toThrow();
  });

  test("closes while requests wait and bodies come", async () => {
    const never: Route = {
      name: "never",
      methods: ["GET"],
      bodyBytesMax: 0,
      handle: () => new Promise(() => {}),
    };
    const server = await start({ routes: [never, echo] });
    const waiting = ask(server, "/v1/never").catch(() => "gone");
    const half = sendRaw(server, `POST /v1/echo HTTP/1.1\r\n${authorized}Content-Length: 10\r\n\r\nhello`);
    await ask(server, "/health");
    await server.close();
    expect(await waiting).toBe("gone");
    expect(await half).toBe("");
    await expect(ask(server, "/health")).rejects.toThrow();
  });
});
