/**
 * Which frames of a block are compressed, found by trying. A frame that saves little stays as it is, and after it more and more
 * frames of its kind are not tried, until one pays again: so what does not compress costs next to nothing, and where the data
 * change, the choice does.
 *
 * Invariant: it follows from the bytes of the frames and their order alone, as all of a block does.
 */
import type { Lz4 } from "../../../ports/lz4.ts";

/** What a compressed frame holds at most: what compresses keeps memory for the largest, and so does who reads. */
export const COMPRESSED_PLAIN_BYTES_MAX = 1024 * 1024;
/** Less is not worth a call. */
const COMPRESSED_PLAIN_BYTES_MIN = 256;
/** A frame stays compressed if it saves one byte of so many. */
const SAVED_ONE_OF = 8;
/** Frames that are not tried, one after the other. */
const PASSED_FRAMES_MAX = 64;

interface Trials {
  /** How many are passed over after the next that saves too little. */
  pass: number;
  /** Frames still to be passed over. */
  left: number;
}

export class FrameCompression {
  readonly #lz4: Lz4;
  /** By sink and content: those of one kind are alike. */
  readonly #trials = new Map<string, Trials>();

  constructor(lz4: Lz4) {
    this.#lz4 = lz4;
  }

  /** What is to be stored in the body's stead; undefined where it stays as it is. */
  compress(body: Uint8Array, sink: number, content: number): Uint8Array | undefined {
    if (body.length < COMPRESSED_PLAIN_BYTES_MIN || body.length > COMPRESSED_PLAIN_BYTES_MAX)
      return undefined;
    const trials = this.#trialsOf(`${sink}/${content}`);
    if (trials.left > 0) {
      trials.left--;
      return undefined;
    }
    const compressed = this.#lz4.compress(body);
    if (compressed.length <= body.length - body.length / SAVED_ONE_OF) {
      trials.pass = 1;
      return compressed;
    }
    trials.left = trials.pass;
    trials.pass = Math.min(trials.pass * 2, PASSED_FRAMES_MAX);
    return undefined;
  }

  #trialsOf(kind: string): Trials {
    let trials = this.#trials.get(kind);
    if (trials === undefined) {
      trials = { pass: 1, left: 0 };
      this.#trials.set(kind, trials);
    }
    return trials;
  }
}
