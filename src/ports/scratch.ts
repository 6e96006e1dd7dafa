/** Room on disk for one task's spills: gone when the task ends, however it ends. */
export interface Scratch {
  create(): ScratchFile;
  /** Deletes every file made here. */
  dispose(): void;
}

/** An append-only file that can be read back at once. Synchronous, as it stands in inner loops. */
export interface ScratchFile {
  readonly bytes: number;
  /** Returns the position at which these bytes begin. Throws DISK_FULL. */
  append(bytes: Uint8Array): number;
  /** Fills `target` from this position on; returns how many bytes there were. */
  readAt(position: number, target: Uint8Array): number;
  dispose(): void;
}
