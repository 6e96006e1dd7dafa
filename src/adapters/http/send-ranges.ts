/**
 * Short ranges of several blobs in one answer. A request costs a node many times what a few kilobytes cost that it reads from a
 * file, and a task behind a shuffle wants some of each of hundreds of blocks.
 *
 * Whatever cannot be given here is left out, and asked for by itself then: only one way says what is wrong.
 */
import { closeSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { type OpenFile, readWhole } from "./blob-file.ts";
import { parseRange } from "./byte-ranges.ts";
import { RANGES_HEADER } from "./peer-headers.ts";
import { type AskedRange, type GivenRange, givenText, parseAsked } from "./range-list.ts";
import { answer } from "./route.ts";
import { AT_ONCE_BYTES } from "./server-limits.ts";

/** @param open The blob's file; undefined where there is none that may be read. */
export function sendRanges(
  text: string,
  isKey: (key: string) => boolean,
  open: (key: string) => OpenFile | undefined,
  response: ServerResponse,
): void {
  const asked = parseAsked(text);
  if (asked === undefined || !asked.every(({ key }) => isKey(key))) return answer(response, 400, "no ranges");
  const body = Buffer.allocUnsafe(asked.length * AT_ONCE_BYTES);
  let bytes = 0;
  const given = asked.map((one) => {
    const got = take(one, open, body.subarray(bytes));
    bytes += got?.range.bytes ?? 0;
    return got;
  });
  response.writeHead(200, {
    "content-type": "application/octet-stream",
    "content-length": bytes,
    [RANGES_HEADER]: given.map(givenText).join(","),
  });
  response.end(body.subarray(0, bytes));
}

/** Undefined where it is to be asked for by itself. */
function take(
  { key, range: text }: AskedRange,
  open: (key: string) => OpenFile | undefined,
  target: Uint8Array,
): GivenRange | undefined {
  let file: OpenFile | undefined;
  try {
    file = open(key);
    const range = file === undefined ? undefined : parseRange(text, file.size);
    if (file === undefined || range === undefined || range.bytes > AT_ONCE_BYTES) return undefined;
    const { length } = readWhole(file, range, target);
    return length < range.bytes ? undefined : { range, size: file.size };
  } catch {
    return undefined;
  } finally {
    if (file !== undefined) closeSync(file.fd);
  }
}
