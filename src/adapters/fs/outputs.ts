/** Output directories on a file system. */
import { access, constants } from "node:fs/promises";
import { dirname } from "node:path";
import type { Outputs, OutputTarget, OutputWriter } from "../../ports/outputs.ts";
import { commitOutput, discardOutput } from "./outputs-commit.ts";
import { outputError, outputExists, outputFailed } from "./outputs-errors.ts";
import { type OutputFiles, outputFiles } from "./outputs-files.ts";
import { refuseForeign } from "./outputs-marker.ts";
import { outputPathsOf, refuseDangerous } from "./outputs-paths.ts";
import { openStaged, UnneededOutputWriter } from "./outputs-staging.ts";
import { FileOutputWriter } from "./outputs-writer.ts";

/** @param fs Only for tests that make its steps fail. */
export function createFileOutputs(fs: OutputFiles = outputFiles): Outputs {
  return {
    check: (target) => guarded(target, () => check(fs, target)),
    create: (target, staged) => create(target, staged),
    commit: (target, files) => guarded(target, () => commitOutput(fs, target, files)),
    discard: (target) => guarded(target, () => discardOutput(fs, target)),
  };
}

function create(target: OutputTarget, staged: string): OutputWriter {
  const paths = outputPathsOf(target);
  try {
    const file = openStaged(target, paths, staged);
    return file === undefined ? new UnneededOutputWriter(staged) : new FileOutputWriter(paths, staged, file);
  } catch (error) {
    throw outputError(error, paths.target);
  }
}

/** Looks only: nothing is made before the first task writes. Missing parents are made then. */
async function check(fs: OutputFiles, target: OutputTarget): Promise<void> {
  const { target: path, parent } = outputPathsOf(target);
  refuseDangerous(path);
  const kind = await fs.kind(path);
  if (kind === "link") {
    throw outputExists(path, "is a symbolic link. Name the directory it points to instead.");
  }
  if (kind === "file" || kind === "other") {
    throw outputExists(path, "exists and is not a directory. Choose another path.");
  }
  if (kind === "directory") {
    if (!target.overwrite) {
      throw outputExists(
        path,
        "exists. Choose another, remove it, or ask for it with the option overwrite: true.",
      );
    }
    await refuseForeign(fs, path);
  }
  await checkWritable(fs, path, parent);
}

async function checkWritable(fs: OutputFiles, target: string, parent: string): Promise<void> {
  let nearest = parent;
  while ((await fs.kind(nearest)) === "none" && dirname(nearest) !== nearest) nearest = dirname(nearest);
  try {
    // Of a path that goes through a file, asking for its `.` fails with ENOTDIR.
    await access(`${nearest}/.`, constants.W_OK | constants.X_OK);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw outputFailed(
      target,
      `The output ${target} cannot be made: ${nearest} is not a writable directory (${code}).`,
    );
  }
}

async function guarded<T>(target: OutputTarget, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw outputError(error, target.directory);
  }
}
