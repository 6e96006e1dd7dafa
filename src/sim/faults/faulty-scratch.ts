import { BicoastalError } from "../../base/errors.ts";
import type { Scratch, ScratchFile } from "../../ports/scratch.ts";
import type { SimProcess } from "../process.ts";
import type { Faults } from "./faults.ts";

/** Room for spills on a disk that may be full, or fail to be read. */
export function faultyScratch(scratch: Scratch, process: SimProcess, faults: Faults): Scratch {
  const where = (): string => `on ${process.name}`;
  const faulty = (file: ScratchFile): ScratchFile => ({
    get bytes() {
      return file.bytes;
    },
    append: (bytes) => {
      if (faults.happens("scratchFull", where)) throw full();
      return file.append(bytes);
    },
    readAt: (position, target) => {
      if (faults.happens("scratchFails", where)) throw readFails();
      return file.readAt(position, target);
    },
    dispose: () => file.dispose(),
  });
  return { create: () => faulty(scratch.create()), dispose: () => scratch.dispose() };
}

const full = (): BicoastalError =>
  new BicoastalError("DISK_FULL", "The simulated disk has no room for a spill", {
    retryable: true,
    details: { key: "scratch" },
  });

/** As the file system's adapter says it. */
const readFails = (): BicoastalError =>
  new BicoastalError("BLOB_CORRUPT", "The simulated spill cannot be read (EIO)", {
    retryable: true,
    details: { key: "scratch" },
  });
