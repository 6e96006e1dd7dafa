import nodeModule from "node:module";

/**
 * Keeps what V8 compiled of the modules loaded from now on for the next process, in a directory of Node's own below
 * the system's for temporary files. Node before 22.1 cannot, `NODE_DISABLE_COMPILE_CACHE` forbids it, and where the
 * directory cannot be written nothing is kept: none of that is worth a word.
 */
export function keepCompiledCode(): void {
  const { enableCompileCache } = nodeModule as { enableCompileCache?: () => unknown };
  enableCompileCache?.();
}
