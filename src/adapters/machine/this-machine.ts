/** Facts about this process and the machine under it. */
import { createHash, randomBytes } from "node:crypto";
import { availableParallelism, hostname, totalmem } from "node:os";
import { resolve } from "node:path";
import { getHeapStatistics } from "node:v8";
import { type ContentHash, contentHash, nodeId } from "../../base/ids.ts";
import { containerLimits } from "./container-limits.ts";

/** Without what is easily misread: 0 and o, 1 and l, i. */
const ID_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz";
const ID_LENGTH = 10;

export const thisMachine = {
  /** Cores this process may use: the machine's, or fewer where its affinity or its container's quota says so. */
  cores: (limits = containerLimits): number =>
    Math.min(availableParallelism(), limits().cores ?? Number.POSITIVE_INFINITY),

  /** Memory this process may use: the machine's, or less where a container says so. */
  memoryBytes(limits = containerLimits): number {
    const constrained = process.constrainedMemory?.() ?? 0;
    // Where there is no limit Node gives 0, or a number beyond any machine.
    const node = constrained > 0 ? constrained : Number.POSITIVE_INFINITY;
    return Math.min(totalmem(), node, limits().memoryBytes ?? Number.POSITIVE_INFINITY);
  },

  /** Of this thread's JavaScript heap: beyond it V8 ends the process. */
  heapBytesMax: (): number => getHeapStatistics().heap_size_limit,

  owner: () => ({ node: nodeId(`${hostname()}-${process.pid}`), host: hostname(), pid: process.pid }),

  /** Whether that process ran on this machine and runs no more. This very process does not count as gone. */
  isProcessGone({ host, pid }: { readonly host: string; readonly pid: number }): boolean {
    if (host !== hostname()) return false;
    try {
      process.kill(pid, 0);
      return false;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === "ESRCH";
    }
  },

  sha256: (bytes: Uint8Array): ContentHash => contentHash(createHash("sha256").update(bytes).digest("hex")),

  /** Some 49 random bits. */
  randomId: (): string =>
    Array.from(randomBytes(ID_LENGTH), (byte) => ID_ALPHABET[byte % ID_ALPHABET.length]).join(""),

  resolvePath: (path: string): string => resolve(path),

  environment: (name: string): string | undefined => process.env[name],
};
