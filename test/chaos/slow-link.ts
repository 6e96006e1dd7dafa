/**
 * A userland stand-in for a bad network: whoever connects here gets to the target behind it, late or with losses.
 *
 * What TCP makes of lost packets is a pause and sometimes a connection that is gone; that is what is done here.
 */
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import type { Prng } from "../../src/base/prng.ts";

export interface Weather {
  /** Each piece comes so much later, more or less. */
  readonly delayMs: number;
  /** Of a hundred pieces so many wait for as long as a packet that is sent again. */
  readonly stallPercent: number;
  /** Of a hundred pieces so many break their connection. */
  readonly breakPercent: number;
}

export const FAIR: Weather = { delayMs: 0, stallPercent: 0, breakPercent: 0 };
const STALL_MS = 1_200;

export class SlowLink {
  weather: Weather = FAIR;
  readonly #server: Server;
  readonly #random: Prng;
  readonly #sockets = new Set<Socket>();
  readonly #cut = new Set<string>();
  #target: { readonly host: string; readonly port: number } | undefined;

  constructor(random: Prng) {
    this.#random = random;
    this.#server = createServer((socket) => this.#onConnection(socket));
  }

  /** `host:port` where it listens. */
  async listen(host: string): Promise<string> {
    this.#server.listen(0, host);
    await once(this.#server, "listening");
    const address = this.#server.address();
    return `${host}:${typeof address === "object" && address !== null ? address.port : 0}`;
  }

  leadTo(host: string, port: number): void {
    this.#target = { host, port };
  }

  /** Nothing comes from there any more, and nothing goes there. */
  cut(address: string): void {
    this.#cut.add(address);
    for (const socket of this.#sockets) if (this.#isCut(socket)) socket.pause();
  }
  heal(address: string): void {
    const broken = [...this.#sockets].filter((socket) => socket.remoteAddress?.endsWith(address));
    this.#cut.delete(address);
    for (const socket of broken) socket.destroy();
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #isCut(socket: Socket): boolean {
    return [...this.#cut].some((address) => socket.remoteAddress?.endsWith(address));
  }

  #onConnection(from: Socket): void {
    this.#sockets.add(from);
    const to = this.#target === undefined ? undefined : connect(this.#target);
    from.on("error", () => {});
    from.once("close", () => {
      this.#sockets.delete(from);
      to?.destroy();
    });
    if (to === undefined) return void from.destroy();
    to.on("error", () => {});
    to.once("close", () => from.destroy());
    if (this.#isCut(from)) return void from.pause();
    this.#carry(from, to, from);
    this.#carry(to, from, from);
  }

  /** In order, however late. */
  #carry(source: Socket, target: Socket, outer: Socket): void {
    let before: Promise<void> = Promise.resolve();
    source.on("data", (piece: Buffer) => {
      const { delayMs, stallPercent, breakPercent } = this.weather;
      if (this.#random.chance(breakPercent / 100)) return void outer.destroy();
      const stallMs = this.#random.chance(stallPercent / 100) ? STALL_MS : 0;
      const lateMs = stallMs + delayMs * (0.5 + this.#random.next());
      source.pause();
      before = before.then(async () => {
        if (lateMs > 0) await new Promise((resolve) => setTimeout(resolve, lateMs));
        if (this.#isCut(outer) || target.destroyed) return;
        if (!target.write(piece))
          await Promise.race([once(target, "drain"), once(target, "close")]).catch(() => {});
        source.resume();
      });
    });
    source.on("end", () => void before.then(() => target.end()));
  }
}
