/**
 * Stands between one process and an S3 server, and holds the request that a test names: before the server has it, or once
 * the server has answered and nobody was told. Everything else passes unchanged, signatures included.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What a request is for; undefined for those that change nothing. */
export type Change = "start" | "part" | "complete" | "abort" | "manifest" | "delete";

export interface Hold {
  readonly change: Change;
  /** From 1: the first, second … of its kind. */
  readonly nth: number;
  readonly moment: "before" | "after";
}

interface Answer {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: Buffer;
}

export class WatchedS3 {
  readonly endpoint: string;
  /** What has come, in its order, since the last hold was asked for. */
  readonly seen: Change[] = [];
  readonly #server: Server;
  readonly #target: string;
  #hold: Hold | undefined;
  #onHeld: (() => void) | undefined;
  #late: (() => Promise<Answer>) | undefined;
  #goOn: (() => void) | undefined;

  private constructor(server: Server, target: string) {
    this.#server = server;
    this.#target = target;
    this.endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on("request", (incoming, response) => {
      // The process that asked may be gone before its answer.
      this.#pass(incoming, response).catch(() => response.destroy());
    });
  }

  static async start(target: string): Promise<WatchedS3> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    return new WatchedS3(server, target);
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  /** Resolves when that request is here; it is not answered then, but where it is let go. */
  held(hold: Hold): Promise<void> {
    this.seen.length = 0;
    this.#late = undefined;
    this.#goOn = undefined;
    this.#hold = hold;
    return new Promise((resolve) => {
      this.#onHeld = resolve;
    });
  }
  holdNothing(): void {
    this.#hold = undefined;
  }
  /** As if this one had never been held: for who asked and goes on. */
  letGo(): void {
    this.#hold = undefined;
    this.#late = undefined;
    this.#goOn?.();
  }

  /** Gives the server the request that was held before it had it, as a network does that was slow: gives the status. */
  async deliverLate(): Promise<number | undefined> {
    return (await this.#late?.())?.status;
  }

  async #pass(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const send = (): Promise<Answer> => this.#send(incoming, Buffer.concat(chunks));
    const isHeld = this.#isHeld(changeOf(incoming));
    const untilLetGo = (): Promise<void> =>
      new Promise((resolve) => {
        this.#goOn = resolve;
        this.#onHeld?.();
      });
    if (isHeld === "before") {
      this.#late = send;
      await untilLetGo();
    }
    const answer = await send();
    if (isHeld === "after") await untilLetGo();
    response.writeHead(answer.status, answer.headers as string[]);
    response.end(answer.body);
  }

  #isHeld(change: Change | undefined): Hold["moment"] | undefined {
    if (change === undefined) return undefined;
    this.seen.push(change);
    const hold = this.#hold;
    if (hold?.change !== change) return undefined;
    const nth = this.seen.filter((it) => it === change).length;
    if (nth !== hold.nth) return undefined;
    return hold.moment;
  }

  #send({ method, url, rawHeaders }: IncomingMessage, body: Buffer): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const options = { method: method!, setHost: false, agent: false } as const;
      const outgoing = request(`${this.#target}${url}`, options, async (incoming) => {
        const chunks: Buffer[] = [];
        for await (const chunk of incoming) chunks.push(chunk as Buffer);
        resolve({
          status: incoming.statusCode!,
          headers: incoming.rawHeaders,
          body: Buffer.concat(chunks),
        });
      });
      for (let i = 0; i < rawHeaders.length; i += 2) {
        if (!/^(?:connection|expect|transfer-encoding)$/i.test(rawHeaders[i]!))
          outgoing.setHeader(rawHeaders[i]!, rawHeaders[i + 1]!);
      }
      outgoing.on("error", reject);
      outgoing.end(body);
    });
  }
}

function changeOf({ method, url }: IncomingMessage): Change | undefined {
  const { pathname, searchParams: query } = new URL(url!, "http://any");
  if (method === "POST" && query.has("uploads")) return "start";
  if (method === "POST" && query.has("uploadId")) return "complete";
  if (method === "PUT" && query.has("partNumber")) return "part";
  if (method === "PUT" && pathname.endsWith("/_bicoastal.json")) return "manifest";
  if (method === "DELETE") return query.has("uploadId") ? "abort" : "delete";
  return undefined;
}
