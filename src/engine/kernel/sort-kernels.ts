import { PlainSortKernel } from "./plain-sort-kernel.ts";
import type { SortKernel } from "./sort-kernel.ts";
import { createWasmSortKernel } from "./wasm-sort-kernel.ts";

/** A memory never shrinks: one that has grown beyond this is given up rather than kept. */
const IDLE_BYTES_MAX = 48 * 1024 * 1024;
const IDLE_KERNELS_MAX = 1;

/** Kernels that no task of this thread uses: a memory is made once. */
const idle: SortKernel[] = [];

/** The fastest kernel that this machine can run. */
export const borrowSortKernel = (): SortKernel =>
  idle.pop() ?? createWasmSortKernel() ?? new PlainSortKernel();

/** For a kernel that its borrower does not use any more. */
export function returnSortKernel(kernel: SortKernel): void {
  if (idle.length < IDLE_KERNELS_MAX && kernel.bytes.length <= IDLE_BYTES_MAX) idle.push(kernel);
}
