import type { IncomingMessage } from "node:http";
import { BodyRefused } from "./route.ts";

/** The pieces of a request's body as they come, no faster than they are taken. */
export async function* readBody(
  incoming: IncomingMessage,
  bytesMax: number,
  pauseMs: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  // Left as it is where the body is refused: destroying it would take the connection, and the answer with it.
  const pieces: AsyncIterator<Buffer> = incoming.iterator({ destroyOnReturn: false });
  let bytes = 0;
  for (;;) {
    const { value, done } = await inTime(pieces.next(), pauseMs);
    if (done === true) return;
    bytes += value.length;
    if (bytes > bytesMax) throw new BodyRefused(413, `more than ${bytesMax} bytes`);
    yield value;
  }
}

function inTime<T>(next: Promise<T>, pauseMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new BodyRefused(408, "the body came too slowly")), pauseMs);
    const brokeOff = (): void => reject(new BodyRefused(400, "the body broke off"));
    next.then(resolve, brokeOff).finally(() => clearTimeout(timer));
  });
}

/** The whole body. */
export async function wholeBody(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return all.length === 1 ? (all[0] as Uint8Array) : Buffer.concat(all);
}
