/**
 * A blob of another node, of which what is prepared is fetched and kept: in memory as far as there is room, else in a
 * scratch file of the task.
 */
import { assert } from "../../base/assert.ts";
import { type BlobReader, type ByteRange, TAIL_BYTES_READY } from "../../ports/blob-store.ts";
import type { Scratch, ScratchFile } from "../../ports/scratch.ts";
import { fetchBytes, fetchTail, type PeerAccess, type RemoteBlob } from "./ask-peer.ts";
import { endOf, mergeRanges, splitRanges, subtractRanges } from "./byte-ranges.ts";
import type { KnownTails } from "./known-tails.ts";

/** What the readers of one task share. */
export interface FetchRoom {
  /** How much more may be kept in memory. */
  bytesFree: number;
  readonly scratch: Scratch;
  /**
   * Buffers of a piece, to be used again: by this task and by later ones. V8 collects a thread's garbage for every few megabytes
   * of new buffers.
   */
  readonly spare: Uint8Array[];
  /** What this thread knows of blobs from earlier tasks. */
  readonly tails: KnownTails;
}

/** What `open` brings: the index of a block of ordinary size is in it. */
const TAIL_BYTES = 64 * 1024;
/** Ranges nearer to each other are fetched as one: a request costs as much as these. */
const GAP_BYTES = 64 * 1024;
/** Longest range that is asked for at once. */
const PIECE_BYTES = 1024 * 1024;
/** Ranges of one blob that are under way at a time: with the above, what is held in memory beside what is kept. */
const FETCHES_MAX = 4;
/** Buffers of a piece that are kept for later. */
const SPARE_MAX = 16;

export async function openRemoteBlob(
  access: PeerAccess,
  blob: RemoteBlob,
  room: FetchRoom,
): Promise<BlobReader> {
  const known = room.tails.get(blob);
  if (known !== undefined) {
    const reader = new RemoteBlobReader(access, blob, room, known.size);
    reader.keepTail(known.bytes);
    return reader;
  }
  const tail = await trusting(blob, room, () => fetchTail(access, blob, TAIL_BYTES));
  const reader = new RemoteBlobReader(access, blob, room, tail.size);
  reader.keepTail(tail.bytes);
  reader.tailToKnow = tail.bytes;
  return reader;
}

/** Of a node that fails to give something nothing counts as known. */
async function trusting<T>({ node }: RemoteBlob, { tails }: FetchRoom, fetch: () => Promise<T>): Promise<T> {
  try {
    return await fetch();
  } catch (error) {
    tails.forget(node);
    throw error;
  }
}

interface Kept extends ByteRange {
  /** Where it is: in memory, or from this position on in the scratch file. */
  readonly place: Uint8Array | number;
}

class RemoteBlobReader implements BlobReader {
  readonly bytes: number;
  /** What came when it was opened, until it is seen how much of that is asked for first. */
  tailToKnow: Uint8Array | undefined;
  readonly #access: PeerAccess;
  readonly #blob: RemoteBlob;
  readonly #room: FetchRoom;
  /** In ascending order, without overlaps. */
  #kept: Kept[] = [];
  #file: ScratchFile | undefined;
  #closed = false;

  constructor(access: PeerAccess, blob: RemoteBlob, room: FetchRoom, bytes: number) {
    this.#access = access;
    this.#blob = blob;
    this.#room = room;
    this.bytes = bytes;
  }

  async prepare(ranges: readonly ByteRange[]): Promise<void> {
    const asked = mergeRanges(ranges, this.bytes, 1);
    const wanted = subtractRanges(asked, this.#kept);
    this.#know(asked);
    if (wanted.length === 0) return;
    const fetched = subtractRanges(mergeRanges(wanted, this.bytes, GAP_BYTES), this.#kept);
    const pieces = splitRanges(fetched, PIECE_BYTES);
    let next = 0;
    const work = async (): Promise<void> => {
      for (let piece = pieces[next++]; piece !== undefined; piece = pieces[next++]) {
        if (piece.bytes <= this.#room.bytesFree) await this.#fetchToMemory(piece);
        else await this.#fetchToScratch(piece);
        if (this.#closed) return;
      }
    };
    const workers = Array.from({ length: Math.min(FETCHES_MAX, pieces.length) }, work);
    try {
      await trusting(this.#blob, this.#room, () => Promise.all(workers));
    } finally {
      // After a failure the others come to an end before the caller goes on.
      next = pieces.length;
      await Promise.allSettled(workers);
    }
  }

  /** The first ranges that are asked for say what lies where: if they are in what came at first, that is worth knowing. */
  #know([first]: readonly ByteRange[]): void {
    const tail = this.tailToKnow;
    if (tail === undefined || first === undefined) return;
    this.tailToKnow = undefined;
    const begin = Math.min(first.offset, this.bytes - TAIL_BYTES_READY) - (this.bytes - tail.length);
    if (begin < 0) return;
    this.#room.tails.add(this.#blob, { size: this.bytes, bytes: tail.subarray(begin) });
  }

  /** What came when it was opened: its end. */
  keepTail(content: Uint8Array): void {
    const range = { offset: this.bytes - content.length, bytes: content.length };
    if (range.bytes > this.#room.bytesFree) return this.#keep(range, this.#toScratch(content));
    this.#room.bytesFree -= range.bytes;
    this.#keep(range, content);
  }

  async #fetchToMemory(range: ByteRange): Promise<void> {
    // Taken first: others of the task fetch meanwhile.
    this.#room.bytesFree -= range.bytes;
    let kept = false;
    try {
      const buffer = range.bytes === PIECE_BYTES ? this.#buffer() : undefined;
      const content = await fetchBytes(this.#access, this.#blob, range, buffer);
      if (this.#closed) return;
      this.#keep(range, content);
      kept = true;
    } finally {
      if (!kept) this.#room.bytesFree += range.bytes;
    }
  }

  async #fetchToScratch(range: ByteRange): Promise<void> {
    const buffer = this.#buffer();
    try {
      const content = await fetchBytes(this.#access, this.#blob, range, buffer);
      if (!this.#closed) this.#keep(range, this.#toScratch(content));
    } finally {
      this.#giveBack(buffer);
    }
  }

  #buffer(): Uint8Array {
    return this.#room.spare.pop() ?? Buffer.allocUnsafeSlow(PIECE_BYTES);
  }

  #giveBack(buffer: Uint8Array): void {
    const { spare } = this.#room;
    if (buffer.buffer.byteLength === PIECE_BYTES && spare.length < SPARE_MAX) spare.push(buffer);
  }

  #toScratch(content: Uint8Array): number {
    this.#file ??= this.#room.scratch.create();
    return this.#file.append(content);
  }

  #keep({ offset, bytes }: ByteRange, place: Kept["place"]): void {
    if (bytes === 0) return;
    const at = this.#kept.findIndex((kept) => kept.offset > offset);
    this.#kept.splice(at < 0 ? this.#kept.length : at, 0, { offset, bytes, place });
  }

  readAt(position: number, target: Uint8Array): number {
    assert(!this.#closed, "a blob is not read after it was closed");
    const wanted = Math.max(0, Math.min(target.length, this.bytes - position));
    for (let done = 0; done < wanted; ) {
      done += this.#readKept(position + done, target.subarray(done, wanted));
    }
    return wanted;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const { place, bytes } of this.#kept) {
      if (typeof place === "number") continue;
      this.#room.bytesFree += bytes;
      if (bytes === PIECE_BYTES) this.#giveBack(place);
    }
    this.#kept = [];
    this.#file?.dispose();
  }

  /** From one piece, at least a byte. */
  #readKept(position: number, target: Uint8Array): number {
    const kept = this.#keptAt(position);
    assert(kept !== undefined && position < endOf(kept), "only what was prepared is read");
    const from = position - kept.offset;
    const part = target.subarray(0, kept.bytes - from);
    if (typeof kept.place === "number") {
      const read = this.#file?.readAt(kept.place + from, part);
      assert(read === part.length, "scratch has what was put there");
    } else part.set(kept.place.subarray(from, from + part.length));
    return part.length;
  }

  /** The last that begins at or before this position. */
  #keptAt(position: number): Kept | undefined {
    let low = 0;
    let high = this.#kept.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#kept[middle]!.offset <= position) low = middle + 1;
      else high = middle;
    }
    return this.#kept[low - 1];
  }
}
