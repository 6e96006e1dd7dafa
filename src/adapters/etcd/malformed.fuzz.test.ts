/**
 * Answers that etcd would not give, from a server that speaks gRPC: cut, flipped, of another call, of rubbish, or well formed
 * and senseless. Whoever asks gets what the port promises, or an error of the store that says what is known of the outcome;
 * a watch goes on. And servers that speak something else.
 */
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { Server, ServerCredentials, type ServerDuplexStream } from "@grpc/grpc-js";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BicoastalError } from "../../base/errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ControlStore, WatchEvent } from "../../ports/control-store.ts";
import {
  KV,
  Lease,
  LeaseGrantResponseSchema,
  LeaseKeepAliveResponseSchema,
  Maintenance,
  RangeResponseSchema,
  StatusResponseSchema,
  TxnResponseSchema,
  Watch,
  WatchResponseSchema,
} from "./etcd-messages.ts";
import { openEtcdControlStore } from "./open.ts";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const encoded = <M extends DescMessage>(schema: M, message: MessageInitShape<M>): Buffer =>
  Buffer.from(toBinary(schema, create(schema, message)));

const header = { revision: 7n };
const kv = (key: string, revision = 5n) => ({
  key: bytesOf(`bicoastal/${key}`),
  value: bytesOf("value"),
  createRevision: 5n,
  modRevision: revision,
  version: 1n,
});
const RIGHT = {
  status: encoded(StatusResponseSchema, { header, version: "3.5.30", leader: "1" }),
  get: encoded(RangeResponseSchema, { header, kvs: [kv("a")] }),
  range: encoded(RangeResponseSchema, { header, kvs: [kv("a"), kv("b")] }),
  txn: encoded(TxnResponseSchema, {
    header,
    succeeded: true,
    responses: [{ response: { case: "responseRange", value: { kvs: [kv("a")] } } }],
  }),
  grant: encoded(LeaseGrantResponseSchema, { ID: "77" }),
  keepAlive: encoded(LeaseKeepAliveResponseSchema, { TTL: 5n }),
  created: encoded(WatchResponseSchema, { header, created: true }),
  change: encoded(WatchResponseSchema, { header: { revision: 9n }, events: [{ type: 0, kv: kv("a", 9n) }] }),
};
/** Well formed, and no answer to what was asked. */
const SENSELESS: readonly Buffer[] = [
  encoded(RangeResponseSchema, { kvs: [kv("a")] }),
  encoded(RangeResponseSchema, { header, kvs: [kv("z")] }),
  encoded(RangeResponseSchema, { header, kvs: [{ ...kv("a"), key: bytesOf("other/a") }] }),
  encoded(RangeResponseSchema, { header, kvs: [{ ...kv("a"), modRevision: -3n }] }),
  encoded(RangeResponseSchema, { header, more: true }),
  encoded(RangeResponseSchema, { header, kvs: [kv("a"), kv("b")], more: true }),
  encoded(RangeResponseSchema, { header, kvs: [kv("b"), kv("a")] }),
  encoded(RangeResponseSchema, { header: { revision: 2n ** 60n }, kvs: [kv("a")] }),
  encoded(TxnResponseSchema, { header, succeeded: true }),
  encoded(TxnResponseSchema, { succeeded: true, responses: [] }),
  encoded(LeaseGrantResponseSchema, { ID: "-5" }),
  encoded(WatchResponseSchema, { header: { revision: 9n }, events: [{ type: 0 }] }),
  encoded(WatchResponseSchema, { header: { revision: 9n }, events: [{ type: 7, kv: kv("a", 9n) }] }),
  encoded(WatchResponseSchema, { header: { revision: 9n }, events: [{ type: 0, kv: kv("zz", 9n) }] }),
  encoded(WatchResponseSchema, {
    header: { revision: 9n },
    events: [{ type: 1, kv: { key: bytesOf("x") } }],
  }),
  encoded(WatchResponseSchema, { created: true }),
  encoded(WatchResponseSchema, { header, canceled: true, compactRevision: -4n }),
];

const rightOrWrong = fc.constantFrom(...Object.values(RIGHT), ...SENSELESS);
const answer: fc.Arbitrary<Buffer> = fc.oneof(
  rightOrWrong,
  fc.tuple(rightOrWrong, fc.nat(), fc.nat(255)).map(([bytes, at, byte]) => {
    const changed = Buffer.from(bytes);
    changed[at % changed.length] = byte;
    return changed;
  }),
  fc.tuple(rightOrWrong, fc.nat()).map(([bytes, at]) => bytes.subarray(0, at % bytes.length)),
  fc.tuple(rightOrWrong, rightOrWrong).map((both) => Buffer.concat(both)),
  fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
);

/** Waits are over at once, and as long as they say. */
function hastyClock(): Clock {
  let nowMs = 0;
  return {
    monotonicMs: () => nowMs,
    wallMs: () => nowMs,
    setTimer(ms, callback) {
      const timer = setImmediate(() => {
        nowMs += ms;
        callback();
      });
      return () => clearImmediate(timer);
    },
  };
}

const same = (bytes: Buffer): Buffer => bytes;
const stream = { requestStream: true, responseStream: true } as const;
const unary = { requestStream: false, responseStream: false } as const;
const codecs = {
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
};
type Stream = ServerDuplexStream<Buffer, Buffer>;

let server: Server;
let endpoint: string;
/** What the server answers, and what it says on each stream of a watch in turn. */
let said: Partial<typeof RIGHT>;
let onStream: (stream: Stream) => void;

beforeAll(async () => {
  server = new Server();
  const answering = (name: () => keyof typeof RIGHT) => (_: unknown, reply: (e: null, b: Buffer) => void) =>
    reply(null, said[name()] ?? RIGHT[name()]);
  let ranges: "get" | "range" = "get";
  server.addService(
    {
      status: { ...codecs, ...unary, path: `/${Maintenance.typeName}/Status` },
      range: { ...codecs, ...unary, path: `/${KV.typeName}/Range` },
      txn: { ...codecs, ...unary, path: `/${KV.typeName}/Txn` },
      grant: { ...codecs, ...unary, path: `/${Lease.typeName}/LeaseGrant` },
      keepAlive: { ...codecs, ...stream, path: `/${Lease.typeName}/LeaseKeepAlive` },
      watch: { ...codecs, ...stream, path: `/${Watch.typeName}/Watch` },
    },
    {
      status: answering(() => "status"),
      range(call: { request: Buffer }, reply: (e: null, b: Buffer) => void) {
        // One of a range has an end, its second field.
        ranges = call.request.includes("bicoastal/z") ? "range" : "get";
        answering(() => ranges)(call, reply);
      },
      txn: answering(() => "txn"),
      grant: answering(() => "grant"),
      keepAlive(call: Stream) {
        call.on("data", () => {});
        call.on("error", () => {});
        call.write(said.keepAlive ?? RIGHT.keepAlive);
        call.end();
      },
      watch(call: Stream) {
        call.on("data", () => {});
        call.on("error", () => {});
        onStream(call);
      },
    },
  );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  endpoint = `127.0.0.1:${port}`;
});
afterAll(() => server.forceShutdown());

const open = (): Promise<ControlStore> =>
  openEtcdControlStore({ endpoints: [endpoint], clock: hastyClock() });

/** The result, or what is known of the outcome. Anything else than an error of the store is thrown. */
async function resultOf<T>(call: Promise<T>): Promise<{ readonly got: T } | { readonly outcome: unknown }> {
  try {
    return { got: await call };
  } catch (error) {
    if (!(error instanceof BicoastalError) || error.code !== "STORE_UNAVAILABLE") throw error;
    expect(error.message.length).toBeLessThan(600);
    return { outcome: error.details.outcome };
  }
}

const isRevision = (value: number): boolean => Number.isSafeInteger(value) && value > 0;

test("a call ends as the port says, or with an error that says what is known, whatever etcd answers", async () => {
  said = {};
  const store = await open();
  const put = { kind: "put", key: "b", value: new Uint8Array(1) } as const;
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(answer, async (bytes) => {
      said = { get: bytes, range: bytes, txn: bytes, grant: bytes, keepAlive: bytes };
      const got = await resultOf(store.get("a"));
      if ("got" in got) {
        seen.add("get");
        expect(isRevision(got.got.revision)).toBe(true);
        if (got.got.entry !== undefined) expect(got.got.entry.key).toBe("a");
      } else expect(got.outcome).toBe("failed");
      const ranged = await resultOf(store.range("a", "z", { limit: 1_000 }));
      if ("got" in ranged) {
        seen.add("range");
        const keys = ranged.got.entries.map(({ key }) => key);
        expect(keys).toEqual([...new Set(keys)].sort());
        expect(keys.every((key) => key >= "a" && key < "z")).toBe(true);
      } else expect(ranged.outcome).toBe("failed");
      const txn = await resultOf(store.txn({ compare: [], success: [put, { kind: "get", key: "a" }] }));
      if ("got" in txn) {
        seen.add("txn");
        expect(isRevision(txn.got.revision)).toBe(true);
        expect(txn.got.gets).toHaveLength(txn.got.succeeded ? 1 : 0);
      } else expect(txn.outcome).toBe("unknown");
      const lease = await resultOf(store.grantLease(1_000));
      if ("got" in lease) {
        seen.add("lease");
        expect(lease.got).toMatch(/^[1-9]\d*$/);
        const kept = await resultOf(store.keepAlive(lease.got));
        expect("got" in kept ? typeof kept.got : "boolean").toBe("boolean");
      } else expect(lease.outcome).toBe("unknown");
    }),
    { numRuns: 50 },
  );
  await store.close();
  expect([...seen].sort()).toEqual(["get", "lease", "range", "txn"]);
});

test("a watch tells each revision once, in order, and goes on, whatever comes between", async () => {
  said = {};
  const store = await open();
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.oneof(
          fc.constantFrom(...SENSELESS.slice(-6, -1)),
          fc.uint8Array({ maxLength: 40 }).map(Buffer.from),
        ),
        {
          minLength: 1,
          maxLength: 5,
        },
      ),
      async (wrong) => {
        let streams = 0;
        onStream = (call) => {
          call.write(RIGHT.created);
          const bytes = wrong[streams++];
          if (bytes !== undefined) call.write(bytes);
          else call.write(RIGHT.change);
          if (bytes !== undefined) call.end();
        };
        const events: WatchEvent[] = [];
        await new Promise<void>((resolve) => {
          const watch = store.watch({ from: "a", to: "z", fromRevision: 8 }, (event) => {
            events.push(event);
            if (event.kind !== "changes" || event.revision === 9) {
              watch.close();
              resolve();
            }
          });
        });
        expect(events.at(-1)).toMatchObject({ kind: "changes", revision: 9, changes: [{ kind: "put" }] });
        expect(events).toHaveLength(1);
      },
    ),
    { numRuns: 40 },
  );
  await store.close();
});

test.concurrent.each([
  ["nothing", ""],
  ["HTTP/1.1", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"],
  ["rubbish", "\u0000\u0001\u00ff".repeat(500)],
  ["settings of HTTP/2, and rubbish", `\0\0\0\x04\0\0\0\0\0${"\x7f".repeat(300)}`],
  ["a frame without an end", "\xff\xff\xff\0\0\0\0\0\x01"],
])("a server that answers %s is no store", async (_, text) => {
  const sockets: Socket[] = [];
  const other = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    socket.once("data", () => socket.write(Buffer.from(text, "latin1")));
  }).listen(0, "127.0.0.1");
  await once(other, "listening");
  const { port } = other.address() as { port: number };
  const opened = openEtcdControlStore({ endpoints: [`127.0.0.1:${port}`], clock: hastyClock() });
  try {
    await expect(opened).rejects.toMatchObject({ code: "STORE_UNAVAILABLE", details: { outcome: "failed" } });
  } finally {
    for (const socket of sockets) socket.destroy();
    other.close();
  }
});
