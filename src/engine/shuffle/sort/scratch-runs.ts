/** Runs on scratch, where a sort has more runs than may be merged at a time. */
import { BicoastalError } from "../../../base/errors.ts";
import type { ScratchFile } from "../../../ports/scratch.ts";
import type { EngineEnvironment } from "../../environment.ts";
import { KEY_KIND } from "../../kernel/sort-kernel.ts";
import { ByteWriter } from "../block/byte-writer.ts";
import {
  decodeBytesFrame,
  decodeFrame,
  encodeBytesFrame,
  encodeFrame,
  type FrameExtent,
} from "../block/frame.ts";
import { valueRoom } from "../block/value-room.ts";
import { frameParts, writeHead } from "./run-frame.ts";
import type { MergedRows, RunMerge } from "./run-merge.ts";
import type { LoadedFrame, RunSource } from "./run-source.ts";

export interface ScratchOptions {
  readonly env: EngineEnvironment;
  /** Called for every frame that is read or written; may throw. */
  readonly checkpoint?: (() => void) | undefined;
}

/** Texts and keys of rows, and the rows where they are not text. */
interface StoredFrame {
  readonly body: FrameExtent;
  readonly values: FrameExtent | undefined;
}

export class ScratchRuns {
  runs: readonly RunSource[] = [];
  /** The most that a frame of them has, with its rows; 0 where rows are text. */
  frameBytesMax = 0;
  readonly #options: ScratchOptions;
  readonly #encoded = new ByteWriter(1024);
  #file: ScratchFile | undefined;

  constructor(options: ScratchOptions) {
    this.#options = options;
  }

  /** Writes all that a merge gives as the next run. Throws DISK_FULL, VALUE_UNENCODABLE. */
  spill(merge: RunMerge, text: boolean): void {
    this.#file ??= this.#options.env.scratch.create();
    const file = this.#file;
    const frames: StoredFrame[] = [];
    for (let merged = merge.next(); merged !== undefined; merged = merge.next()) {
      this.#options.checkpoint?.();
      frames.push(this.#write(merged, text, file));
    }
    this.runs = [...this.runs, this.#source(frames, file)];
  }

  /** Makes fewer runs of those there are: one of so many neighbours each. */
  mergePass(fanIn: number, text: boolean, merge: (runs: readonly RunSource[]) => RunMerge): void {
    const { runs } = this;
    const before = this.#file;
    this.#file = undefined;
    this.runs = [];
    try {
      for (let first = 0; first < runs.length; first += fanIn) {
        this.spill(merge(runs.slice(first, first + fanIn)), text);
      }
    } finally {
      before?.dispose();
    }
  }

  dispose(): void {
    this.#file?.dispose();
    this.#file = undefined;
    this.runs = [];
  }

  #write(merged: MergedRows, text: boolean, file: ScratchFile): StoredFrame {
    const { env } = this.#options;
    const to = this.#encoded;
    const { rows } = merged;
    const append = (crc: number): FrameExtent => {
      const bytes = to.written();
      return { offset: file.append(bytes), bytes: bytes.length, rows, crc };
    };
    const body = append(encodeBytesFrame(to, rows, bodyOf(merged, text), env.crc32));
    const values = text ? undefined : append(encodeFrame(to, undefined, merged.values, env));
    if (values !== undefined) this.frameBytesMax = Math.max(this.frameBytesMax, body.bytes + values.bytes);
    return { body, values };
  }

  #source(frames: readonly StoredFrame[], file: ScratchFile): RunSource {
    const { env, checkpoint } = this.#options;
    const { crc32, codec } = env;
    const read = (extent: FrameExtent, bytes: Uint8Array): Uint8Array => {
      file.readAt(extent.offset, bytes);
      return bytes;
    };
    return {
      frames: frames.length,
      frameBytesMax: frames.reduce((most, { body }) => Math.max(most, body.bytes), 0),
      read: (number, room): LoadedFrame => {
        checkpoint?.();
        const { body, values } = frames[number] as StoredFrame;
        try {
          return {
            body: decodeBytesFrame(read(body, room.take(body.bytes)), body, room.fasterCrc?.(crc32) ?? crc32),
            rows: body.rows,
            values:
              values &&
              decodeFrame(read(values, valueRoom.take(values.bytes)), values, crc32, { codec, own: "none" })
                .values,
            valueBytes: values?.bytes ?? 0,
          };
        } catch (error) {
          throw scratchCorrupt(error);
        }
      },
    };
  }
}

function bodyOf({ rows, text: texts, ends, hasKeys, keyText, keyEnds }: MergedRows, text: boolean): Buffer {
  const head = {
    hasText: text,
    keyKind: hasKeys ? KEY_KIND.own : KEY_KIND.row,
    keyOffset: 0,
    keyLength: 0,
    textBytes: texts.length,
    keyBytes: keyText.length,
  };
  const parts = frameParts(head, rows);
  const body = Buffer.allocUnsafe(parts.bytes);
  writeHead(body, 0, head);
  const put = (words: Uint32Array, at: number): void => {
    for (let row = 0; row < rows; row++) body.writeUInt32LE(words[row] as number, at + 4 * row);
  };
  if (text) put(ends, parts.ends);
  if (hasKeys) put(keyEnds, parts.keyEnds);
  body.set(texts, parts.text);
  body.set(keyText, parts.keyText);
  return body;
}

const scratchCorrupt = (cause: unknown): BicoastalError =>
  new BicoastalError(
    "BLOB_CORRUPT",
    "What a task wrote to its scratch directory came back damaged. The task is tried again; if this repeats, check the disk.",
    { retryable: true, cause },
  );
