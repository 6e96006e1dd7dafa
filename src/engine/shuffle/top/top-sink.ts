import { checkKey } from "../../../base/hash.ts";
import type { TopNode } from "../../../plan/node.ts";
import { PartitionFrames } from "../block/partition-frames.ts";
import { settled } from "../group/group.ts";
import { owned } from "../own-string.ts";
import type { KeyedSink } from "../sink.ts";
import { SINK_BYTES, type SinkTarget } from "../sink-options.ts";
import { TopHeap } from "./top-heap.ts";

/**
 * Only this task's greatest records leave it, greatest first; where they are more than a sink holds, those of each
 * part of its records that fill it.
 */
export class TopSink implements KeyedSink {
  readonly #heap: TopHeap;
  readonly #target: SinkTarget;

  constructor(node: TopNode, target: SinkTarget) {
    this.#heap = new TopHeap(node.count);
    this.#target = target;
  }

  add(given: unknown, value: unknown): void {
    const key = settled(given);
    checkKey(key);
    if (!this.#heap.wants(key)) return;
    this.#heap.add(owned(key), owned(settled(value)));
    if (this.#heap.bytes >= SINK_BYTES) this.#letGo();
  }

  finish(): void {
    this.#letGo();
  }

  #letGo(): void {
    const frames = new PartitionFrames(this.#target);
    const { keys, rows } = this.#heap.letGo();
    keys.forEach((key, i) => {
      frames.addPair(0, key, rows[i]);
    });
    frames.flush();
  }
}
