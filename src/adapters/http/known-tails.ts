/**
 * The ends of other nodes' blobs, as far as a reader asked for them first: for a block that is its index, which every task behind a
 * shuffle reads of every block. A thread that has run one of them knows it for the next.
 *
 * A key has the same bytes for ever, so that what is known stays right; whether the blob is still there, whoever reads more of
 * it finds out. Of a node that did not give something nothing is known any more: it may have lost all it had.
 */
import type { RemoteBlob } from "./ask-peer.ts";

/** The last bytes of a blob of so many. */
export interface Tail {
  readonly size: number;
  readonly bytes: Uint8Array;
}

/** Of all ends that are known: some thousands of ordinary indexes. */
const BYTES_MAX = 4 * 1024 * 1024;
/** Longest end that is kept, so that a few do not take the room of all. */
const TAIL_BYTES_MAX = 16 * 1024;
/** What an entry takes beside its bytes, about. */
const ENTRY_BYTES = 256;

interface Entry extends Tail {
  /** The last task that asked for it. */
  task: number;
}

export class KnownTails {
  readonly #byNode = new Map<string, Map<string, Entry>>();
  #bytes = 0;
  #task = 0;

  /** Another task: where there is little room left, what the one before had no use for goes. */
  begin(): void {
    if (2 * this.#bytes > BYTES_MAX) {
      for (const [node, entries] of this.#byNode) {
        for (const [key, entry] of entries) if (entry.task < this.#task) this.#drop(entries, key, entry);
        if (entries.size === 0) this.#byNode.delete(node);
      }
    }
    this.#task++;
  }

  get({ node, key }: RemoteBlob): Tail | undefined {
    const entry = this.#byNode.get(node)?.get(key);
    if (entry !== undefined) entry.task = this.#task;
    return entry;
  }

  /** Takes a copy, where there is room. What is there is not displaced: blocks are asked for in the same order each time. */
  add({ node, key }: RemoteBlob, { size, bytes }: Tail): void {
    if (bytes.length > TAIL_BYTES_MAX || this.#bytes + bytes.length + ENTRY_BYTES > BYTES_MAX) return;
    const entries = this.#byNode.get(node) ?? new Map<string, Entry>();
    if (entries.has(key)) return;
    this.#byNode.set(node, entries);
    entries.set(key, { size, bytes: bytes.slice(), task: this.#task });
    this.#bytes += bytes.length + ENTRY_BYTES;
  }

  forget(node: string): void {
    const entries = this.#byNode.get(node);
    if (entries === undefined) return;
    for (const [key, entry] of entries) this.#drop(entries, key, entry);
    this.#byNode.delete(node);
  }

  #drop(entries: Map<string, Entry>, key: string, { bytes }: Entry): void {
    entries.delete(key);
    this.#bytes -= bytes.length + ENTRY_BYTES;
  }
}
