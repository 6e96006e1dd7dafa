/** What a part of a node answers to, below `/v1/`. */
import type { IncomingMessage, ServerResponse } from "node:http";

export interface Route {
  /** First segment below `/v1/`. */
  readonly name: string;
  readonly methods: readonly string[];
  /** Longer bodies are answered with 413, whether they say their length or not. */
  readonly bodyBytesMax: number;
  /** Whoever asks is known by now. Answers, or throws; what it throws is answered with 500, unless it has begun. */
  handle(request: RouteRequest): Promise<void>;
  /** Answers what waits; from now on nothing waits. */
  close?(): void;
}

export interface RouteRequest {
  readonly method: string;
  /** What follows the route's name and a slash: ASCII letters, digits, `.`, `_`, `-` and `/`. */
  readonly rest: string;
  readonly query: URLSearchParams;
  readonly incoming: IncomingMessage;
  readonly response: ServerResponse;
  /** The body's pieces. Throws `BodyRefused` where there are too many bytes, where they stop coming, and where it breaks off. */
  body(): AsyncIterable<Uint8Array>;
}

/** Answered with its status; the connection is closed, as there may be more of the body. */
export class BodyRefused extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Answers without a body but for one line of text that says why. */
export function answer(response: ServerResponse, status: number, text = "", headers: Headers = {}): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const body = text === "" ? "" : `${text}\n`;
  const bodyHeaders =
    status === 204 ? {} : { "content-type": "text/plain; charset=utf-8", "content-length": body.length };
  response.writeHead(status, { ...bodyHeaders, ...headers });
  response.end(body);
}

type Headers = Readonly<Record<string, string | number>>;
