/** The files that a node's blobs are in, as others read them. */
import { closeSync, constants, fstatSync, openSync, readSync, realpathSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import type { ByteRange } from "../../ports/blob-store.ts";

/** To be closed by whoever opened it. */
export interface OpenFile {
  readonly fd: number;
  readonly size: number;
}

/**
 * These bytes, in this turn; fewer where the file was cut short meanwhile.
 * @param target As long as the range. Default: memory of its own.
 */
export function readWhole(
  { fd }: OpenFile,
  { offset, bytes }: ByteRange,
  target: Uint8Array = Buffer.allocUnsafe(bytes),
): Uint8Array {
  let filled = 0;
  while (filled < bytes) {
    const read = readSync(fd, target, filled, bytes - filled, offset + filled);
    if (read === 0) break;
    filled += read;
  }
  return target.subarray(0, filled);
}

/** What these say of a path is that it leads to no file. */
const MISSING = new Set(["ENOENT", "ENOTDIR", "EISDIR", "ELOOP", "ENAMETOOLONG"]);

/** A plain file, or undefined. A pipe is not waited for. */
export function openBlob(directory: string, key: string): OpenFile | undefined {
  const path = join(directory, ...key.split("/"));
  let fd: number | undefined;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stat = fstatSync(fd);
    const folder = realpathSync.native(dirname(path));
    if (stat.isFile() && `${folder}${sep}`.startsWith(`${realpathSync.native(directory)}${sep}`))
      return { fd, size: stat.size };
  } catch (error) {
    if (!MISSING.has(String((error as NodeJS.ErrnoException).code))) {
      if (fd !== undefined) closeSync(fd);
      throw error;
    }
  }
  if (fd !== undefined) closeSync(fd);
  return undefined;
}
