import type { InputFile } from "../plan/task.ts";

/** What users point to: files to read, listed once when a job is submitted and read by its tasks. */
export interface Inputs {
  /**
   * The files that these paths, directories (all files below, names with a leading dot left out) and globs name:
   * without doubles, in ascending code-unit order of the absolute path.
   * A path that exists is meant literally, whatever it would match as a glob; a glob names regular files only.
   * Throws INPUT_NOT_FOUND for a pattern that names nothing, INPUT_UNREADABLE for what is not a regular file.
   */
  list(patterns: readonly string[]): Promise<readonly InputFile[]>;
  /**
   * Throws INPUT_CHANGED where the file is not the version that was listed, INPUT_UNREADABLE, INPUT_NOT_FOUND.
   * @param options `end`: where the caller means to stop, but for little more. For reading ahead.
   */
  open(file: InputFile, options?: { readonly end?: number }): Promise<InputReader>;
  /**
   * The decompressed bytes of a `.gz` file (one or several members). Throws as `open`; reading throws INPUT_CORRUPT,
   * and may have given bytes of the damaged member before: zlib checks a member at its end.
   */
  openGzip(file: InputFile): Promise<InputStream>;
}

/** Random access to a plain file. */
export interface InputReader {
  readonly bytes: number;
  /**
   * Fills `target` from this position on; returns how many bytes there were (0 at the end). Throws INPUT_CHANGED
   * where the file is another one by now, so that bytes of two versions never meet.
   */
  readAt(position: number, target: Uint8Array): number | Promise<number>;
  close(): void;
}

/** Bytes in order. */
export interface InputStream {
  /** The next bytes, at least one; undefined at the end. The array is the caller's until the next call. */
  next(): Promise<Uint8Array | undefined>;
  /** Compressed bytes consumed so far, for progress. */
  readonly bytesConsumed: number;
  close(): void;
}
