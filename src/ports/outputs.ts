import type { JobId } from "../base/ids.ts";

/** Directories that users and other tools read: staged attempt by attempt, shown all at once. */
export interface Outputs {
  /**
   * Throws OUTPUT_EXISTS where the target exists, unless `overwrite` was asked for and it is empty or holds nothing
   * but what a commit put there; and OUTPUT_FAILED where the directory could not be written later. Makes nothing.
   */
  check(target: OutputTarget): Promise<void>;
  /**
   * A file of one attempt, which nobody sees before the commit. Where this end of the job has been committed to the target, the
   * file is taken and kept nowhere: nobody would sweep it.
   */
  create(target: OutputTarget, staged: string): OutputWriter;
  /**
   * Makes the target directory hold exactly these files, all at once: by one rename, or by one manifest that names
   * them.
   * May be called again after a crash at any point, by the same job, with the same outcome.
   * Throws as `check`, and OUTPUT_FAILED for a staged file that is missing or has another length; nothing is lost
   * then, and it may be called again.
   */
  commit(target: OutputTarget, files: readonly CommittedFile[]): Promise<void>;
  /**
   * Deletes what the job has staged, for good: only for a job that is never resumed. The target stays, or becomes
   * again, what it was before the job. Harmless after a commit.
   */
  discard(target: OutputTarget): Promise<void>;
}

export interface OutputTarget {
  readonly job: JobId;
  readonly endIndex: number;
  /** Absolute, or `s3://bucket/prefix`. */
  readonly directory: string;
  readonly overwrite: boolean;
}

export interface CommittedFile {
  /** What `OutputWriter.close` gave. */
  readonly staged: string;
  /** `part-00000.jsonl` */
  readonly name: string;
  readonly bytes: number;
}

/** As `BlobWriter`: synchronous appends; durable when `close` resolves. */
export interface OutputWriter {
  readonly bytes: number;
  append(bytes: Uint8Array): void;
  /** Gives the name by which `commit` finds the file, on whatever machine; it ends with the one it was made under. */
  close(): Promise<string>;
  abort(): void;
}
