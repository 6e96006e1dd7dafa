/** The sort kernel of sort.c. Growing its memory detaches every view, so they are made anew then. */

import type { Folding, SortKernel } from "./sort-kernel.ts";
import { SORT_KERNEL_BASE64 } from "./sort-wasm.ts";
import type { WebAssemblyGlobal } from "./wasm-word-table.ts";

const PAGE_BYTES = 64 * 1024;

interface Exports extends Folding {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  classify: SortKernel["classify"];
  scan_lines: SortKernel["scanLines"];
  order: SortKernel["order"];
  fit: SortKernel["fit"];
  gather: SortKernel["gather"];
  find_slice: SortKernel["findSlice"];
  merge_start: SortKernel["mergeStart"];
  merge_rows: SortKernel["mergeRows"];
  seek: SortKernel["seek"];
}

let compiled: object | undefined;

/** Undefined where this machine or this Node has no WebAssembly with SIMD, or no address space for its memory. */
export function createWasmSortKernel(
  WebAssembly = (globalThis as { WebAssembly?: WebAssemblyGlobal }).WebAssembly,
): SortKernel | undefined {
  if (WebAssembly === undefined) return undefined;
  if (compiled === undefined) {
    const bytes = Buffer.from(SORT_KERNEL_BASE64, "base64");
    if (!WebAssembly.validate(bytes)) return undefined;
    compiled = new WebAssembly.Module(bytes);
  }
  try {
    return new WasmSortKernel(new WebAssembly.Instance(compiled).exports as Exports);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

class WasmSortKernel implements SortKernel {
  bytes: Buffer;
  words: Uint32Array;
  readonly base: number;
  readonly classify: SortKernel["classify"];
  readonly scanLines: SortKernel["scanLines"];
  readonly order: SortKernel["order"];
  readonly fit: SortKernel["fit"];
  readonly gather: SortKernel["gather"];
  readonly findSlice: SortKernel["findSlice"];
  readonly mergeStart: SortKernel["mergeStart"];
  readonly mergeRows: SortKernel["mergeRows"];
  readonly seek: SortKernel["seek"];
  readonly folding: Folding;
  readonly #memory: Exports["memory"];

  constructor(exports: Exports) {
    this.#memory = exports.memory;
    this.base = exports.memory.buffer.byteLength;
    this.bytes = Buffer.from(exports.memory.buffer);
    this.words = new Uint32Array(exports.memory.buffer);
    this.classify = exports.classify;
    this.scanLines = exports.scan_lines;
    this.order = exports.order;
    this.fit = exports.fit;
    this.gather = exports.gather;
    this.findSlice = exports.find_slice;
    this.mergeStart = exports.merge_start;
    this.mergeRows = exports.merge_rows;
    this.seek = exports.seek;
    this.folding = exports;
  }

  reserve(bytes: number): void {
    const { byteLength } = this.#memory.buffer;
    if (bytes <= byteLength) return;
    this.#memory.grow(Math.ceil((bytes - byteLength) / PAGE_BYTES));
    this.bytes = Buffer.from(this.#memory.buffer);
    this.words = new Uint32Array(this.#memory.buffer);
  }
}
