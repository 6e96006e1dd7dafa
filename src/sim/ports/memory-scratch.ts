import { assert } from "../../base/assert.ts";
import type { Scratch, ScratchFile } from "../../ports/scratch.ts";
import { copyAt } from "./memory-blobs.ts";

/** Scratch in memory, which can tell whether a task has cleaned up. */
export interface MemoryScratch extends Scratch {
  /** Files not disposed of. */
  readonly filesOpen: number;
  /** Bytes ever appended. */
  readonly bytesWritten: number;
}

export function createMemoryScratch(): MemoryScratch {
  const files = new Set<ScratchFile>();
  let bytesWritten = 0;
  return {
    get filesOpen() {
      return files.size;
    },
    get bytesWritten() {
      return bytesWritten;
    },
    create() {
      const file = memoryFile(
        (bytes) => {
          bytesWritten += bytes;
        },
        (done) => files.delete(done),
      );
      files.add(file);
      return file;
    },
    dispose() {
      for (const file of [...files]) file.dispose();
    },
  };
}

function memoryFile(onAppend: (bytes: number) => void, onDispose: (file: ScratchFile) => void): ScratchFile {
  let content = Buffer.alloc(1024);
  let bytes = 0;
  let open = true;
  const file: ScratchFile = {
    get bytes() {
      return bytes;
    },
    append(part) {
      assert(open, "scratch is not used after it was disposed of");
      const position = bytes;
      bytes += part.length;
      if (bytes > content.length) content = Buffer.concat([content], Math.max(bytes, content.length * 2));
      content.set(part, position);
      onAppend(part.length);
      return position;
    },
    readAt(position, target) {
      assert(open, "scratch is not used after it was disposed of");
      return copyAt(content.subarray(0, bytes), position, target);
    },
    dispose() {
      open = false;
      onDispose(file);
    },
  };
  return file;
}
