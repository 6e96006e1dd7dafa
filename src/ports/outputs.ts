import type { JobId } from "../base/ids.ts";

/** Directories that users and other tools read: staged attempt by attempt, shown all at once. */
export interface Outputs {
  /** Throws OUTPUT_EXISTS unless `overwrite`, and OUTPUT_FAILED where the directory could not be written later. */
  check(target: OutputTarget): Promise<void>;
  /** A file of one attempt, in the job's staging directory beside the target. */
  create(target: OutputTarget, staged: string): OutputWriter;
  /**
   * Makes the target directory hold exactly these files, under their final names, by one rename.
   * May be called again after a crash at any point, by the same job, with the same outcome.
   */
  commit(target: OutputTarget, files: readonly CommittedFile[]): Promise<void>;
  /** Deletes the job's staging directory. */
  discard(target: OutputTarget): Promise<void>;
}

export interface OutputTarget {
  readonly job: JobId;
  readonly endIndex: number;
  /** Absolute. */
  readonly directory: string;
  readonly overwrite: boolean;
}

export interface CommittedFile {
  readonly staged: string;
  /** `part-00000.jsonl` */
  readonly name: string;
  readonly bytes: number;
}

/** As `BlobWriter`: synchronous appends; durable when `close` resolves. */
export interface OutputWriter {
  readonly bytes: number;
  append(bytes: Uint8Array): void;
  close(): Promise<void>;
  abort(): void;
}
