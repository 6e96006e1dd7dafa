/**
 * The files that a process is known by, as they are now: a node for weeks outlives its certificate, so whoever renews it puts
 * another in its place, and nothing is started again.
 *
 * They are looked at when a connection begins, and read where they have changed. Connections are kept for many requests, so that
 * costs nothing, and there is no watch that could be lost or left open. Certificate and key are replaced one after the
 * other: as long as what lies there does not fit together, what was read last holds.
 */
import { statSync } from "node:fs";
import type { TlsFiles } from "./security.ts";
import { readTlsFiles, type TlsContents } from "./tls-files.ts";

export class CurrentTls {
  readonly #files: TlsFiles;
  readonly #onFault: ((thrown: unknown) => void) | undefined;
  #stamp: string;
  /** Of files that could not be used: they are told of once. */
  #faultyStamp: string | undefined;
  #contents: TlsContents;

  /**
   * Throws USAGE as `readTlsFiles` does.
   * @param onFault Told of files that took the place of others and cannot be used. Default: nobody.
   */
  constructor(files: TlsFiles, onFault?: (thrown: unknown) => void) {
    this.#files = files;
    this.#onFault = onFault;
    // Before they are read: what is written meanwhile is read again.
    this.#stamp = stampOf(files);
    this.#contents = readTlsFiles(files);
  }

  /** The same object as long as the files are the same. */
  get contents(): TlsContents {
    const stamp = stampOf(this.#files);
    if (stamp === this.#stamp) return this.#contents;
    try {
      this.#contents = readTlsFiles(this.#files);
      this.#stamp = stamp;
    } catch (thrown) {
      if (stamp !== this.#faultyStamp) this.#onFault?.(thrown);
      this.#faultyStamp = stamp;
    }
    return this.#contents;
  }
}

/** Another one whenever a file was written, or another put in its place. */
function stampOf({ ca, cert, key }: TlsFiles): string {
  return [ca, cert, key]
    .map((file) => {
      const stat = statSync(file, { bigint: true, throwIfNoEntry: false });
      return stat === undefined ? "none" : `${stat.ino}.${stat.mtimeNs}.${stat.size}`;
    })
    .join(" ");
}
