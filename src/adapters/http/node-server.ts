/**
 * The one port at which a node answers others.
 *
 * Every request goes through `#onRequest`: who asks is checked there, before a route sees anything of it, and so are path,
 * method and length. Only `GET /health` is answered to everybody. There are no cookies and there is no browser to be
 * fooled, so neither `Host` nor `Origin` says anything. What clients say wrong is answered with a status and never
 * thrown; a token stands in no address and no message.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { BicoastalError } from "../../base/errors.ts";
import { CurrentTls } from "./current-tls.ts";
import { readBody } from "./request-body.ts";
import { answer, BodyRefused, type Route } from "./route.ts";
import { assertToken, createTokenCheck, type PeerSecurity } from "./security.ts";
import {
  CHECK_INTERVAL_MS,
  HEADER_BYTES_MAX,
  KEEP_ALIVE_MS,
  REQUESTS_PER_CONNECTION_MAX,
  SERVER_LIMITS,
  type ServerLimits,
} from "./server-limits.ts";

export interface NodeServerOptions {
  /** Name or address to listen on. */
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** Without any, only this machine's own loopback is listened on. */
  readonly security: PeerSecurity;
  readonly routes: readonly Route[];
  readonly limits?: Partial<ServerLimits>;
  /** Default: always healthy. What is not is answered with 503. */
  readonly isHealthy?: () => boolean;
  /** Told of what a route threw. Default: nobody. */
  readonly onFault?: ((thrown: unknown) => void) | undefined;
  /** Told, once, of certificates that cannot take the place of those in use. Default: nobody. */
  readonly onTlsFault?: ((thrown: unknown) => void) | undefined;
}

export interface NodeServer {
  readonly port: number;
  /** Ends what waits and what streams, and resolves when the port is free again. */
  close(): Promise<void>;
}

/** Throws USAGE where nobody would have to prove who he is, or where the address cannot be listened on. */
export async function startNodeServer(options: NodeServerOptions): Promise<NodeServer> {
  assertGuarded(options);
  const answerer = new Answerer(options);
  const limits = { ...SERVER_LIMITS, ...options.limits };
  const server = createServerOf(options, limits);
  server.on("request", (incoming, response) => answerer.onRequest(incoming, response));
  server.on("clientError", onClientError);
  server.on("tlsClientError", (_error: Error, socket: Socket) => socket.destroy());
  server.maxConnections = limits.connectionsMax;
  server.maxRequestsPerSocket = REQUESTS_PER_CONNECTION_MAX;
  server.setTimeout(limits.silenceMs);
  await listening(server, options);
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      answerer.close();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      // What was answered just now still goes out.
      server.closeIdleConnections();
      await new Promise((resolve) => setImmediate(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

function createServerOf({ security: { tls }, onTlsFault }: NodeServerOptions, limits: ServerLimits): Server {
  const http = {
    maxHeaderSize: HEADER_BYTES_MAX,
    headersTimeout: limits.headersMs,
    requestTimeout: limits.requestMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: Math.min(CHECK_INTERVAL_MS, limits.headersMs),
  };
  if (tls === undefined) return createServer(http);
  const current = new CurrentTls(tls, onTlsFault);
  let { contents } = current;
  const minVersion = "TLSv1.2";
  const server = createTlsServer({
    ...http,
    ...contents,
    requestCert: true,
    rejectUnauthorized: true,
    minVersion,
    handshakeTimeout: limits.headersMs,
  });
  // Before the handshake begins.
  server.prependListener("connection", () => {
    const now = current.contents;
    if (now === contents) return;
    contents = now;
    server.setSecureContext({ ...contents, minVersion });
  });
  return server;
}

function listening(server: Server, { host, port }: NodeServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const why = cause.code === "EADDRINUSE" ? "something else listens there" : String(cause.code);
      const message = `The node cannot listen on ${host}, port ${port}: ${why}. Choose another address or port, or 0 for any port.`;
      reject(new BicoastalError("USAGE", message, { details: { host, port }, cause }));
    });
    server.listen({ host, port }, resolve);
  });
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/;

/** Whether only this machine's own processes reach what listens there. */
export const isLoopback = (host: string): boolean => LOOPBACK.test(host);

function assertGuarded({ host, security: { token, tls } }: NodeServerOptions): void {
  if (token !== undefined) assertToken(token);
  if (token !== undefined || tls !== undefined || isLoopback(host)) return;
  throw new BicoastalError(
    "USAGE",
    `A node that listens on ${host} can be reached by others, and runs the jobs it is given: it needs a way to tell friends from strangers. Give all nodes the same token (make one with: openssl rand -hex 32) or certificates for mutual TLS, or listen on 127.0.0.1.`,
    { details: { option: "token", host } },
  );
}

const PATH = /^\/[A-Za-z0-9._/-]*$/;
const DOTS = /\/\.{1,2}(\/|$)/;

class Answerer {
  readonly #options: NodeServerOptions;
  readonly #routes: ReadonlyMap<string, Route>;
  readonly #limits: ServerLimits;
  readonly #isKnown: (authorization: string | undefined) => boolean;
  #closed = false;

  constructor(options: NodeServerOptions) {
    this.#options = options;
    this.#routes = new Map(options.routes.map((route) => [route.name, route]));
    this.#limits = { ...SERVER_LIMITS, ...options.limits };
    const { token } = options.security;
    // With certificates alone, nobody without one gets as far as a request.
    this.#isKnown = token === undefined ? () => true : createTokenCheck(token);
  }

  onRequest(incoming: IncomingMessage, response: ServerResponse): void {
    // Both end with their connection, which whoever reads or writes them is told of by other ways.
    incoming.on("error", () => {});
    response.on("error", () => {});
    if (this.#closed) return reply(incoming, response, 503, "closing");
    const { method = "", url = "" } = incoming;
    const [path = "", queryText = "", ...more] = url.split("?");
    if (path === "/health" && (method === "GET" || method === "HEAD"))
      return this.#health(incoming, response);
    if (!this.#isKnown(incoming.headers.authorization)) {
      return reply(incoming, response, 401, "not authorized", { "www-authenticate": "Bearer" });
    }
    // Nothing that is served needs an escape, so that there is nothing to be unescaped wrongly.
    if (!PATH.test(path) || DOTS.test(path) || more.length > 0) {
      return reply(incoming, response, 400, "bad path");
    }
    const [, version, name = "", ...rest] = path.split("/");
    const route = version === "v1" ? this.#routes.get(name) : undefined;
    if (route === undefined) return reply(incoming, response, 404, "nothing here");
    if (!route.methods.includes(method)) {
      return reply(incoming, response, 405, "not with this method", { allow: route.methods.join(", ") });
    }
    if (Number(incoming.headers["content-length"] ?? 0) > route.bodyBytesMax) {
      return reply(incoming, response, 413, `more than ${route.bodyBytesMax} bytes`);
    }
    if ((method === "GET" || method === "HEAD") && hasBody(incoming)) {
      return reply(incoming, response, 400, "no body here");
    }
    const query = new URLSearchParams(queryText);
    void this.#handle(route, { method, rest: rest.join("/"), query, incoming, response });
  }

  close(): void {
    this.#closed = true;
    for (const route of this.#routes.values()) route.close?.();
  }

  async #handle(route: Route, request: Omit<Parameters<Route["handle"]>[0], "body">): Promise<void> {
    const { incoming, response } = request;
    const { bodyPauseMs } = this.#limits;
    try {
      await route.handle({ ...request, body: () => readBody(incoming, route.bodyBytesMax, bodyPauseMs) });
    } catch (thrown) {
      if (thrown instanceof BodyRefused) return reply(incoming, response, thrown.status, thrown.message);
      this.#options.onFault?.(thrown);
      reply(incoming, response, 500, "it failed");
    }
  }

  #health(incoming: IncomingMessage, response: ServerResponse): void {
    const isHealthy = this.#options.isHealthy?.() ?? true;
    reply(incoming, response, isHealthy ? 200 : 503, isHealthy ? "ok" : "not ready");
  }
}

/** Closes the connection where a body comes that nobody reads. */
function reply(
  incoming: IncomingMessage,
  response: ServerResponse,
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  const closing = hasBody(incoming) && !incoming.complete ? { connection: "close" } : {};
  answer(response, status, text, { ...headers, ...closing });
}

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) !== 0;

/** What is not even HTTP, or came too slowly. */
function onClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = CLIENT_ERRORS[error.code ?? ""] ?? "400 Bad Request";
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  // Whoever does not take that, and does not end either, has had his time.
  socket.setTimeout(CHECK_INTERVAL_MS, () => socket.destroy());
}

const CLIENT_ERRORS: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: "431 Request Header Fields Too Large",
  ERR_HTTP_REQUEST_TIMEOUT: "408 Request Timeout",
};
