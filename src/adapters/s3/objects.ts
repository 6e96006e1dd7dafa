/**
 * The few operations on S3 that inputs and outputs are made of. Each is one request, but for listings, which are one a
 * page: a crash can come before or after it, which is how the tests enumerate crashes.
 */
import type { S3Place } from "./url.ts";

export interface ObjectStat {
  readonly key: string;
  readonly bytes: number;
  /** Names the version, with whatever quotes the server gives it. */
  readonly etag: string;
  /** Whole milliseconds since 1970. */
  readonly modifiedMs: number;
}

export interface Upload {
  readonly key: string;
  readonly id: string;
}

export interface TextObject {
  readonly text: string;
  readonly etag: string;
}

/** Rejects with `ObjectsError`. */
export interface Objects {
  /** undefined where there is none. */
  stat(place: S3Place): Promise<ObjectStat | undefined>;
  /** All objects whose keys begin so, page by page, in the order of the keys' UTF-8 bytes. */
  list(bucket: string, prefix: string): AsyncIterable<readonly ObjectStat[]>;
  /** These bytes of this very version, all of them. Fails with `changed` or `absent`. */
  read(place: S3Place, etag: string, range: ByteRange, signal: AbortSignal): Promise<Uint8Array>;
  /** A small object as a whole; undefined where there is none. */
  readText(place: S3Place): Promise<TextObject | undefined>;
  /** Writes only where this version stands; undefined: where there is none. Fails with `changed` otherwise. */
  putIf(place: S3Place, text: string, etag: string | undefined): Promise<void>;
  /** No error where there is none. */
  remove(place: S3Place): Promise<void>;
  /** Begins an upload of several parts, which nobody sees before it is completed. Gives its id. */
  startUpload(place: S3Place): Promise<string>;
  /** @param part From 1. Gives the part's ETag. */
  uploadPart(place: S3Place, upload: string, part: number, bytes: Uint8Array): Promise<string>;
  /** Makes the object visible. Fails with `noUpload` where it was aborted, or completed before. */
  completeUpload(place: S3Place, upload: string, etags: readonly string[]): Promise<void>;
  /** No error where there is none. */
  abortUpload(place: S3Place, upload: string): Promise<void>;
  /** Uploads that are neither completed nor aborted. */
  uploads(bucket: string, prefix: string): AsyncIterable<readonly Upload[]>;
}

export interface ByteRange {
  readonly start: number;
  /** At least 1. */
  readonly bytes: number;
}

export type Trouble =
  | "absent"
  | "changed"
  | "noUpload"
  | "noBucket"
  | "denied"
  | "credentials"
  | "region"
  | "package"
  /** May be gone at the next try. */
  | "passing"
  | "other";

/** What went wrong, in the few kinds that mean different things to the user or the commit. */
export class ObjectsError extends Error {
  override readonly name = "ObjectsError";
  readonly trouble: Trouble;

  /** @param message What the server or the library said. */
  constructor(trouble: Trouble, message: string, cause?: unknown) {
    super(message, { cause });
    this.trouble = trouble;
  }
}

/** Whether it is this kind of trouble. */
export const isTrouble = (thrown: unknown, ...kinds: readonly Trouble[]): boolean =>
  thrown instanceof ObjectsError && kinds.includes(thrown.trouble);
