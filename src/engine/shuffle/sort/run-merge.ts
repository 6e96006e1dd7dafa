/**
 * Merges sorted runs in a kernel's memory: one frame of each at a time. Rows with equal keys come in the order of
 * their runs, so that merging neighbours in the order of their making keeps a sort stable.
 *
 * The memory: the merge and its sources, as the kernel wants them, the borders of the range, room for what comes out,
 * and then a slot for each source's frame, made anew behind all others where a frame is larger than those before it.
 */
import { assert } from "../../../base/assert.ts";
import { foldedCrc } from "../../kernel/folded-crc.ts";
import {
  EMIT,
  ENTRY_BYTES,
  KEY_KIND,
  MERGE,
  MERGE_BYTES,
  MERGED,
  PAD_BYTES,
  SOURCE,
  SOURCE_BYTES,
  SOURCE_STATE,
  type SortKernel,
} from "../../kernel/sort-kernel.ts";
import type { Room } from "../block/value-room.ts";
import { frameParts, readHead } from "./run-frame.ts";
import type { RunSource } from "./run-source.ts";
import type { KeyRange } from "./sort-ranges.ts";

/** What comes out at a time is full from so many bytes on. Fixed: whoever writes it may cut his output there. */
export const OUT_BYTES = 256 * 1024;
/** Where frames are made of what was read, one is often a little larger than the one before. */
const SLOT_ROOM = 1.25;

export interface RunMergeOptions {
  readonly kernel: SortKernel;
  readonly sources: readonly RunSource[];
  /** Which keys are wanted; they are compared as bytes. */
  readonly range: KeyRange;
  /** Bytes that all keys share. */
  readonly shared: number;
  readonly descending: boolean;
  /** Whether rows are text. */
  readonly text: boolean;
  /** Where they are not: what may come out at a time, as stored. */
  readonly valueBytes: number;
  /** Whether keys are wanted, too. */
  readonly keys: boolean;
  readonly rowsMax: number;
}

/** Merged rows. All are views, valid until the next call. */
export interface MergedRows {
  readonly rows: number;
  /** Texts, each with a line feed behind it, and where each ends, before that. */
  readonly text: Buffer;
  readonly ends: Uint32Array;
  /** Whether keys were asked for. */
  readonly hasKeys: boolean;
  readonly keyText: Buffer;
  readonly keyEnds: Uint32Array;
  /** Where rows are not text. */
  readonly values: readonly unknown[];
}

/** Where things are; the kernel is told of those that it needs. */
interface Areas {
  readonly merge: number;
  readonly sources: number;
  readonly from: number;
  readonly to: number;
  out: number;
  outBytes: number;
  keyOut: number;
  keyOutBytes: number;
  readonly outEnds: number;
  readonly keyOutEnds: number;
  readonly outSources: number;
}

class Slot {
  at = 0;
  bytes = 0;
  readonly frameBytesMax: number;
  /** Number of the next frame. */
  next = 0;
  values: readonly unknown[] = [];
  /** Of `values`, the next that comes out. */
  row = 0;
  /** Of one of them on average, as stored. */
  rowBytes = 0;

  constructor(frameBytesMax: number) {
    this.frameBytesMax = frameBytesMax;
  }
}

export class RunMerge {
  readonly #options: RunMergeOptions;
  readonly #kernel: SortKernel;
  readonly #areas: Areas;
  readonly #slots: readonly Slot[];
  /** Of the frame that is being loaded: it is read right where it is merged. */
  readonly #room: Room = {
    take: (bytes) => this.#roomInSlot(bytes),
    fasterCrc: (crc32) => foldedCrc(this.#kernel, crc32),
  };
  #loading = new Slot(0);
  /** Behind all areas. */
  #end: number;
  #values: unknown[] = [];
  #taken = 0;
  /** Of the values loaded since the last rows came out: their frames are let go, but not they. */
  #loadedBytes = 0;
  #started = false;
  #ended = false;

  constructor(options: RunMergeOptions) {
    const { kernel, sources, range, rowsMax, text, keys } = options;
    this.#options = options;
    this.#kernel = kernel;
    this.#end = kernel.base;
    this.#slots = sources.map(({ frameBytesMax }) => new Slot(frameBytesMax));
    const merge = this.#take(MERGE_BYTES);
    const sourcesAt = this.#take(SOURCE_BYTES * sources.length);
    const tree = this.#take(ENTRY_BYTES * sources.length);
    const outBytes = text ? OUT_BYTES : 0;
    const keyOutBytes = keys ? OUT_BYTES : 0;
    this.#areas = {
      merge,
      sources: sourcesAt,
      from: this.#take(range.from?.length ?? 0),
      to: this.#take(range.to?.length ?? 0),
      out: this.#take(outBytes),
      outBytes,
      keyOut: this.#take(keyOutBytes),
      keyOutBytes,
      outEnds: this.#take(4 * rowsMax),
      keyOutEnds: this.#take(4 * rowsMax),
      outSources: this.#take(4 * rowsMax),
    };
    this.#prepare(tree);
  }

  /** The next rows, never none; undefined at the end. Throws what reading a frame does. */
  next(): MergedRows | undefined {
    const { kernel } = this.#options;
    const { merge } = this.#areas;
    if (this.#slots.length === 0) return undefined;
    this.#drop();
    if (!this.#started) {
      for (let which = 0; which < this.#slots.length; which++) this.#load(which);
      kernel.mergeStart(merge);
      this.#started = true;
    }
    this.#set(MERGE.rowsMax, this.#rowsMax());
    while (!this.#ended) {
      const outcome = kernel.mergeRows(merge);
      if (outcome === MERGED.needs) {
        this.#takeValues();
        this.#load(this.#get(MERGE.needs));
        if (this.#loadedBytes < this.#options.valueBytes || this.#get(MERGE.rows) === 0) continue;
        break;
      }
      this.#ended = outcome === MERGED.done;
      break;
    }
    this.#takeValues();
    return this.#get(MERGE.rows) === 0 ? undefined : this.#merged();
  }

  /**
   * Frames of sorted runs are alike: all sources want their next at about the same time, and until then all that they
   * hold may come out. Put on scratch as one frame, that would be larger in each pass by as much as there are sources.
   */
  #rowsMax(): number {
    const { text, valueBytes, rowsMax } = this.#options;
    if (text) return rowsMax;
    let rowBytes = 0;
    for (const slot of this.#slots) rowBytes = Math.max(rowBytes, slot.rowBytes);
    return Math.max(1, Math.min(rowsMax, Math.floor(valueBytes / rowBytes)));
  }

  #prepare(tree: number): void {
    const { sources, range, shared, descending, text, keys } = this.#options;
    const { bytes } = this.#kernel;
    const areas = this.#areas;
    if (range.from !== undefined) bytes.set(range.from, areas.from);
    if (range.to !== undefined) bytes.set(range.to, areas.to);
    for (const word of Object.values(MERGE)) this.#set(word, 0);
    this.#set(MERGE.sources, areas.sources);
    this.#set(MERGE.count, sources.length);
    this.#set(MERGE.tree, tree);
    this.#set(MERGE.shared, shared);
    this.#set(MERGE.descending, descending ? 1 : 0);
    this.#set(MERGE.emit, (text ? EMIT.rows : EMIT.sources) | (keys ? EMIT.keys : 0));
    this.#set(MERGE.outEnds, areas.outEnds);
    this.#set(MERGE.keyOutEnds, areas.keyOutEnds);
    this.#set(MERGE.outSources, areas.outSources);
    this.#set(MERGE.needs, sources.length);
    this.#setOut();
  }

  #merged(): MergedRows {
    const { bytes, words } = this.#kernel;
    const areas = this.#areas;
    const rows = this.#get(MERGE.rows);
    const list = (address: number): Uint32Array => words.subarray(address / 4, address / 4 + rows);
    return {
      rows,
      text: bytes.subarray(areas.out, areas.out + this.#get(MERGE.bytes)),
      ends: list(areas.outEnds),
      hasKeys: this.#options.keys,
      keyText: bytes.subarray(areas.keyOut, areas.keyOut + this.#get(MERGE.keyBytes)),
      keyEnds: list(areas.keyOutEnds),
      values: this.#values,
    };
  }

  /** Forgets what the last call gave. */
  #drop(): void {
    for (const word of [MERGE.rows, MERGE.bytes, MERGE.keyBytes]) this.#set(word, 0);
    this.#values.length = 0;
    this.#taken = 0;
    this.#loadedBytes = 0;
  }

  /** Rows that are not text, up to where the kernel has merged: before their frames are let go. */
  #takeValues(): void {
    if (this.#options.text) return;
    const rows = this.#get(MERGE.rows);
    const { words } = this.#kernel;
    const list = this.#areas.outSources / 4;
    for (; this.#taken < rows; this.#taken++) {
      const slot = this.#slots[words[list + this.#taken] as number] as Slot;
      this.#values.push(slot.values[slot.row++]);
    }
  }

  /** Gives a source its next frame that has rows of the range, or ends it. */
  #load(which: number): void {
    const source = this.#options.sources[which] as RunSource;
    const slot = this.#slots[which] as Slot;
    const at = this.#areas.sources + which * SOURCE_BYTES;
    while (slot.next < source.frames) {
      const number = slot.next++;
      this.#loading = slot;
      const { body, rows, values, valueBytes } = source.read(number, this.#room);
      this.#place(at, body, rows);
      slot.values = values ?? [];
      slot.rowBytes = valueBytes / rows;
      this.#loadedBytes += valueBytes;
      if (this.#trim(at, number === 0, slot.next === source.frames)) {
        slot.row = this.#kernel.words[at / 4 + SOURCE.row] as number;
        return;
      }
    }
    slot.values = [];
    slot.rowBytes = 0;
    this.#kernel.words[at / 4 + SOURCE.state] = SOURCE_STATE.ended;
  }

  /** Stale once the memory grows. */
  #roomInSlot(bytes: number): Uint8Array {
    const slot = this.#loading;
    if (bytes > slot.bytes) {
      slot.bytes = bytes <= slot.frameBytesMax ? slot.frameBytesMax : Math.ceil(bytes * SLOT_ROOM);
      slot.at = this.#take(slot.bytes);
    }
    return this.#kernel.bytes.subarray(slot.at, slot.at + bytes);
  }

  /** Where a frame's body is in the memory, to which it is copied where it was not read there. */
  #addressOf(body: Uint8Array): number {
    const { buffer, byteOffset } = this.#kernel.bytes;
    if (body.buffer === buffer) return body.byteOffset - byteOffset;
    this.#roomInSlot(body.length).set(body);
    return this.#loading.at;
  }

  #place(at: number, body: Uint8Array, rows: number): void {
    const head = readHead(body, rows);
    const bodyAt = this.#addressOf(body);
    const parts = frameParts(head, rows);
    assert(head.hasText === this.#options.text, "a merge is of texts, or of other rows");
    const ownKeys = head.keyKind === KEY_KIND.own || head.keyKind === KEY_KIND.fixed;
    this.#roomForOut(head.textBytes, ownKeys ? head.keyBytes : head.textBytes);
    const { words } = this.#kernel;
    const set = (word: number, value: number): void => {
      words[at / 4 + word] = value;
    };
    set(SOURCE.state, SOURCE_STATE.hasRows);
    set(SOURCE.row, 0);
    set(SOURCE.stop, rows);
    set(SOURCE.text, bodyAt + parts.text);
    set(SOURCE.ends, bodyAt + parts.ends);
    set(SOURCE.keyKind, head.keyKind);
    set(SOURCE.keyText, bodyAt + parts.keyText);
    set(SOURCE.keyEnds, bodyAt + parts.keyEnds);
    set(SOURCE.keyOffset, head.keyOffset);
    set(SOURCE.keyLength, head.keyLength);
  }

  /** Leaves only rows of the range; false where there are none. */
  #trim(at: number, first: boolean, last: boolean): boolean {
    const { range, descending } = this.#options;
    const { words } = this.#kernel;
    const { from, to } = this.#areas;
    const direction = descending ? 1 : 0;
    if (first && range.from !== undefined) {
      words[at / 4 + SOURCE.row] = this.#kernel.seek(at, from, from + range.from.length, direction);
    }
    if (last && range.to !== undefined) {
      words[at / 4 + SOURCE.stop] = this.#kernel.seek(at, to, to + range.to.length, direction);
    }
    return (words[at / 4 + SOURCE.row] as number) < (words[at / 4 + SOURCE.stop] as number);
  }

  /** What comes out is full from OUT_BYTES on: a row more, however long, must have room behind that. */
  #roomForOut(rowBytes: number, keyBytes: number): void {
    const areas = this.#areas;
    const { text, keys } = this.#options;
    let moved = false;
    if (text && OUT_BYTES + rowBytes > areas.outBytes) {
      areas.outBytes = Math.ceil((OUT_BYTES + rowBytes) * SLOT_ROOM);
      areas.out = this.#move(areas.out, areas.outBytes, this.#get(MERGE.bytes));
      moved = true;
    }
    if (keys && OUT_BYTES + keyBytes > areas.keyOutBytes) {
      areas.keyOutBytes = Math.ceil((OUT_BYTES + keyBytes) * SLOT_ROOM);
      areas.keyOut = this.#move(areas.keyOut, areas.keyOutBytes, this.#get(MERGE.keyBytes));
      moved = true;
    }
    if (moved) this.#setOut();
  }

  #setOut(): void {
    const { out, keyOut } = this.#areas;
    this.#set(MERGE.out, out);
    this.#set(MERGE.outFull, out + OUT_BYTES);
    this.#set(MERGE.keyOut, keyOut);
    this.#set(MERGE.keyOutFull, keyOut + OUT_BYTES);
  }

  #move(from: number, bytes: number, used: number): number {
    const to = this.#take(bytes);
    this.#kernel.bytes.copyWithin(to, from, from + used);
    return to;
  }

  #take(bytes: number): number {
    const at = this.#end;
    this.#end = Math.ceil((at + bytes + PAD_BYTES) / 8) * 8;
    const { length } = this.#kernel.bytes;
    if (this.#end > length) this.#kernel.reserve(Math.max(this.#end, length + GROW_BYTES));
    return at;
  }

  #get(word: number): number {
    return this.#kernel.words[this.#areas.merge / 4 + word] as number;
  }

  #set(word: number, value: number): void {
    this.#kernel.words[this.#areas.merge / 4 + word] = value;
  }
}

const GROW_BYTES = 1024 * 1024;
