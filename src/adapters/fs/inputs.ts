import type { Inputs } from "../../ports/inputs.ts";
import { GzipStream } from "./inputs-gzip.ts";
import { FileReader } from "./inputs-reader.ts";

/**
 * Files of this machine. Symbolic links are followed; a glob names regular files only.
 * @param cwd Where relative patterns start; default: the process's working directory at each call.
 */
export function createFileInputs(cwd?: string): Inputs {
  return {
    async list(patterns) {
      // Tasks never list, and their threads start sooner without the library for globs.
      const { listFiles } = await import("./inputs-list.ts");
      return listFiles(patterns, cwd ?? process.cwd());
    },
    open: async (file) => new FileReader(file),
    openGzip: async (file) => new GzipStream(new FileReader(file)),
  };
}
