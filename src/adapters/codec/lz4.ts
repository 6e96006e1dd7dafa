/**
 * LZ4 by the WebAssembly build of lz4_flex, a decoder that checks every offset and length. It needs no binary for each
 * system, and all machines make the same bytes of the same bytes.
 *
 * The module's memory grows to the largest call and stays so: callers bound what they give it.
 */
import { createRequire } from "node:module";
import type { Lz4 } from "../../ports/lz4.ts";

/** The library's blocks begin with the length of what they hold, which LZ4's own do not. */
const LENGTH_BYTES = 4;

type Library = typeof import("lz4-wasm-nodejs");

let loaded: Library | undefined;

/** Loaded with the first block that is compressed: a run on one machine has none. */
function library(): Library {
  loaded ??= createRequire(import.meta.url)("lz4-wasm-nodejs") as Library;
  return loaded;
}

/** Room for a block with its length before it. */
let room = Buffer.alloc(0);

export const lz4: Lz4 = {
  compress: (bytes) => library().compress(bytes).subarray(LENGTH_BYTES),
  decompress(compressed, plainBytes) {
    const bytes = LENGTH_BYTES + compressed.length;
    if (room.length < bytes) room = Buffer.allocUnsafeSlow(bytes);
    room.writeUInt32LE(plainBytes);
    room.set(compressed, LENGTH_BYTES);
    return decompress(room.subarray(0, bytes));
  },
};

/** The library throws texts. */
function decompress(block: Uint8Array): Uint8Array {
  try {
    return library().decompress(block);
  } catch (error) {
    throw error instanceof Error ? error : new RangeError(`LZ4: ${String(error)}`);
  }
}
