import { expect, it } from "vitest";
import { createWasmWordTable, type WebAssemblyGlobal } from "./wasm-word-table.ts";

const real = (globalThis as unknown as { WebAssembly: WebAssemblyGlobal }).WebAssembly;

it("gives way to the twin where it cannot run", () => {
  class NoSpace {
    readonly exports = {};
    constructor() {
      throw new RangeError(
        "WebAssembly.Instance(): Out of memory: Cannot allocate Wasm memory for new instance",
      );
    }
  }
  // The first of these comes before anything is compiled.
  expect(createWasmWordTable({ ...real, validate: () => false })).toBeUndefined();
  expect(
    createWasmWordTable({
      validate: (bytes) => real.validate(bytes),
      Module: real.Module,
      Instance: NoSpace,
    }),
  ).toBeUndefined();
  expect(createWasmWordTable()).toBeDefined();
});
