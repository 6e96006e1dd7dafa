import { BicoastalError } from "../../base/errors.ts";
import type { BlobReader, BlobStore, BlobWriter } from "../../ports/blob-store.ts";
import type { MemoryBlobs } from "../ports/memory-blobs.ts";
import type { SimProcess } from "../process.ts";
import type { Faults } from "./faults.ts";

/**
 * One process's way to a disk: it may be full, fail to write, to flush or to read; and what was not flushed is torn or gone
 * when the process goes down with its machine.
 */
export function faultyDisk(disk: MemoryBlobs, process: SimProcess, faults: Faults): BlobStore {
  const { points } = faults;
  const where = (key: string) => (): string => `${key} on ${process.name}`;
  const opened = (key: string, reader: BlobReader): BlobReader => ({
    bytes: reader.bytes,
    prepare: (ranges) => reader.prepare(ranges),
    readAt: (position, target) => {
      if (faults.happens("diskFails", where(key))) throw readFails(key);
      return reader.readAt(position, target);
    },
    close: () => reader.close(),
  });
  return {
    ...disk,
    open: async (key, at) => {
      points.pass(process, "opening a block");
      if (faults.happens("diskFails", where(key))) throw readFails(key);
      return opened(key, await disk.open(key, at));
    },
    create: (key) => {
      points.pass(process, "creating a block");
      return faultyWriter(key, disk, process, faults);
    },
  };
}

function faultyWriter(key: string, disk: MemoryBlobs, process: SimProcess, faults: Faults): BlobWriter {
  const { points } = faults;
  const writer = disk.create(key);
  const where = (): string => `${key} on ${process.name}`;
  return {
    get bytes() {
      return writer.bytes;
    },
    append: (bytes) => {
      if (faults.happens("diskFull", where)) throw diskFull(key);
      writer.append(bytes);
    },
    commit: async (durable = false) => {
      if (faults.happens("diskFull", where)) throw diskFull(key);
      if (faults.happens("diskFails", where)) {
        // Whatever a failed flush left, nobody is told of it.
        writer.abort();
        throw writeFails(key);
      }
      points.pass(process, "committing a block");
      if (!process.alive) return new Promise(() => {});
      await writer.commit(durable);
      if (!durable) loseWithProcess(key, disk, process, faults);
      points.pass(process, "block committed");
    },
    abort: () => writer.abort(),
  };
}

/** What the system had not written when the machine went down. */
function loseWithProcess(key: string, { blobs }: MemoryBlobs, process: SimProcess, faults: Faults): void {
  const before = process.onKilled;
  process.onKilled = () => {
    before();
    const bytes = blobs.get(key);
    if (bytes === undefined || !faults.happens("unsyncedLost", () => `${key} of ${process.name}`)) return;
    if (faults.random.chance(0.5)) blobs.delete(key);
    else blobs.set(key, bytes.subarray(0, faults.random.below(bytes.length + 1)));
  };
}

function diskFull(key: string): BicoastalError {
  return new BicoastalError("DISK_FULL", "The simulated disk is full", { retryable: true, details: { key } });
}

function writeFails(key: string): BicoastalError {
  return new BicoastalError("STORE_UNAVAILABLE", "The simulated disk cannot be written (EIO)", {
    retryable: true,
    details: { key, outcome: "failed" },
  });
}

function readFails(key: string): BicoastalError {
  return new BicoastalError("BLOB_CORRUPT", "The simulated disk cannot be read (EIO)", {
    retryable: true,
    details: { key },
  });
}
