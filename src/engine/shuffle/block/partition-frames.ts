import { SINK_BYTES, type SinkTarget } from "../sink-options.ts";
import type { AsciiText } from "./ascii-text.ts";
import { FrameBuffer } from "./frame-buffer.ts";

/** Rows on their way to the partitions of a sink: a frame is written when it is full, and all of them when together they are too many. */
export class PartitionFrames {
  readonly #target: SinkTarget;
  readonly #buffers: FrameBuffer[];
  #bytes = 0;

  constructor(target: SinkTarget) {
    this.#target = target;
    this.#buffers = [];
    for (let i = 0; i < target.partitions; i++) this.#buffers.push(new FrameBuffer());
  }

  addPair(partition: number, key: unknown, value: unknown): void {
    const buffer = this.#buffers[partition] as FrameBuffer;
    this.#bytes += buffer.addPair(key, value);
    this.#flushFull(buffer, partition);
  }

  /** As `addPair`, for a key that is `text`, and was read there. */
  addAscii(partition: number, text: string, read: AsciiText, value: unknown): void {
    const buffer = this.#buffers[partition] as FrameBuffer;
    this.#bytes += buffer.addAscii(text, read, value);
    this.#flushFull(buffer, partition);
  }

  addRow(partition: number, row: unknown): void {
    const buffer = this.#buffers[partition] as FrameBuffer;
    this.#bytes += buffer.addRow(row);
    this.#flushFull(buffer, partition);
  }

  flush(): void {
    for (let i = 0; i < this.#buffers.length; i++) this.#write(this.#buffers[i] as FrameBuffer, i);
  }

  #flushFull(buffer: FrameBuffer, partition: number): void {
    if (buffer.isFull) this.#write(buffer, partition);
    else if (this.#bytes >= SINK_BYTES) this.flush();
  }

  #write(buffer: FrameBuffer, partition: number): void {
    if (buffer.isEmpty) return;
    const { block, sinkIndex } = this.#target;
    block.append(sinkIndex, partition, buffer.keyColumn, buffer.values);
    this.#bytes -= buffer.bytes;
    buffer.clear();
  }
}
