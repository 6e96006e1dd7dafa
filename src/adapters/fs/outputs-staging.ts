/**
 * Opens the file of one attempt in staging, unless its output has been committed without it.
 *
 * An attempt may begin to write when the commit is over: it is late, or its task ran again for the sake of another end. What it
 * stages then is swept by nobody, and needed by nobody. The target's marker says so. It is looked for when the file is there: a
 * commit that shows its marker later than that sweeps the file itself, and one that did so before is seen.
 */
import { closeSync, openSync, readFileSync, rmdirSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import type { OutputTarget, OutputWriter } from "../../ports/outputs.ts";
import { makeDirectory } from "./make-directory.ts";
import { isMarkerOf, MARKER_NAME } from "./outputs-marker.ts";
import type { OutputPaths } from "./outputs-paths.ts";

export interface StagedFile {
  readonly path: string;
  readonly descriptor: number;
}

/** Undefined where the output has been committed: nothing is left in staging then. Throws what the system says. */
export function openStaged(target: OutputTarget, paths: OutputPaths, staged: string): StagedFile | undefined {
  const path = join(paths.staging, staged);
  let descriptor: number;
  try {
    makeDirectory(paths.staging);
    descriptor = openSync(path, "w");
  } catch (error) {
    // The sweep of the commit, or of another late attempt, may have removed the directory in between.
    if (isCommitted(target, paths)) return undefined;
    throw error;
  }
  if (!isCommitted(target, paths)) return { path, descriptor };
  closeSync(descriptor);
  quietly(() => unlinkSync(path));
  // Another late attempt may have its file there: the last one removes the directory.
  quietly(() => rmdirSync(paths.staging));
  return undefined;
}

/** Takes what nobody needs, so that the task of an output that has been committed can end as any other. */
export class UnneededOutputWriter implements OutputWriter {
  bytes = 0;
  readonly #staged: string;

  constructor(staged: string) {
    this.#staged = staged;
  }

  append(bytes: Uint8Array): void {
    this.bytes += bytes.length;
  }

  async close(): Promise<string> {
    return this.#staged;
  }

  abort(): void {}
}

function isCommitted(target: OutputTarget, paths: OutputPaths): boolean {
  try {
    return isMarkerOf(readFileSync(join(paths.target, MARKER_NAME), "utf8"), target);
  } catch {
    // There is none, or it cannot be read: then the file is staged as ever.
    return false;
  }
}

/** What does not go was removed by the sweep of the commit before, or is for another late attempt to remove. */
function quietly(action: () => void): void {
  try {
    action();
  } catch {}
}
