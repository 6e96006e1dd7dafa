/**
 * The word table of kernel.c. Its memory is its own: some 10 MiB of address space, of which what is used is touched,
 * and the arena of long words behind it, which grows up to the limit of bytes. Growing detaches every view, so each
 * is made anew when it is asked for.
 */
import { assert } from "../../base/assert.ts";
import { KERNEL_BASE64 } from "./kernel-wasm.ts";
import {
  BLOCK_BYTES,
  type CountMerger,
  GATHER_BYTES_MAX,
  GATHER_ROWS_MAX,
  type GatheredWords,
  TABLE_ENTRIES_MAX,
  type TableLimits,
  WORDS,
  type WordClass,
  type WordTable,
} from "./word-table.ts";

/** The parts of the global that are used; Node's types leave it to the browser's. */
export interface WebAssemblyGlobal {
  validate(bytes: Uint8Array): boolean;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports?: object) => { readonly exports: object };
}

interface KernelExports {
  readonly memory: { readonly buffer: ArrayBuffer };
  addresses(): number;
  set_class(caseBit: number, joinsHigh: number): void;
  clear(entriesMax: number, bytesMax: number, entryBytes: number): void;
  scan(bytes: number): number;
  describe(): void;
  gather(rows: number): number;
  merge(rows: number, bytes: number): number;
  sort(): void;
}

/** As the kernel's struct lists them. */
const ADDRESSES = ["block", "rest", "hashes", "lengths", "keys", "counts", "figures", "classes"] as const;
type Addresses = Readonly<Record<(typeof ADDRESSES)[number], number>>;
const FIGURE = { entries: 0, full: 1, words: 2, restBytes: 3, lines: 4 } as const;

/** Values of half a byte. */
const HALVES = 16;
/** Set, it makes letters lower-case, and leaves digits as they are. */
const CASE_BIT = 0x20;

let compiled: object | undefined;

/**
 * Undefined where this machine or this Node has no WebAssembly with SIMD, and where there is no address space for a
 * memory: V8 reserves gigabytes of it for each, and some processes are given less.
 */
export function createWasmWordTable(
  WebAssembly = (globalThis as { WebAssembly?: WebAssemblyGlobal }).WebAssembly,
): WasmWordTable | undefined {
  if (WebAssembly === undefined) return undefined;
  if (compiled === undefined) {
    const bytes = Buffer.from(KERNEL_BASE64, "base64");
    if (!WebAssembly.validate(bytes)) return undefined;
    compiled = new WebAssembly.Module(bytes);
  }
  try {
    return new WasmWordTable(new WebAssembly.Instance(compiled).exports as KernelExports);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

export class WasmWordTable implements WordTable, CountMerger {
  readonly #kernel: KernelExports;
  readonly #at: Addresses;
  #class: WordClass | undefined;
  #bytes = new Uint8Array(0);
  #figures = new Uint32Array(0);

  constructor(kernel: KernelExports) {
    this.#kernel = kernel;
    const list = new Uint32Array(kernel.memory.buffer, kernel.addresses(), ADDRESSES.length);
    this.#at = Object.fromEntries(ADDRESSES.map((name, index) => [name, list[index]])) as Addresses;
    this.#refresh();
  }

  get entries(): number {
    return this.#figure(FIGURE.entries);
  }

  get isFull(): boolean {
    return this.#figure(FIGURE.full) !== 0;
  }

  get words(): number {
    return this.#figure(FIGURE.words);
  }

  get lines(): number {
    return this.#figure(FIGURE.lines);
  }

  get rest(): Uint8Array {
    const { rest } = this.#at;
    return this.#bytes.subarray(rest, rest + this.#figure(FIGURE.restBytes));
  }

  clear({ entriesMax, bytesMax, entryBytes }: TableLimits, words = WORDS): void {
    assert(entriesMax > 0 && entriesMax <= TABLE_ENTRIES_MAX, "a table has room for its entries");
    if (words !== this.#class) this.#setClass(words);
    this.#kernel.clear(entriesMax, bytesMax, entryBytes);
  }

  take(bytes: Uint8Array, from: number, to: number): number {
    const length = to - from;
    assert(length >= 0 && length <= BLOCK_BYTES, "a block fits the kernel's room");
    assert(!this.isFull, "a full table is cleared before it takes more");
    this.#bytes.set(bytes.subarray(from, to), this.#at.block);
    const taken = this.#kernel.scan(length);
    this.#refresh();
    return from + taken;
  }

  describe(): { hashes: Uint32Array; lengths: Uint32Array } {
    this.#kernel.describe();
    const { hashes, lengths } = this.#at;
    return { hashes: this.#words(hashes, this.entries), lengths: this.#words(lengths, this.entries) };
  }

  gather(entries: Uint32Array): GatheredWords {
    assert(entries.length <= GATHER_ROWS_MAX, "a gathering fits the kernel's room");
    const { keys } = this.#at;
    const counts = this.#words(this.#at.counts, entries.length);
    counts.set(entries);
    const bytes = this.#kernel.gather(entries.length);
    assert(bytes <= GATHER_BYTES_MAX, "gathered words fit the kernel's room");
    return { keys: this.#bytes.subarray(keys, keys + bytes), counts };
  }

  merge(bytes: Uint8Array, lengths: Uint32Array, counts: Uint8Array | Uint16Array | Uint32Array): boolean {
    if (lengths.length > GATHER_ROWS_MAX || bytes.length > GATHER_BYTES_MAX) return false;
    const { keys, lengths: lengthsAt, counts: countsAt } = this.#at;
    this.#bytes.set(bytes, keys);
    this.#words(lengthsAt, lengths.length).set(lengths);
    this.#words(countsAt, counts.length).set(counts);
    const merged = this.#kernel.merge(lengths.length, bytes.length) !== 0;
    this.#refresh();
    return merged;
  }

  sort(): { entries: Uint32Array; lengths: Uint32Array } {
    this.#kernel.sort();
    const { hashes, lengths } = this.#at;
    return { entries: this.#words(hashes, this.entries), lengths: this.#words(lengths, this.entries) };
  }

  /** One table says for each low half of a byte which high halves make a member with it, one bit each. */
  #setClass(words: WordClass): void {
    this.#class = words;
    const classes = this.#bytes.subarray(this.#at.classes, this.#at.classes + 2 * HALVES);
    classes.fill(0);
    for (let high = 0; high < HALVES / 2; high++) classes[HALVES + high] = 1 << high;
    for (const [code, isMember] of words.members.entries()) {
      if (isMember) classes[code % HALVES]! |= 1 << Math.floor(code / HALVES);
    }
    this.#kernel.set_class(words.isLowered ? CASE_BIT : 0, words.joinsHigh ? 1 : 0);
  }

  #figure(index: number): number {
    return this.#figures[index] as number;
  }

  #words(address: number, length: number): Uint32Array {
    return new Uint32Array(this.#kernel.memory.buffer, address, length);
  }

  #refresh(): void {
    const { buffer } = this.#kernel.memory;
    if (buffer === this.#bytes.buffer) return;
    this.#bytes = new Uint8Array(buffer);
    this.#figures = new Uint32Array(buffer, this.#at.figures, Object.keys(FIGURE).length);
  }
}
