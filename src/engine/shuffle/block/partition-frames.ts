import { SINK_BYTES, type SinkTarget } from "../sink-options.ts";
import type { AsciiText } from "./ascii-text.ts";
import { FRAME_BYTES, FRAME_ROWS } from "./frame-buffer.ts";
import { ValueBuffer } from "./value-buffer.ts";

/** What waits for one partition. */
class PartitionBuffer {
  readonly keys = new ValueBuffer();
  readonly values = new ValueBuffer();
  bytes = 0;
}

/**
 * Rows on their way to the partitions of a sink, in columns: a frame is written when it is full, and all of them when
 * together they are too many. Texts that are added need not be safe to keep.
 */
export class PartitionFrames {
  readonly #target: SinkTarget;
  readonly #buffers: PartitionBuffer[];
  #bytes = 0;

  constructor(target: SinkTarget) {
    this.#target = target;
    this.#buffers = [];
    for (let i = 0; i < target.partitions; i++) this.#buffers.push(new PartitionBuffer());
  }

  addPair(partition: number, key: unknown, value: unknown): void {
    const buffer = this.#buffers[partition] as PartitionBuffer;
    this.#added(partition, buffer, buffer.keys.add(key) + buffer.values.add(value));
  }

  /** As `addPair`, for a key that is `text`, and was read there. */
  addAscii(partition: number, text: string, read: AsciiText, value: unknown): void {
    const buffer = this.#buffers[partition] as PartitionBuffer;
    this.#added(partition, buffer, buffer.keys.addAscii(text, read) + buffer.values.add(value));
  }

  addRow(partition: number, row: unknown): void {
    const buffer = this.#buffers[partition] as PartitionBuffer;
    this.#added(partition, buffer, buffer.values.add(row));
  }

  flush(): void {
    for (let i = 0; i < this.#buffers.length; i++) this.#write(this.#buffers[i] as PartitionBuffer, i);
  }

  #added(partition: number, buffer: PartitionBuffer, bytes: number): void {
    buffer.bytes += bytes;
    this.#bytes += bytes;
    if (buffer.bytes >= FRAME_BYTES || buffer.values.rows >= FRAME_ROWS) this.#write(buffer, partition);
    else if (this.#bytes >= SINK_BYTES) this.flush();
  }

  #write(buffer: PartitionBuffer, partition: number): void {
    const { keys, values } = buffer;
    if (values.rows === 0) return;
    const { block, sinkIndex } = this.#target;
    block.append(sinkIndex, partition, keys.rows === 0 ? undefined : keys.column, values.column);
    this.#bytes -= buffer.bytes;
    buffer.bytes = 0;
    keys.clear();
    values.clear();
  }
}
