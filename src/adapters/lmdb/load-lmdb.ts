/** Loads LMDB: native code, and so not loaded by commands that only look at files. */
import { closeSync, openSync, readSync } from "node:fs";
import { createRequire } from "node:module";

/** The head of an ELF file, with the path of what links it, lies in its first bytes. */
const ELF_HEAD_BYTES = 2048;
/** Of Linux's C libraries, the one whose native code is chosen by this name where the environment says it. */
const GLIBC = "glibc";
const GLIBC_LINKER = "/ld-linux-";

/** As CommonJS it is one file where the other form is twenty, which take twice as long to load. */
export function loadLmdb(): typeof import("lmdb") {
  const require = createRequire(import.meta.url);
  const { env } = process;
  if (env.LIBC !== undefined || !isOnGlibc()) return require("lmdb");
  // Else the package asks a library which C library this is, and that takes a fifth of the time that all of it takes to
  // load. Nobody else sees it: nothing but the package runs meanwhile.
  env.LIBC = GLIBC;
  try {
    return require("lmdb");
  } finally {
    delete env.LIBC;
  }
}

/** Whether Node itself is linked so; false where that is not known. */
export function isOnGlibc(program = process.execPath): boolean {
  if (process.platform !== "linux") return false;
  try {
    const descriptor = openSync(program, "r");
    try {
      const head = Buffer.alloc(ELF_HEAD_BYTES);
      return head.toString("latin1", 0, readSync(descriptor, head)).includes(GLIBC_LINKER);
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return false;
  }
}
