/**
 * A node's blobs for other nodes: `GET` and `HEAD /v1/blobs/<key>`, `PUT` of what its content names, and `GET /v1/blobs` for
 * short ranges of several of them at once.
 *
 * Only what the caller allows is read; all else is missing, as to whoever asks. A file goes out as fast as it is taken, from
 * disk to socket in pieces, and only a plain file below the blobs' own directory: no link leads out of it. What comes in
 * appears under its key only when its SHA-256 is the one that the key says. To `HEAD`, what is named by its content is there
 * only while it is whole: whoever hears that it is counts it as a copy, and sends none.
 */
import { createHash } from "node:crypto";
import { closeSync, read } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { BicoastalError } from "../../base/errors.ts";
import type { NodeId } from "../../base/ids.ts";
import { assertBlobKey, type BlobStore, type ByteRange, hashInKey } from "../../ports/blob-store.ts";
import { type OpenFile, openBlob, readWhole } from "./blob-file.ts";
import { contentRange, parseRange } from "./byte-ranges.ts";
import { NODE_HEADER, RANGES_HEADER, TO_HEADER } from "./peer-headers.ts";
import { answer, BodyRefused, type Route, type RouteRequest } from "./route.ts";
import { sendRanges } from "./send-ranges.ts";
import { AT_ONCE_BYTES, BLOB_BYTES_MAX } from "./server-limits.ts";

export interface BlobRouteOptions {
  readonly self: NodeId;
  /** Where the files are that `blobs` keeps. */
  readonly directory: string;
  /** Takes what is put. */
  readonly blobs: BlobStore;
  /** Whether others may read this: it belongs to something that still counts. */
  readonly readable: (key: string) => boolean;
  /** Told of each key that others ask for, before they are answered. Default: nobody. */
  readonly onAsked?: (key: string) => void;
  /** Longest blob that is taken. Default 256 MiB. */
  readonly putBytesMax?: number;
}

const READ_BYTES = 256 * 1024;
/** Buffers of so many bytes that are kept for the next blob: V8 collects all garbage for every few megabytes of new ones. */
const SPARE_MAX = 16;
const spare: Buffer[] = [];

export function createBlobRoute(options: BlobRouteOptions): Route {
  const putBytesMax = options.putBytesMax ?? BLOB_BYTES_MAX;
  return {
    name: "blobs",
    methods: ["GET", "HEAD", "PUT"],
    bodyBytesMax: putBytesMax,
    async handle(request) {
      const { rest: key, response, incoming, method } = request;
      response.setHeader(NODE_HEADER, options.self);
      // An address may have passed on to another node, which has nothing of what is asked for: nobody is to conclude from it.
      const to = incoming.headers[TO_HEADER];
      if (to !== undefined && to !== options.self) return answer(response, 421, "another node is meant");
      const open = (asked: string): OpenFile | undefined => {
        options.onAsked?.(asked);
        return options.readable(asked) ? openBlob(options.directory, asked) : undefined;
      };
      const ranges = incoming.headers[RANGES_HEADER];
      if (key === "" && method === "GET" && typeof ranges === "string")
        return sendRanges(ranges, isKey, open, response);
      if (!isKey(key)) return answer(response, 400, "no key");
      if (method === "PUT") return takeBlob(key, request, options.blobs);
      const file = open(key);
      if (file === undefined) return answer(response, 404, "no such blob");
      try {
        if (method === "HEAD" && !(await isWhole(file, key))) return answer(response, 404, "no such blob");
        await sendBlob(file, request);
      } finally {
        closeSync(file.fd);
      }
    },
  };
}

async function sendBlob(file: OpenFile, { method, incoming, response }: RouteRequest): Promise<void> {
  const { size } = file;
  const header = incoming.headers.range;
  const range = header === undefined ? { offset: 0, bytes: size } : parseRange(header, size);
  if (range === undefined) return answer(response, 416, "", { "content-range": `bytes */${size}` });
  const atOnce = method !== "HEAD" && range.bytes <= AT_ONCE_BYTES ? readWhole(file, range) : undefined;
  response.writeHead(header === undefined ? 200 : 206, {
    "content-type": "application/octet-stream",
    "content-length": range.bytes,
    "accept-ranges": "bytes",
    ...(header === undefined ? {} : { "content-range": contentRange(range, size) }),
  });
  if (method === "HEAD") response.end();
  else if (atOnce !== undefined) sendWhole(atOnce, range, response);
  else await stream(file, range, response);
}

/** Where its key does not say what is in it, any blob is. */
async function isWhole({ fd, size }: OpenFile, key: string): Promise<boolean> {
  const hash = hashInKey(key);
  if (hash === undefined) return true;
  const digest = createHash("sha256");
  const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, size));
  for (let done = 0; done < size; ) {
    const filled = await readPiece(fd, buffer, Math.min(buffer.length, size - done), done);
    if (filled === 0) return false;
    digest.update(buffer.subarray(0, filled));
    done += filled;
  }
  return digest.digest("hex") === hash;
}

function sendWhole(content: Uint8Array, { bytes }: ByteRange, response: ServerResponse): void {
  // Fewer bytes than were promised are an answer without an end.
  if (content.length < bytes) response.destroy();
  else response.end(content);
}

/** Through two buffers, one of which is filled while the other goes out: a file's stream makes a new one for each piece. */
async function stream(
  { fd }: OpenFile,
  { offset, bytes }: ByteRange,
  response: ServerResponse,
): Promise<void> {
  const broken = new Promise<never>((_, reject) => {
    response.once("close", () => reject(new Error("whoever reads it is gone")));
  });
  broken.catch(() => {});
  const buffers = [takeBuffer(), takeBuffer()] as const;
  const sent: [Promise<void>, Promise<void>] = [Promise.resolve(), Promise.resolve()];
  try {
    let done = 0;
    for (let turn: 0 | 1 = 0; done < bytes; turn = turn === 0 ? 1 : 0) {
      await Promise.race([sent[turn], broken]);
      const filled = await readPiece(fd, buffers[turn], Math.min(READ_BYTES, bytes - done), offset + done);
      // Fewer bytes than were promised are an answer without an end.
      if (filled === 0) return void response.destroy();
      sent[turn] = send(response, buffers[turn].subarray(0, filled));
      done += filled;
    }
    await Promise.race([Promise.all(sent), broken]);
    response.end();
    // Only here: where it broke off, the system may not be done with them.
    for (const buffer of buffers) if (spare.length < SPARE_MAX) spare.push(buffer);
  } catch {
    // Whoever reads it sees that it broke off.
    response.destroy();
  }
}

const takeBuffer = (): Buffer => spare.pop() ?? Buffer.allocUnsafeSlow(READ_BYTES);

const readPiece = (fd: number, target: Buffer, bytes: number, at: number): Promise<number> =>
  new Promise((resolve, reject) => {
    read(fd, target, 0, bytes, at, (error, filled) => (error === null ? resolve(filled) : reject(error)));
  });

/** Resolves once the system has the bytes, and the buffer may be filled again. */
function send(response: ServerResponse, bytes: Uint8Array): Promise<void> {
  const sent = new Promise<void>((resolve, reject) => {
    response.write(bytes, (error) => (error == null ? resolve() : reject(error)));
  });
  // Where the loop has ended for another reason, nobody waits for it.
  sent.catch(() => {});
  return sent;
}

async function takeBlob(
  key: string,
  { incoming, response, body }: RouteRequest,
  blobs: BlobStore,
): Promise<void> {
  const hash = hashInKey(key);
  if (hash === undefined)
    return answerUnread(incoming, response, 400, "only a key with a SHA-256 can be put");
  const digest = createHash("sha256");
  const writer = blobs.create(key);
  try {
    for await (const piece of body()) {
      digest.update(piece);
      writer.append(piece);
    }
    if (digest.digest("hex") !== hash) return answer(response, 400, "the content has another SHA-256");
    await writer.commit(true);
    answer(response, 201);
  } catch (error) {
    if (error instanceof BodyRefused || !(error instanceof BicoastalError)) throw error;
    answerUnread(incoming, response, error.code === "DISK_FULL" ? 507 : 503, error.code);
  } finally {
    writer.abort();
  }
}

/** What still comes of the body is not waited for. */
function answerUnread(
  incoming: IncomingMessage,
  response: ServerResponse,
  status: number,
  text: string,
): void {
  answer(response, status, text, incoming.complete ? {} : { connection: "close" });
}

function isKey(key: string): boolean {
  try {
    assertBlobKey(key);
    return true;
  } catch {
    return false;
  }
}
