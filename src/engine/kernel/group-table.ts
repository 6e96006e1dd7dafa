/**
 * The table of group.c: records of CSV and JSON lines grouped by one field, with another folded, from bytes. There is
 * no twin of it in TypeScript: where there is no WebAssembly, such records go the way of all others.
 *
 * Its memory is its own: some 20 MiB of address space, of which what is used is touched, and the arena of long keys
 * behind it. Growing detaches every view, so each is made anew when it is asked for.
 */
import { assert } from "../../base/assert.ts";
import { hashKey } from "../../base/hash.ts";
import { GROUP_KERNEL_BASE64 } from "./group-wasm.ts";
import type { WebAssemblyGlobal } from "./wasm-word-table.ts";

/** The kernel takes so many bytes at a time, at most. */
export const INPUT_BYTES = 320 * 1024;
/** The most names of fields that it knows, and their bytes. */
const NAMES_MAX = 128;
const NAMES_BYTES = 16 * 1024;
const GATHER_ROWS_MAX = 8192;
const ENTRIES_MAX = 1 << 17;
export const COLUMNS_MAX = 4096;
/** One bit each. */
export const REQUIRED_MAX = 31;

/** As the kernel numbers them. */
const OPERATIONS = { count: 0, sum: 1, min: 2, max: 3, average: 4 } as const;
export type Operation = keyof typeof OPERATIONS;

export interface GroupOptions {
  readonly operation: Operation;
  readonly keyIsNumber: boolean;
  /** When the table is full; what an entry counts for, beside `textBytes` and its units for text, or `numberBytes`. */
  readonly entriesMax: number;
  readonly bytesMax: number;
  readonly entryBytes: number;
  readonly textBytes: number;
  readonly numberBytes: number;
  readonly valueBytes: number;
}

/** What a column, or a field with a known name, is for. */
const ROLES = { unused: 0, key: 1, value: 2, string: 3, number: 4, boolean: 5 } as const;
const OPTIONAL = 0x10;

export interface Role {
  /** Fields that are not used must be of their types all the same; "unused": of any. */
  readonly role: keyof typeof ROLES;
  /** Whether it may be empty, or null, or missing. */
  readonly isOptional: boolean;
}

/** Of CSV. */
export interface GroupColumns {
  readonly delimiter: number;
  /** Undefined: none. */
  readonly quote: number | undefined;
  /** Of all columns, at most COLUMNS_MAX. */
  readonly roles: readonly Role[];
}

/** Of JSON. */
export interface GroupName extends Role {
  readonly name: string;
  /** Whether every record must have it. At most REQUIRED_MAX have. */
  readonly isRequired: boolean;
}

/** The entries asked for, in that order. Views into the table: valid until its next call. */
export interface GatheredEntries {
  readonly keys: GatheredKeys;
  /** Sums, or whatever is folded; counts where these are all there is. */
  readonly values: Float64Array;
  /** How many values were folded; for sums and extremes only whether any was. */
  readonly counts: Uint32Array;
  readonly hasMissingValue: boolean;
}

type GatheredKeys =
  | { readonly bytes: Uint8Array; readonly lengths: Uint32Array }
  | Float64Array
  | readonly (string | number | null)[];

interface KernelExports {
  readonly memory: { readonly buffer: ArrayBuffer };
  addresses(): number;
  clear(): void;
  scan_csv(from: number, to: number): number;
  scan_json(from: number, to: number): number;
  reserve(length: number): number;
  enter_text(length: number, units: number, hash: number, value: number, isThere: number): void;
  enter_number(key: number, value: number, isThere: number): void;
  enter_null(value: number, isThere: number): void;
  gather(rows: number): number;
}

/** As the kernel's structs list them. */
const ADDRESSES = [
  "options",
  "figures",
  "input",
  "roles",
  "names",
  "nameLengths",
  "nameBits",
  "hashes",
  "sizes",
  "lengths",
  "keysAt",
  "picked",
  "keys",
  "keyLengths",
  "values",
  "counts",
] as const;
type Addresses = Readonly<Record<(typeof ADDRESSES)[number], number>>;
const OPTION = {
  operation: 0,
  keyIsNumber: 1,
  delimiter: 2,
  quote: 3,
  columns: 4,
  names: 5,
  required: 6,
  entriesMax: 7,
  bytesMax: 8,
  entryBytes: 9,
  textBytes: 10,
  numberBytes: 11,
  valueBytes: 12,
} as const;
const OPTIONS = Object.keys(OPTION).length;
const FIGURE = { entries: 0, full: 1, records: 2 } as const;
const GATHERED = { missingValue: 1, nullKey: 2, keysLeftOut: 4 } as const;

const LINE_FEED = 0x0a;
/** Stands before the UTF-16 units of keys that UTF-8 cannot hold. No bytes of a file are taken for such a key. */
const MARK = 0xff;
const LONE_SURROGATE = /\p{Surrogate}/u;

let compiled: object | undefined;

/** Undefined where this machine or this Node has no WebAssembly with SIMD, or no address space for its memory. */
export function createGroupTable(
  WebAssembly = (globalThis as { WebAssembly?: WebAssemblyGlobal }).WebAssembly,
): GroupTable | undefined {
  if (WebAssembly === undefined) return undefined;
  if (compiled === undefined) {
    const bytes = Buffer.from(GROUP_KERNEL_BASE64, "base64");
    if (!WebAssembly.validate(bytes)) return undefined;
    compiled = new WebAssembly.Module(bytes);
  }
  try {
    return new GroupTable(compiled, WebAssembly.Instance);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

export class GroupTable {
  readonly #kernel: KernelExports;
  readonly #at: Addresses;
  #bytes: Buffer = Buffer.alloc(0);
  #options = new Uint32Array(0);
  #figures = new Uint32Array(0);

  constructor(module: object, Instance: WebAssemblyGlobal["Instance"]) {
    const number = (at: number, length: number): number => this.#numberAt(at, length);
    this.#kernel = new Instance(module, { env: { number } }).exports as KernelExports;
    const list = new Uint32Array(this.#kernel.memory.buffer, this.#kernel.addresses(), ADDRESSES.length);
    this.#at = Object.fromEntries(ADDRESSES.map((name, index) => [name, list[index]])) as Addresses;
    this.#refresh();
  }

  /** Keys so far, with numbers from 0 in order of arrival. */
  get entries(): number {
    return this.#figures[FIGURE.entries] as number;
  }

  /** Whether a limit is reached. A full table takes nothing before it is cleared. */
  get isFull(): boolean {
    return this.#figures[FIGURE.full] !== 0;
  }

  /** That the last scan took. */
  get records(): number {
    return this.#figures[FIGURE.records] as number;
  }

  /** Forgets everything. To be called before anything else. */
  configure(options: GroupOptions): void {
    assert(options.entriesMax > 0 && options.entriesMax <= ENTRIES_MAX, "a table has room for its entries");
    this.#kernel.clear();
    this.#set("operation", OPERATIONS[options.operation]);
    this.#set("keyIsNumber", options.keyIsNumber ? 1 : 0);
    this.#set("entriesMax", options.entriesMax);
    this.#set("bytesMax", options.bytesMax);
    this.#set("entryBytes", options.entryBytes);
    this.#set("textBytes", options.textBytes);
    this.#set("numberBytes", options.numberBytes);
    this.#set("valueBytes", options.valueBytes);
    this.#set("names", 0);
  }

  /** For the CSV records that follow. */
  setColumns({ delimiter, quote, roles }: GroupColumns): void {
    assert(roles.length <= COLUMNS_MAX, "the columns fit the kernel's room");
    this.#set("delimiter", delimiter);
    this.#set("quote", quote ?? LINE_FEED);
    this.#set("columns", roles.length);
    this.#setRoles(roles);
  }

  /** For the JSON records that follow: the names of their fields, in order. Knows none where they are too many. */
  setNames(names: readonly GroupName[]): void {
    const texts = names.map(({ name }) => Buffer.from(`"${name}":`));
    const bytes = texts.reduce((sum, text) => sum + text.length, 0);
    const areTooMany = texts.length > NAMES_MAX || bytes > NAMES_BYTES;
    this.#set("names", areTooMany ? 0 : texts.length);
    if (areTooMany) return;
    const lengths = this.#words(this.#at.nameLengths, NAMES_MAX);
    const bits = this.#words(this.#at.nameBits, NAMES_MAX);
    let at = this.#at.names;
    let required = 0;
    for (const [index, text] of texts.entries()) {
      this.#bytes.set(text, at);
      lengths[index] = text.length;
      at += text.length;
      bits[index] = names[index]?.isRequired === true ? 1 << required++ : 0;
    }
    assert(required <= REQUIRED_MAX, "every required name has a bit");
    this.#set("required", 2 ** required - 1);
    this.#setRoles(names);
  }

  /** Takes bytes [from, to), at most INPUT_BYTES, as the input. */
  load(bytes: Uint8Array, from: number, to: number): void {
    assert(to - from <= INPUT_BYTES, "a piece fits the kernel's room");
    this.#bytes.set(bytes.subarray(from, to), this.#at.input);
  }

  /**
   * Folds the input's records from byte `from` on up to `to`, behind a line feed. Returns up to where: to the end,
   * to behind the record that made the table full, or to before one that it is not certain of.
   */
  scan(format: "csv" | "jsonl", from: number, to: number): number {
    assert(!this.isFull, "a full table is cleared before it takes more");
    const end = format === "csv" ? this.#kernel.scan_csv(from, to) : this.#kernel.scan_json(from, to);
    this.#refresh();
    return end;
  }

  /** Folds one record that was read elsewhere. A value that is null is none. */
  enter(key: string | number | null, value: number | null): void {
    assert(!this.isFull, "a full table is cleared before it takes more");
    const isThere = value === null ? 0 : 1;
    if (key === null) this.#kernel.enter_null(value ?? 0, isThere);
    else if (typeof key === "number") this.#kernel.enter_number(key, value ?? 0, isThere);
    else {
      const length = this.#placeText(key);
      this.#kernel.enter_text(length, key.length, hashKey(key), value ?? 0, isThere);
    }
    this.#refresh();
  }

  /** By entry: the key's `hashKey`, and what the entry counts for. Views into the table. */
  describe(): { readonly hashes: Uint32Array; readonly sizes: Uint32Array } {
    const { hashes, sizes } = this.#at;
    return { hashes: this.#words(hashes, this.entries), sizes: this.#words(sizes, this.entries) };
  }

  /** At most GATHER_ROWS_MAX entries. */
  gather(entries: Uint32Array): GatheredEntries {
    const rows = entries.length;
    assert(rows <= GATHER_ROWS_MAX, "a gathering fits the kernel's room");
    this.#words(this.#at.picked, rows).set(entries);
    const flags = this.#kernel.gather(rows);
    return {
      keys: flags >= GATHERED.nullKey ? this.#keysOf(entries) : this.#gatheredKeys(rows),
      values: new Float64Array(this.#bytes.buffer, this.#at.values, rows),
      counts: this.#words(this.#at.counts, rows),
      hasMissingValue: (flags & GATHERED.missingValue) !== 0,
    };
  }

  /** Forgets all keys. */
  clear(): void {
    this.#kernel.clear();
  }

  #gatheredKeys(rows: number): GatheredKeys {
    const { keys, keyLengths } = this.#at;
    if (this.#keyIsNumber) return new Float64Array(this.#bytes.buffer, keys, rows);
    const lengths = this.#words(keyLengths, rows);
    const bytes = lengths.reduce((sum, length) => sum + length, 0);
    const gathered = this.#bytes.subarray(keys, keys + bytes);
    return gathered.includes(MARK)
      ? this.#keysOf(this.#words(this.#at.picked, rows))
      : { bytes: gathered, lengths };
  }

  /** One by one: null, text that UTF-8 cannot hold, and text of any length. */
  #keysOf(entries: Uint32Array): (string | number | null)[] {
    const lengths = this.#words(this.#at.lengths, this.entries);
    const keysAt = this.#words(this.#at.keysAt, this.entries);
    return Array.from(entries, (entry) => {
      const at = keysAt[entry] as number;
      const end = at + (lengths[entry] as number);
      if (at === 0) return null;
      if (this.#keyIsNumber) return this.#bytes.readDoubleLE(at);
      return this.#bytes[at] === MARK && end > at
        ? this.#bytes.toString("utf16le", at + 1, end)
        : this.#bytes.toString("utf8", at, end);
    });
  }

  get #keyIsNumber(): boolean {
    return this.#options[OPTION.keyIsNumber] !== 0;
  }

  /** Puts it where the kernel enters it from; returns its bytes. */
  #placeText(text: string): number {
    const isUtf8 = !LONE_SURROGATE.test(text);
    const at = this.#kernel.reserve(isUtf8 ? text.length * 3 : 1 + text.length * 2);
    this.#refresh();
    if (isUtf8) return this.#bytes.write(text, at, "utf8");
    this.#bytes[at] = MARK;
    return 1 + this.#bytes.write(text, at + 1, "utf16le");
  }

  #numberAt(at: number, length: number): number {
    return Number(this.#bytes.toString("latin1", at, at + length));
  }

  #setRoles(roles: readonly Role[]): void {
    for (const [index, { role, isOptional }] of roles.entries()) {
      this.#bytes[this.#at.roles + index] = ROLES[role] | (isOptional ? OPTIONAL : 0);
    }
  }

  #set(option: keyof typeof OPTION, value: number): void {
    this.#options[OPTION[option]] = value;
  }

  #words(address: number, length: number): Uint32Array {
    return new Uint32Array(this.#bytes.buffer, address, length);
  }

  #refresh(): void {
    const { buffer } = this.#kernel.memory;
    if (buffer === this.#bytes.buffer) return;
    this.#bytes = Buffer.from(buffer);
    this.#options = new Uint32Array(buffer, this.#at.options, OPTIONS);
    this.#figures = new Uint32Array(buffer, this.#at.figures, Object.keys(FIGURE).length);
  }
}

/** Tables that no task uses, for the next one of this thread: a kernel's memory is made once. */
const idleTables: GroupTable[] = [];
const IDLE_TABLES_MAX = 2;

/** Undefined where this machine cannot run one. */
export const borrowGroupTable = (): GroupTable | undefined => idleTables.pop() ?? createGroupTable();

/** For a table that is not used any more. */
export function returnGroupTable(table: GroupTable): void {
  if (idleTables.length < IDLE_TABLES_MAX) idleTables.push(table);
}
