/**
 * How a thread asks other nodes for what is in their blobs: `GET` alone, over connections that are kept by address. As many are
 * made as there are requests under way, which is for whoever asks to bound. Nothing is asked twice here.
 */
import { connect, isIP, type OnReadOpts, type Socket } from "node:net";
import { type ConnectionOptions as TlsOptions, connect as tlsConnect } from "node:tls";
import { assert } from "../../base/assert.ts";
import { type AnswerHead, BlobConnection } from "./blob-connection.ts";
import { CurrentTls } from "./current-tls.ts";
import {
  IDLE_MARGIN_MS,
  PEER_CLIENT_LIMITS,
  type PeerAnswer,
  type PeerClient,
  type PeerClientLimits,
  type PeerRequest,
} from "./peer-client.ts";
import { assertToken, bearer, type PeerSecurity } from "./security.ts";
import { KEEP_ALIVE_MS } from "./server-limits.ts";

/** Kept for each address; more than a thread has under way at a time. */
const IDLE_MAX = 16;

/** Throws USAGE where the token or the files cannot be used. */
export function createBlobClient(security: PeerSecurity, limits: Partial<PeerClientLimits> = {}): PeerClient {
  const { connectMs, bodyPauseMs, answerMs } = { ...PEER_CLIENT_LIMITS, ...limits };
  const { token, tls } = security;
  if (token !== undefined) assertToken(token);
  const current = tls === undefined ? undefined : new CurrentTls(tls);
  const authorization = token === undefined ? "" : `authorization: ${bearer(token)}\r\n`;
  const idle = new Map<string, BlobConnection[]>();
  const all = new Set<BlobConnection>();
  let closed = false;

  const open = (address: string): BlobConnection => {
    const { host, port } = parseAddress(address, tls !== undefined);
    const to = { host, port, servername: tls?.serverName ?? (isIP(host) === 0 ? host : "") };
    // What is kept was made with the certificates of its time.
    const files = current?.contents;
    const connection = new BlobConnection({
      connect: (onread) => socketOf(to, onread, files),
      readyEvent: files === undefined ? "connect" : "secureConnect",
      connectMs,
      bodyPauseMs,
      idleMs: KEEP_ALIVE_MS - IDLE_MARGIN_MS,
      onFree(it) {
        const others = idle.get(address) ?? [];
        idle.set(address, others);
        if (others.length < IDLE_MAX) others.push(it);
        else it.close(new Error("it is not needed"));
      },
      onClosed: (it) => all.delete(it),
    });
    all.add(connection);
    return connection;
  };

  const connectionTo = (address: string): BlobConnection => {
    const others = idle.get(address) ?? [];
    for (let it = others.pop(); it !== undefined; it = others.pop()) if (it.usable) return it;
    return open(address);
  };

  return {
    speaksTls: tls !== undefined,
    async request(request) {
      assert(request.method === "GET" && request.body === undefined, "blobs are only read here");
      if (closed) throw new Error("the client is closed");
      const { address, signal } = request;
      signal?.throwIfAborted();
      const text = requestText(request, authorization);
      const connection = connectionTo(address);
      const stop = (): void => connection.close(new Error("it was stopped", { cause: signal?.reason }));
      signal?.addEventListener("abort", stop);
      const done = (): void => signal?.removeEventListener("abort", stop);
      try {
        return answerOf(await connection.ask(text, request.answerMs ?? answerMs), connection, done);
      } catch (error) {
        done();
        throw error;
      }
    },
    async close() {
      closed = true;
      for (const connection of all) connection.close(new Error("the client is closed"));
    },
  };
}

function answerOf(head: AnswerHead, connection: BlobConnection, done: () => void): PeerAnswer {
  return {
    status: head.status,
    headers: head.headers,
    async bytes(bytesMax, place = Buffer.allocUnsafeSlow) {
      try {
        if (head.length !== undefined && head.length > bytesMax)
          connection.close(new Error(`the answer has more than ${bytesMax} bytes`));
        return await connection.take(place);
      } finally {
        done();
      }
    },
    drop() {
      connection.drop();
      done();
    },
  };
}

const PATH = /^\/[\x21-\x7e]*$/;
const NAME = /^[a-z-]+$/;
const VALUE = /^[\x20-\x7e]*$/;

function requestText({ address, path, headers = {} }: PeerRequest, authorization: string): string {
  if (!PATH.test(path)) throw new Error("the path has characters that no path has");
  let text = `GET ${path} HTTP/1.1\r\nhost: ${address}\r\n${authorization}`;
  for (const [name, value] of Object.entries(headers)) {
    if (!NAME.test(name) || !VALUE.test(value)) throw new Error(`the header ${name} cannot be sent`);
    text += `${name}: ${value}\r\n`;
  }
  return `${text}\r\n`;
}

interface To {
  readonly host: string;
  readonly port: number;
  /** Empty where there is none. */
  readonly servername: string;
}

function socketOf({ host, port, servername }: To, onread: OnReadOpts, files: TlsOptions | undefined): Socket {
  if (files === undefined) return connect({ host, port, onread });
  // That TLS sockets read as others do is left out of their type.
  const options: TlsOptions & { readonly onread: OnReadOpts } = { ...files, host, port, onread };
  return tlsConnect(servername === "" ? options : { ...options, servername });
}

function parseAddress(address: string, speaksTls: boolean): { host: string; port: number } {
  const url = new URL(`http://${address}`);
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  return { host, port: url.port === "" ? (speaksTls ? 443 : 80) : Number(url.port) };
}
