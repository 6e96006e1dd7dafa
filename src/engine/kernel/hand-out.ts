/** How a full table lets go of its entries: by partition, and there by arrival, in columns of a limited size. */
import { partitionOf } from "../../base/hash.ts";

/** Rows that are handed out together: until so many, or so many bytes. */
export interface RowLimits {
  readonly rowsMax: number;
  readonly bytesMax: number;
}

/**
 * What fills columns goes first, then what is left of each partition.
 * @param hashes Of each entry's key. @param sizes What each entry counts for, in bytes.
 */
export function handOut(
  hashes: Uint32Array,
  sizes: Uint32Array,
  partitions: number,
  limits: RowLimits,
  give: (partition: number, entries: Uint32Array) => void,
): void {
  const order = new PartitionOrder(hashes, partitions);
  const rests: Uint32Array[] = [];
  for (let partition = 0; partition < partitions; partition++) {
    const entries = order.of(partition);
    let start = 0;
    let bytes = 0;
    for (let row = 0; row < entries.length; row++) {
      bytes += sizes[entries[row] as number] as number;
      if (bytes < limits.bytesMax && row + 1 - start < limits.rowsMax) continue;
      give(partition, entries.subarray(start, row + 1));
      start = row + 1;
      bytes = 0;
    }
    rests.push(entries.subarray(start));
  }
  for (const [partition, rest] of rests.entries()) if (rest.length > 0) give(partition, rest);
}

/** Entries by partition, and there in order: a counting sort. */
class PartitionOrder {
  /** Where each partition ends. */
  readonly #ends: Uint32Array;
  readonly #entries: Uint32Array;

  constructor(hashes: Uint32Array, partitions: number) {
    const starts = new Uint32Array(partitions + 1);
    for (let entry = 0; entry < hashes.length; entry++) {
      starts[partitionOf(hashes[entry] as number, partitions) + 1]!++;
    }
    for (let partition = 0; partition < partitions; partition++) {
      starts[partition + 1]! += starts[partition] as number;
    }
    this.#entries = new Uint32Array(hashes.length);
    for (let entry = 0; entry < hashes.length; entry++) {
      this.#entries[starts[partitionOf(hashes[entry] as number, partitions)]!++] = entry;
    }
    this.#ends = starts;
  }

  of(partition: number): Uint32Array {
    const start = partition === 0 ? 0 : (this.#ends[partition - 1] as number);
    return this.#entries.subarray(start, this.#ends[partition] as number);
  }
}
