import { once } from "node:events";
import { connect } from "node:net";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type NodeServer, startNodeServer } from "./node-server.ts";
import { createPeerClient } from "./peer-client.ts";
import { wholeBody } from "./request-body.ts";
import { answer } from "./route.ts";

const TOKEN = "a-token-for-tests-only";
const faults: unknown[] = [];
let server: NodeServer;
const client = createPeerClient({ token: TOKEN });
beforeAll(async () => {
  server = await startNodeServer({
    host: "127.0.0.1",
    port: 0,
    security: { token: TOKEN },
    limits: { headersMs: 5_000, bodyPauseMs: 5_000, silenceMs: 20_000 },
    onFault: (thrown) => faults.push(thrown),
    routes: [
      {
        name: "count",
        methods: ["POST", "PUT", "GET"],
        bodyBytesMax: 100,
        async handle({ body, response }) {
          answer(response, 200, String((await wholeBody(body())).length));
        },
      },
    ],
  });
});
afterAll(async () => {
  await client.close();
  await server.close();
});

const word = fc.constantFrom(
  ...["GET", "POST", "PUT", " ", "/v1/count", "/health", "HTTP/1.1", "\r\n", "\n", ":", "Host: x\r\n", "0"],
  ...[`Authorization: Bearer ${TOKEN}\r\n`, "Content-Length: ", "Transfer-Encoding: chunked\r\n", "\r\n\r\n"],
  ...[
    "Expect: 100-continue\r\n",
    "Connection: upgrade\r\nUpgrade: x\r\n",
    "5\r\nhello\r\n",
    "-1",
    "\0",
    "%00",
  ],
);
const rubbish = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString("latin1"));
const nearly = fc
  .array(fc.oneof({ arbitrary: word, weight: 5 }, rubbish), { maxLength: 30 })
  .map((it) => it.join(""));
const valid = `POST /v1/count HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}\r\nContent-Length: 5\r\n\r\nhello`;
const cutOrChanged = fc
  .tuple(fc.nat(valid.length), fc.nat(valid.length), fc.oneof(word, rubbish, fc.constant("")))
  .map(([at, skip, inserted]) => valid.slice(0, at) + inserted + valid.slice(at + (skip % 20)));

test("whatever comes in, the answer is HTTP or none, and the next one is served", async () => {
  const sent = fc.oneof(rubbish, nearly, cutOrChanged);
  await fc.assert(
    fc.asyncProperty(fc.array(sent, { minLength: 1, maxLength: 8 }), fc.boolean(), async (texts, hangsUp) => {
      await Promise.all(
        texts.map(async (text) => {
          const socket = connect(server.port, "127.0.0.1");
          let got = "";
          socket.on("data", (piece) => {
            got += piece.toString("latin1");
          });
          socket.on("error", () => {});
          socket.write(text, "latin1");
          if (hangsUp) socket.end();
          else socket.setTimeout(100, () => socket.end());
          await once(socket, "close");
          expect(got).toMatch(/^$|^HTTP\/1\.1 (100|200|400|401|404|405|408|413|431|503) /);
        }),
      );
      const address = `127.0.0.1:${server.port}`;
      const given = await client.request({
        address,
        method: "POST",
        path: "/v1/count",
        body: Buffer.from("hello"),
      });
      expect([given.status, Buffer.from(await given.bytes(10)).toString()]).toEqual([200, "5\n"]);
    }),
    { numRuns: 60 },
  );
  expect(faults).toEqual([]);
});
