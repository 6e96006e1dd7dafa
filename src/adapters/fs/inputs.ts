import type { Inputs } from "../../ports/inputs.ts";
import { GzipStream } from "./inputs-gzip.ts";
import { listFiles } from "./inputs-list.ts";
import { FileReader } from "./inputs-reader.ts";

/**
 * Files of this machine. Symbolic links are followed; a glob names regular files only.
 * @param cwd Where relative patterns start; default: the process's working directory at each call.
 */
export function createFileInputs(cwd?: string): Inputs {
  return {
    list: (patterns) => listFiles(patterns, cwd ?? process.cwd()),
    open: async (file) => new FileReader(file),
    openGzip: async (file) => new GzipStream(new FileReader(file)),
  };
}
