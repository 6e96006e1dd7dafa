/**
 * Makes an output directory appear all at once, also across crashes.
 *
 * 1. Committed files move from staging into `ready`, under their final names; the marker is added; all is synced.
 * 2. Where an earlier output stands and may be replaced, it is renamed to `old`.
 * 3. `ready` is renamed to the target. This is the commit.
 * 4. `staging` and `old` are deleted.
 *
 * Every step may be found done, half done or undone by a later call: a file is in staging or in `ready`; a target
 * that has this job's marker means that step 3 is done. Between 2 and 3 there is no target for a moment, as file
 * systems have no portable exchange; a reader sees the old output, or none, or the new one, never half of one.
 *
 * A later call may even come while an earlier one is at work: a driver that stood still in the middle, and was replaced
 * meanwhile, goes on where it stood. Both mean the same files, so whoever finds that the other was quicker has nothing left
 * to do but to sweep: what a call misses is looked for again from the start, and a shown output is never deleted as an old one.
 */
import { join } from "node:path";
import type { BicoastalError } from "../../base/errors.ts";
import type { CommittedFile, OutputTarget } from "../../ports/outputs.ts";
import { outputErrorCode, outputExists, outputFailed } from "./outputs-errors.ts";
import type { OutputFiles } from "./outputs-files.ts";
import { isMarkedBy, MARKER_NAME, markerText, refuseForeign } from "./outputs-marker.ts";
import { type OutputPaths, outputPathsOf } from "./outputs-paths.ts";

/** A call that finds another one at work begins again so often; each time the other has come further, or has stopped. */
const TRIES_MAX = 4;

export async function commitOutput(
  fs: OutputFiles,
  target: OutputTarget,
  files: readonly CommittedFile[],
): Promise<void> {
  const paths = outputPathsOf(target);
  for (let tries = 1; !(await isShown(fs, target, paths)); tries++) {
    try {
      await show(fs, target, paths, files);
    } catch (error) {
      if (await isShown(fs, target, paths)) break;
      if (tries === TRIES_MAX || !mayBeAnothers(error)) throw error;
    }
  }
  await sweep(fs, target, paths);
}

async function show(
  fs: OutputFiles,
  target: OutputTarget,
  paths: OutputPaths,
  files: readonly CommittedFile[],
): Promise<void> {
  await makeReady(fs, target, paths, files);
  await makeWay(fs, target, paths);
  await fs.rename(paths.ready, paths.target);
  await fs.syncDirectory(paths.parent);
}

/** Where a late call took it for an earlier output and moved it aside, it comes back. */
async function isShown(fs: OutputFiles, target: OutputTarget, paths: OutputPaths): Promise<boolean> {
  if (await isMarkedBy(fs, paths.target, target)) return true;
  if (!(await isMarkedBy(fs, paths.old, target))) return false;
  await fs.rename(paths.old, paths.target).catch((error: unknown) => {
    // Whoever moved it puts it back, too.
    if (!mayBeAnothers(error)) throw error;
  });
  return isMarkedBy(fs, paths.target, target);
}

/** What comes of somebody else's moving the same files at the time: nothing is there any more, or something is already. */
const CODES_OF_MOVES: ReadonlySet<string> = new Set([
  ...["ENOENT", "ENOTEMPTY", "EEXIST"],
  ...["OUTPUT_FAILED", "OUTPUT_EXISTS"],
]);
const mayBeAnothers = (error: unknown): boolean => CODES_OF_MOVES.has(outputErrorCode(error));

/** Deletes what an unfinished job left, and puts back the earlier output if it had been moved out of the way. */
export async function discardOutput(fs: OutputFiles, target: OutputTarget): Promise<void> {
  const paths = outputPathsOf(target);
  const movedAside = (await fs.kind(paths.old)) === "directory" && (await fs.kind(paths.target)) === "none";
  if (movedAside) await fs.rename(paths.old, paths.target);
  await sweep(fs, target, paths);
}

async function makeReady(
  fs: OutputFiles,
  target: OutputTarget,
  { ready, staging }: OutputPaths,
  files: readonly CommittedFile[],
): Promise<void> {
  await fs.makeDirectory(ready);
  for (const { staged, name, bytes } of files) {
    const from = join(staging, staged);
    const to = join(ready, name);
    const found = await fs.fileBytes(from);
    const moved = found === undefined ? await fs.fileBytes(to) : undefined;
    if ((found ?? moved) !== bytes) throw lostFile(target.directory, from, found ?? moved, bytes);
    if (found !== undefined) await fs.rename(from, to);
  }
  const expected = new Set([MARKER_NAME, ...files.map((file) => file.name)]);
  for (const name of (await fs.entries(ready)) ?? []) {
    if (!expected.has(name)) await fs.removeFile(join(ready, name));
  }
  await fs.writeText(join(ready, MARKER_NAME), markerText(target, files));
  await fs.syncDirectory(ready);
}

async function makeWay(fs: OutputFiles, target: OutputTarget, paths: OutputPaths): Promise<void> {
  const kind = await fs.kind(paths.target);
  if (kind === "none") return;
  if (!target.overwrite || kind !== "directory") {
    throw outputExists(
      paths.target,
      "appeared while the job ran. Move it elsewhere and resume the job: its results are kept.",
    );
  }
  await refuseForeign(fs, paths.target);
  if (await isMarkedBy(fs, paths.old, target)) return;
  await removeFlat(fs, paths.old);
  if (await isMarkedBy(fs, paths.target, target)) return;
  await fs.rename(paths.target, paths.old);
  await fs.syncDirectory(paths.parent);
}

async function sweep(fs: OutputFiles, target: OutputTarget, paths: OutputPaths): Promise<void> {
  const { staging, ready, old, parent } = paths;
  const present = [];
  for (const path of [staging, ready, old]) if ((await fs.kind(path)) !== "none") present.push(path);
  for (const path of present) {
    if (path === old && (await isMarkedBy(fs, old, target))) await isShown(fs, target, paths);
    else await removeFlat(fs, path);
  }
  if (present.length > 0) await fs.syncDirectory(parent);
}

/**
 * Our directories hold files only. The marker goes last, so that a half-deleted one is still known; whatever somebody
 * put there in the meantime and is no file stays.
 */
async function removeFlat(fs: OutputFiles, directory: string): Promise<void> {
  const names = await fs.entries(directory);
  if (names === undefined) return;
  const last = names.filter((name) => name === MARKER_NAME);
  for (const name of [...names.filter((name) => name !== MARKER_NAME), ...last]) {
    const path = join(directory, name);
    if ((await fs.kind(path)) !== "directory") await fs.removeFile(path);
  }
  await fs.removeDirectory(directory);
}

function lostFile(directory: string, path: string, found: number | undefined, bytes: number): BicoastalError {
  const what = found === undefined ? "is missing" : `has ${found} bytes instead of ${bytes}`;
  return outputFailed(
    directory,
    `The output ${directory} cannot be completed: its staged file ${path} ${what}. It was changed from outside; run the job anew.`,
  );
}
