/**
 * How a node asks others: connections kept per address, each step of a request within a time of its own, so that a peer that
 * is frozen, or half gone, is found out. Nothing is asked twice here.
 *
 * undici is loaded with the first request: a run on one machine does without it.
 */
import type { Readable } from "node:stream";
import type { Agent, buildConnector, Dispatcher } from "undici";
import { CurrentTls } from "./current-tls.ts";
import { assertToken, bearer, type PeerSecurity } from "./security.ts";
import { KEEP_ALIVE_MS } from "./server-limits.ts";

export interface PeerRequest {
  /** `host:port`; an IPv6 address in brackets. */
  readonly address: string;
  readonly method: "GET" | "HEAD" | "PUT" | "POST";
  /** With its query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | Readable;
  /** From the end of the request until the answer begins. Default 10 000. */
  readonly answerMs?: number;
  readonly signal?: AbortSignal;
}

export interface PeerAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /**
   * The body, which must be taken or dropped. Rejects where it breaks off, stops coming, or is longer.
   * @param place Where it may be put, given its length. Default: in memory of its own.
   */
  bytes(bytesMax: number, place?: (bytes: number) => Uint8Array): Promise<Uint8Array>;
  drop(): void;
}

export interface PeerClient {
  readonly speaksTls?: boolean;
  /** Rejects with whatever the connection failed of. */
  request(request: PeerRequest): Promise<PeerAnswer>;
  /** What is under way rejects. */
  close(): Promise<void>;
}

export interface PeerClientLimits {
  readonly connectMs: number;
  /** Longest pause between two pieces of an answer. */
  readonly bodyPauseMs: number;
  readonly answerMs: number;
}

export const PEER_CLIENT_LIMITS: PeerClientLimits = {
  connectMs: 3000,
  bodyPauseMs: 10_000,
  answerMs: 10_000,
};
/** How much sooner than the server a connection is given up that lies idle: none is used as the server closes it. */
export const IDLE_MARGIN_MS = 5000;
const ANSWER_HEADER_BYTES_MAX = 16 * 1024;

/** Throws USAGE where the token or the files cannot be used. */
export function createPeerClient(security: PeerSecurity, limits: Partial<PeerClientLimits> = {}): PeerClient {
  const { connectMs, bodyPauseMs, answerMs } = { ...PEER_CLIENT_LIMITS, ...limits };
  const { token, tls } = security;
  if (token !== undefined) assertToken(token);
  const current = tls === undefined ? undefined : new CurrentTls(tls);
  const serverName = tls?.serverName === undefined ? {} : { servername: tls.serverName };
  const scheme = tls === undefined ? "http" : "https";
  const authorization: Record<string, string> = token === undefined ? {} : { authorization: bearer(token) };
  let agent: Promise<Agent> | undefined;
  let closed = false;

  const load = async (): Promise<Agent> => {
    const undici = await import("undici");
    return new undici.Agent({
      connect: connectorOf(undici.buildConnector, current, { timeout: connectMs, ...serverName }),
      bodyTimeout: bodyPauseMs,
      keepAliveTimeout: KEEP_ALIVE_MS - IDLE_MARGIN_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS - IDLE_MARGIN_MS,
      maxHeaderSize: ANSWER_HEADER_BYTES_MAX,
      pipelining: 1,
    });
  };

  return {
    speaksTls: tls !== undefined,
    async request(request) {
      agent ??= load();
      const dispatcher = await agent;
      if (closed) throw new Error("the client is closed");
      const { address, method, path, headers, body, signal } = request;
      const answer = await dispatcher.request({
        origin: `${scheme}://${address}`,
        method,
        path,
        headers: { ...authorization, ...headers },
        headersTimeout: request.answerMs ?? answerMs,
        ...(body === undefined ? {} : { body }),
        ...(signal === undefined ? {} : { signal }),
      });
      return peerAnswer(answer, method);
    },
    async close() {
      closed = true;
      await (await agent)?.destroy();
    },
  };
}

/** A connector of the certificates that there are when it is asked for a connection. */
function connectorOf(
  build: typeof buildConnector,
  current: CurrentTls | undefined,
  options: buildConnector.BuildOptions,
): buildConnector.connector {
  if (current === undefined) return build(options);
  let { contents } = current;
  let connector = build({ ...options, ...contents });
  return (to, callback) => {
    const now = current.contents;
    if (now !== contents) {
      contents = now;
      connector = build({ ...options, ...contents });
    }
    connector(to, callback);
  };
}

function peerAnswer(
  { statusCode, headers, body }: Dispatcher.ResponseData,
  method: PeerRequest["method"],
): PeerAnswer {
  // A body that is dropped, or whose connection is closed, has no reader to tell.
  body.on("error", () => {});
  return {
    status: statusCode,
    headers,
    bytes(bytesMax) {
      // The length that stands in the answer to HEAD is that of another answer.
      const length = method === "HEAD" ? 0 : Number(headers["content-length"]);
      return Number.isSafeInteger(length) && length <= bytesMax
        ? readKnown(body as AsyncIterable<Buffer>, length)
        : readUpTo(body as AsyncIterable<Buffer>, bytesMax);
    },
    drop: () => void body.dump().catch(() => {}),
  };
}

/** Each piece is copied as it comes: all of them kept to the end would be twice as much memory, and live long enough to be dear. */
async function readKnown(body: AsyncIterable<Buffer>, length: number): Promise<Uint8Array> {
  const target = Buffer.allocUnsafeSlow(length);
  let bytes = 0;
  for await (const piece of body) {
    if (bytes === 0 && piece.length === length) return piece;
    if (bytes + piece.length > length)
      throw new Error(`the answer has more than the ${length} bytes it promised`);
    bytes += piece.copy(target, bytes);
  }
  if (bytes < length) throw new Error(`the answer broke off after ${bytes} of ${length} bytes`);
  return target;
}

async function readUpTo(body: AsyncIterable<Buffer>, bytesMax: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of body) {
    bytes += piece.length;
    if (bytes > bytesMax) throw new Error(`the answer has more than ${bytesMax} bytes`);
    pieces.push(piece);
  }
  return pieces.length === 1 ? (pieces[0] as Uint8Array) : Buffer.concat(pieces);
}
