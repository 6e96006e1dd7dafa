import { assert } from "../../base/assert.ts";
import { BicoastalError } from "../../base/errors.ts";
import { type JobId, jobId } from "../../base/ids.ts";
import {
  assertBlobKey,
  type BlobReader,
  type BlobStore,
  type BlobWriter,
  type ByteRange,
  TAIL_BYTES_READY,
} from "../../ports/blob-store.ts";

/** A blob store in memory, whose blobs a test may look at, lose and damage. */
export interface MemoryBlobs extends BlobStore {
  /** The live bytes: changing them damages the blob. */
  readonly blobs: Map<string, Uint8Array>;
}

export function createMemoryBlobs(): MemoryBlobs {
  const blobs = new Map<string, Uint8Array>();
  const find = (key: string): Uint8Array => {
    assertBlobKey(key);
    const bytes = blobs.get(key);
    if (bytes !== undefined) return bytes;
    throw new BicoastalError("BLOB_MISSING", `The blob ${key} is missing. Resume the job to make it again.`, {
      details: { key },
      retryable: true,
    });
  };
  const matching = (prefix: string): string[] =>
    [...blobs.keys()].filter((key) => key.startsWith(prefix)).sort();
  return {
    blobs,
    async put(key, bytes) {
      assertBlobKey(key);
      blobs.set(key, new Uint8Array(bytes));
    },
    get: async (key) => new Uint8Array(find(key)),
    async has(key) {
      assertBlobKey(key);
      return blobs.has(key);
    },
    create: (key) => memoryWriter(key, blobs),
    async open(key) {
      return memoryReader(find(key));
    },
    list: async (prefix) => matching(prefix),
    async deleteAll(prefix, kept) {
      for (const key of matching(prefix)) if (kept?.has(key) !== true) blobs.delete(key);
    },
  };
}

/** Holds whoever reads to what a blob of another machine needs: nothing is read that was not prepared. */
function memoryReader(bytes: Uint8Array): BlobReader {
  const prepared: ByteRange[] = [{ offset: bytes.length - TAIL_BYTES_READY, bytes: TAIL_BYTES_READY }];
  return {
    bytes: bytes.length,
    async prepare(ranges) {
      prepared.push(...ranges);
    },
    readAt(position, target) {
      const end = Math.min(position + target.length, bytes.length);
      const isReady =
        end <= position || prepared.some((it) => it.offset <= position && end <= it.offset + it.bytes);
      assert(isReady, "only what was prepared is read");
      return copyAt(bytes, position, target);
    },
    close() {},
  };
}

/** Fills `target` from this position of `bytes` on; returns how many there were. */
export function copyAt(bytes: Uint8Array, position: number, target: Uint8Array): number {
  const part = bytes.subarray(position, position + target.length);
  target.set(part);
  return part.length;
}

function memoryWriter(key: string, blobs: Map<string, Uint8Array>): BlobWriter {
  assertBlobKey(key);
  const parts: Uint8Array[] = [];
  let bytes = 0;
  let open = true;
  return {
    get bytes() {
      return bytes;
    },
    append(part) {
      assert(open, "a blob is not written after commit or abort");
      parts.push(new Uint8Array(part));
      bytes += part.length;
    },
    async commit() {
      assert(open, "a blob is committed once");
      open = false;
      blobs.set(key, Buffer.concat(parts));
    },
    abort() {
      open = false;
    },
  };
}

/** Whose blocks lie here. */
export const jobsIn = ({ blobs }: MemoryBlobs): readonly JobId[] => [
  ...new Set([...blobs.keys()].map((key) => jobId(key.split("/")[1] ?? ""))),
];
