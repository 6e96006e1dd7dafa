/**
 * Requests for blobs of other nodes, and what their failures mean.
 *
 * That a blob is missing is believed only of the node itself, which says its name; that makes its task run again. All else
 * (no address, no connection, a time that is over, an answer that breaks off or makes no sense) says only that the node
 * cannot be reached. Whether the bytes are right is not looked at here: blocks have checksums.
 */
import { Readable } from "node:stream";
import { BicoastalError } from "../../base/errors.ts";
import type { NodeId } from "../../base/ids.ts";
import type { ByteRange } from "../../ports/blob-store.ts";
import { endOf, parseContentRange, rangeHeader } from "./byte-ranges.ts";
import type { PeerAnswer, PeerClient, PeerRequest } from "./peer-client.ts";
import { NODE_HEADER, TO_HEADER } from "./peer-headers.ts";
import { AT_ONCE_BYTES, BLOB_BYTES_MAX } from "./server-limits.ts";
import { tlsReasonOf } from "./tls-reasons.ts";

/** How other nodes are reached. */
export interface PeerAccess {
  readonly client: PeerClient;
  /** As `host:port`; undefined where nobody knows. */
  readonly addressOf: (node: NodeId) => string | undefined;
  /** Ends what is under way. Default: nothing does but its time. */
  readonly signal?: AbortSignal | undefined;
  /** Takes short ranges together. Default: each is asked for by itself. */
  readonly batches?: RangeAsker;
}

export interface RangeAsker {
  /** Undefined where it is to be asked for by itself. Throws PEER_UNREACHABLE. */
  ask(blob: RemoteBlob, range: string): Promise<FetchedRange | undefined>;
}

/** A blob of another node. */
export interface RemoteBlob {
  readonly node: NodeId;
  readonly key: string;
}

export interface FetchedRange {
  readonly range: ByteRange;
  readonly bytes: Uint8Array;
  /** Of the whole blob. */
  readonly size: number;
}

/** Longest time for one range, and for a whole blob. */
export const RANGE_MS_MAX = 60_000;
const WHOLE_MS_MAX = 300_000;
/** A connection that lay idle may have been closed just now: what failed before any answer is asked once more. */
const TRIES = 2;
const PUT_PIECE_BYTES = 256 * 1024;
const OTHER_BYTES = "it gave other bytes than it was asked for";

/** The last bytes of a blob, and how long it is. Throws BLOB_MISSING and PEER_UNREACHABLE. */
export async function fetchTail(
  access: PeerAccess,
  blob: RemoteBlob,
  tailBytes: number,
): Promise<FetchedRange> {
  const got = await fetchRange(access, blob, `bytes=-${tailBytes}`, tailBytes);
  const { range, size } = got;
  if (endOf(range) === size && range.bytes === Math.min(tailBytes, size)) return got;
  throw unreachable(access, blob, OTHER_BYTES);
}

/**
 * Exactly these bytes. Throws BLOB_MISSING and PEER_UNREACHABLE.
 * @param place Where they may be put: as long as they are.
 */
export async function fetchBytes(
  access: PeerAccess,
  blob: RemoteBlob,
  range: ByteRange,
  place?: Uint8Array,
): Promise<Uint8Array> {
  const got = await fetchRange(access, blob, rangeHeader(range), range.bytes, place);
  if (got.range.offset === range.offset && got.range.bytes === range.bytes) return got.bytes;
  throw unreachable(access, blob, OTHER_BYTES);
}

/** A whole blob of 256 MiB at most. Throws BLOB_MISSING and PEER_UNREACHABLE. */
export async function fetchWhole(access: PeerAccess, blob: RemoteBlob): Promise<Uint8Array> {
  const given = await ask(access, blob, { method: "GET" }, WHOLE_MS_MAX);
  if (given.status !== 200) throw refusal(access, blob, given);
  return await bodyOf(access, blob, given, BLOB_BYTES_MAX);
}

/** Whether the node has it. Throws PEER_UNREACHABLE. */
export async function asksFor(access: PeerAccess, blob: RemoteBlob): Promise<boolean> {
  const given = await ask(access, blob, { method: "HEAD" }, RANGE_MS_MAX);
  if (given.status === 200) {
    given.drop();
    return true;
  }
  const error = refusal(access, blob, given);
  if (error.code === "BLOB_MISSING") return false;
  throw error;
}

/** Has the node keep these bytes, whose key names their SHA-256. Throws PEER_UNREACHABLE and BLOB_CORRUPT. */
export async function giveBlob(access: PeerAccess, blob: RemoteBlob, bytes: Uint8Array): Promise<void> {
  const body = Readable.from(piecesOf(bytes), { objectMode: false });
  const headers = { "content-length": String(bytes.length) };
  const given = await askOnce(access, blob, { method: "PUT", headers, body }, WHOLE_MS_MAX);
  if (given.status === 201) return given.drop();
  const error = refusal(access, blob, given);
  if (given.status !== 400) throw error;
  const message = `The blob ${blob.key} is damaged: node ${blob.node} found another SHA-256 than its name says. Run the job again to make it anew.`;
  throw new BicoastalError("BLOB_CORRUPT", message, { details: { key: blob.key }, retryable: true });
}

function* piecesOf(bytes: Uint8Array): Generator<Uint8Array, void> {
  for (let at = 0; at < bytes.length; at += PUT_PIECE_BYTES) yield bytes.subarray(at, at + PUT_PIECE_BYTES);
}

async function fetchRange(
  access: PeerAccess,
  blob: RemoteBlob,
  range: string,
  bytesMax: number,
  place?: Uint8Array,
): Promise<FetchedRange> {
  if (place === undefined && bytesMax <= AT_ONCE_BYTES) {
    const got = await access.batches?.ask(blob, range);
    if (got !== undefined) return got;
  }
  const given = await ask(access, blob, { method: "GET", headers: { range } }, RANGE_MS_MAX);
  if (given.status === 416 && given.headers["content-range"] === "bytes */0") {
    given.drop();
    return { range: { offset: 0, bytes: 0 }, bytes: new Uint8Array(0), size: 0 };
  }
  if (given.status !== 206) throw refusal(access, blob, given);
  const said = parseContentRange(given.headers["content-range"]);
  const bytes = await bodyOf(access, blob, given, bytesMax, place);
  if (said?.range.bytes === bytes.length) return { ...said, bytes };
  throw unreachable(access, blob, "its answer does not have the length that it says");
}

/** The answer's body. Throws PEER_UNREACHABLE where it breaks off. */
export async function bodyOf(
  access: PeerAccess,
  blob: RemoteBlob,
  given: PeerAnswer,
  bytesMax: number,
  place?: Uint8Array,
): Promise<Uint8Array> {
  try {
    // No more comes than there is room for.
    return await given.bytes(bytesMax, place === undefined ? undefined : (bytes) => place.subarray(0, bytes));
  } catch (error) {
    throw unreachable(access, blob, "its answer broke off", error);
  }
}

type BlobRequest = Pick<PeerRequest, "method" | "headers" | "body"> & Partial<Pick<PeerRequest, "path">>;

/** Throws PEER_UNREACHABLE where there is no answer. */
export async function ask(
  access: PeerAccess,
  blob: RemoteBlob,
  request: BlobRequest,
  msMax: number,
): Promise<PeerAnswer> {
  for (let tries = 1; ; tries++) {
    try {
      return await askOnce(access, blob, request, msMax);
    } catch (error) {
      if (tries >= TRIES || !isHangup(error)) throw error;
    }
  }
}

async function askOnce(
  access: PeerAccess,
  blob: RemoteBlob,
  request: BlobRequest,
  msMax: number,
): Promise<PeerAnswer> {
  const address = access.addressOf(blob.node);
  if (address === undefined) throw unreachable(access, blob, "nobody knows its address");
  try {
    return await access.client.request({
      path: `/v1/blobs/${blob.key}`,
      ...request,
      address,
      headers: { ...request.headers, [TO_HEADER]: blob.node },
      signal: signalFor(access, msMax),
    });
  } catch (error) {
    throw unreachable(access, blob, reasonOf(error), error);
  }
}

function signalFor({ signal }: PeerAccess, msMax: number): AbortSignal {
  const timeout = AbortSignal.timeout(msMax);
  return signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
}

const HANGUPS = new Set(["UND_ERR_SOCKET", "ECONNRESET", "EPIPE"]);
const isHangup = (error: unknown): boolean =>
  error instanceof BicoastalError && HANGUPS.has(String((error.cause as NodeJS.ErrnoException)?.code));

function refusal(access: PeerAccess, blob: RemoteBlob, given: PeerAnswer): BicoastalError {
  given.drop();
  const { node, key } = blob;
  if (given.status === 404 && given.headers[NODE_HEADER] === node) {
    const message = `The blob ${key} is missing: node ${node} does not have it. Resume the job to make it again.`;
    return new BicoastalError("BLOB_MISSING", message, { details: { key, node }, retryable: true });
  }
  return unreachable(access, blob, STATUS[given.status] ?? `it answered with status ${given.status}`);
}

const STATUS: Readonly<Record<number, string>> = {
  401: "it did not accept this node's cluster token; give all nodes the same",
  404: "something else than this node answers at its address",
  421: "another node answers at its address",
  507: "no space is left on its disk",
};

export function unreachable(
  { addressOf, client }: Pick<PeerAccess, "addressOf"> & { readonly client?: PeerAccess["client"] },
  { node, key }: RemoteBlob,
  reason: string,
  cause?: unknown,
): BicoastalError {
  const address = addressOf(node);
  const where = address === undefined ? node : `${node} at ${address}`;
  const tls = tlsReasonOf(cause, client?.speaksTls);
  return new BicoastalError(
    "PEER_UNREACHABLE",
    tls === undefined
      ? `Node ${where} could not be asked for the blob ${key}: ${reason}. Check that it runs and can be reached from here.`
      : `Node ${where} could not be asked for the blob ${key}: ${tls.text}.`,
    {
      details: {
        node,
        key,
        ...(address === undefined ? {} : { address }),
        ...(tls === undefined ? {} : { tls: tls.fault }),
      },
      retryable: true,
      cause,
    },
  );
}

/** What was said of one blob of the node, of another one that was asked for with it. */
export function unreachableAs(access: PeerAccess, blob: RemoteBlob, error: unknown): unknown {
  if (!(error instanceof BicoastalError)) return error;
  const { cause } = error;
  return unreachable(access, blob, cause === undefined ? "no answer came" : reasonOf(cause), cause);
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  return typeof code === "string" ? `${error.message} (${code})` : error.message;
}
