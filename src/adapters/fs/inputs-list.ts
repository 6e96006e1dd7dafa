import { constants, type Stats } from "node:fs";
import { access, lstat, readdir, readlink, realpath, stat } from "node:fs/promises";
import { basename, join, parse, resolve } from "node:path";
import type { InputFile } from "../../plan/task.ts";
import { inputError, isAbsent, notFound, showPath, unreadable } from "./inputs-errors.ts";
import { MARKER_NAME } from "./outputs-marker.ts";

/** Files looked at side by side: enough to hide the disk's latency, few enough for any limit on open files. */
const LOOKUPS_AT_ONCE = 64;

/**
 * `Inputs.list` for a file system. Relative patterns start at `cwd`. A file that symbolic links give several
 * paths is listed once, at the first of them.
 */
export async function listFiles(patterns: readonly string[], cwd: string): Promise<readonly InputFile[]> {
  if (patterns.length === 0) {
    throw notFound("", "No input is named: the list of paths is empty. Name a file, a directory or a glob.");
  }
  const paths = new Set<string>();
  for (const pattern of patterns) {
    for (const path of await pathsOf(pattern, cwd)) paths.add(path);
  }
  // By code units, which is what `sort` does without a comparator: the same order under every locale.
  const sorted = [...paths].sort();
  const files = new Map<string, InputFile>();
  for (let at = 0; at < sorted.length; at += LOOKUPS_AT_ONCE) {
    const found = await Promise.all(sorted.slice(at, at + LOOKUPS_AT_ONCE).map(describe));
    for (const { real, file } of found) if (!files.has(real)) files.set(real, file);
  }
  return [...files.values()];
}

/** What one pattern names. A path that exists is meant literally, whatever characters it has. */
async function pathsOf(pattern: string, cwd: string): Promise<readonly string[]> {
  if (pattern === "") {
    throw notFound(pattern, "An input path is empty. Name a file, a directory or a glob.");
  }
  if (pattern.includes("\0")) {
    throw notFound(
      pattern,
      `The input path ${showPath(pattern)} has a NUL character, which no file name can have.`,
    );
  }
  const path = resolve(cwd, pattern);
  if (await exists(path)) return (await follow(path)).isDirectory() ? filesBelowGiven(path) : [path];
  return globFiles(pattern, path, cwd);
}

async function globFiles(pattern: string, path: string, cwd: string): Promise<readonly string[]> {
  if (pattern.startsWith("!") && !pattern.startsWith("!(")) {
    throw notFound(
      pattern,
      `The input path ${showPath(pattern)} begins with "!", but patterns only name files to read. ` +
        "Leave files out with a narrower glob, such as dir/!(a|b).txt.",
    );
  }
  // Not loaded for a path that exists.
  const { glob, isDynamicPattern } = await import("tinyglobby");
  if (!isDynamicPattern(pattern)) {
    throw notFound(
      pattern,
      `There is no file or directory ${showPath(path)}. Correct the path, or put it there.`,
    );
  }
  let found: readonly string[];
  try {
    const from = startOf(pattern, cwd);
    found = await glob(from.pattern, {
      cwd: from.directory,
      absolute: true,
      onlyFiles: true,
      expandDirectories: false,
    });
  } catch (thrown) {
    throw inputError(thrown, pattern);
  }
  const files = found.map((match) => resolve(match)).filter((match) => !isMarker(match));
  if (files.length > 0) return files;
  throw notFound(
    pattern,
    `No file matches ${showPath(pattern)} (looked from ${showPath(cwd)}). ` +
      "A glob names files, not directories: end it with /** for everything below.",
  );
}

/** The library takes `../**` to leave out the directory it starts from, so it starts where the wildcards can. */
function startOf(pattern: string, cwd: string): { readonly directory: string; readonly pattern: string } {
  const root = parse(pattern).root;
  if (root !== "") return { directory: root, pattern: pattern.slice(root.length) };
  const [upwards] = /^(?:\.{1,2}\/+)*/.exec(pattern) as RegExpExecArray;
  return { directory: resolve(cwd, upwards), pattern: pattern.slice(upwards.length) };
}

async function filesBelowGiven(directory: string): Promise<readonly string[]> {
  const found: string[] = [];
  await filesBelow(directory, new Set(), found);
  if (found.length > 0) return found;
  throw notFound(
    directory,
    `The directory ${showPath(directory)} has no files (names with a leading dot are left out). Name another one.`,
  );
}

/**
 * Symbolic links are followed, as people build input directories out of them. A link back to a directory above
 * itself is passed over, so that the walk ends.
 */
async function filesBelow(directory: string, above: ReadonlySet<string>, found: string[]): Promise<void> {
  const real = await realpath(directory).catch((thrown) => Promise.reject(inputError(thrown, directory)));
  if (above.has(real)) return;
  const inside = new Set(above).add(real);
  const entries = await readdir(directory, { withFileTypes: true }).catch((thrown) =>
    Promise.reject(inputError(thrown, directory)),
  );
  for (const entry of entries) {
    if (entry.name.startsWith(".") || isMarker(entry.name)) continue;
    const path = join(directory, entry.name);
    const isDirectory = entry.isSymbolicLink() ? (await follow(path)).isDirectory() : entry.isDirectory();
    if (isDirectory) await filesBelow(path, inside, found);
    else found.push(path);
  }
}

/** What a job wrote is read back without the file that says so, unless somebody names just that. */
const isMarker = (path: string): boolean => basename(path) === MARKER_NAME;

/** Size and time of a file that can be read, and where it really is; an error for everything else. */
async function describe(path: string): Promise<{ readonly real: string; readonly file: InputFile }> {
  const stats = await follow(path);
  if (!stats.isFile()) {
    throw unreadable(
      path,
      `${showPath(path)} is ${kindOf(stats)}, not a regular file, so it cannot be read in parts or a second time. ` +
        "Save its content to a file, and name that.",
    );
  }
  await access(path, constants.R_OK).catch((thrown) => Promise.reject(inputError(thrown, path)));
  const real = await realpath(path).catch((thrown) => Promise.reject(inputError(thrown, path)));
  return { real, file: { path, sizeBytes: stats.size, mtimeMs: Math.floor(stats.mtimeMs) } };
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (thrown) {
    if (isAbsent(thrown)) return false;
    throw inputError(thrown, path);
  }
}

/** `stat`, which says of a dangling symbolic link what it is. */
async function follow(path: string): Promise<Stats> {
  try {
    return await stat(path);
  } catch (thrown) {
    if (path.includes("\uFFFD") && isAbsent(thrown)) {
      throw unreadable(
        path,
        `There is no ${showPath(path)}: a file name that is not UTF-8 cannot be opened by it. Rename the file.`,
      );
    }
    const target = await readlink(path).catch(() => undefined);
    if (target === undefined || !isAbsent(thrown)) throw inputError(thrown, path);
    throw unreadable(
      path,
      `${showPath(path)} is a symbolic link to ${showPath(target)}, which does not exist. Mend or remove the link.`,
    );
  }
}

function kindOf(stats: Stats): string {
  if (stats.isDirectory()) return "a directory";
  if (stats.isFIFO()) return "a pipe";
  if (stats.isSocket()) return "a socket";
  return "a device";
}
