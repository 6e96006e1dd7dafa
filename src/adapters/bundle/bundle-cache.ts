/**
 * Remembers which bundle came of a job's file, so that a run whose sources are as they were neither loads nor runs
 * esbuild. What is remembered is only a hint: the bundle itself is stored by its hash, and without it, or with
 * anything changed, the job is bundled again.
 *
 * A bundle depends on more than the files in it. What is looked at:
 * - the text of the project's own files, of every package.json and tsconfig.json beside or above them, up to the
 *   project's root, and of what such a tsconfig.json extends;
 * - size and time of change of files of installed packages, and of their package.json;
 * - the names of modules in the project's own directories: a new `a.ts` takes the place of `a.js`. New directories
 *   never take the place of a file, but for `node_modules`.
 */
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join, resolve, sep } from "node:path";
import { threadId } from "node:worker_threads";
import type { ContentHash } from "../../base/ids.ts";
import type { Bundle } from "./bundle-job.ts";

/** Changes with what `bundleJob` makes of the same sources. */
const FORMAT = 1;

export interface BundleCacheOptions {
  /** Absolute; made when needed. */
  readonly directory: string;
  /** The names "bicoastal" exports: they stand in every bundle. */
  readonly apiNames: readonly string[];
  /** A stored bundle; undefined where it is not there, or damaged. */
  readonly fetch: (hash: ContentHash) => Promise<Uint8Array | undefined>;
}

export interface BundleCache {
  /** The bundle that bundling the file now would give; undefined where that is not certain. */
  find(entry: string): Promise<Bundle | undefined>;
  /** For a bundle that has just been made and stored. A cache that cannot be written is none. */
  keep(entry: string, bundle: Bundle): Promise<void>;
}

interface Kept {
  readonly hash: ContentHash;
  readonly root: string;
  readonly inputs: readonly string[];
  /** What stood for the sources when they were bundled. */
  readonly sources: string;
}

export function createBundleCache({ directory, apiNames, fetch }: BundleCacheOptions): BundleCache {
  // By the file itself: a link may lead elsewhere tomorrow.
  const placeOf = async (entry: string): Promise<string> =>
    join(directory, `${hashOf([String(FORMAT), await realpath(entry), ...apiNames]).slice(0, 32)}.json`);
  return {
    async find(entry) {
      const kept = await placeOf(entry).then(readKept, () => undefined);
      if (kept === undefined || (await sourcesOf(kept)) !== kept.sources) return undefined;
      const { hash, root, inputs } = kept;
      const code = await fetch(hash);
      return code === undefined ? undefined : { hash, root, inputs, code };
    },
    async keep(entry, { hash, root, inputs }) {
      const sources = await sourcesOf({ root, inputs });
      if (sources === undefined) return;
      const kept: Kept = { hash, root, inputs, sources };
      const path = await placeOf(entry);
      const draft = `${path}.${process.pid}-${threadId}.tmp`;
      try {
        await mkdir(directory, { recursive: true });
        await writeFile(draft, JSON.stringify(kept));
        await rename(draft, path);
      } catch {
        await rm(draft, { force: true }).catch(() => {});
      }
    },
  };
}

async function readKept(path: string): Promise<Kept | undefined> {
  try {
    const { hash, root, inputs, sources } = JSON.parse(await readFile(path, "utf8")) as Partial<Kept>;
    const isWhole =
      [hash, root, sources].every((text) => typeof text === "string") &&
      Array.isArray(inputs) &&
      inputs.every((input) => typeof input === "string");
    return isWhole ? ({ hash, root, inputs, sources } as Kept) : undefined;
  } catch {
    return undefined;
  }
}

/** One text for all that the bundle of these inputs depends on; undefined where that cannot be told. */
async function sourcesOf({ root, inputs }: Pick<Kept, "root" | "inputs">): Promise<string | undefined> {
  const own = inputs.filter((path) => !isInstalled(path));
  const installed = inputs.filter(isInstalled);
  const directories = directoriesOf(own, root);
  try {
    const facts = await Promise.all([
      ...own.map(contentOf),
      ...directories.map(namesIn),
      ...directories.map((directory) => contentIfThere(join(directory, "package.json"))),
      ...directories.map((directory) => tsconfigAt(join(directory, "tsconfig.json"))),
      ...[...installed, ...packagesOf(installed)].map(stampOf),
    ]);
    return hashOf(facts);
  } catch {
    return undefined;
  }
}

const isInstalled = (path: string): boolean => path.includes(`${sep}node_modules${sep}`);

/** The files' directories, and those above them as far as the root, or the top. */
function directoriesOf(files: readonly string[], root: string): readonly string[] {
  const found = new Set<string>([root]);
  for (const file of files) {
    for (let at = dirname(file); !found.has(at); at = dirname(at)) found.add(at);
  }
  return [...found].sort();
}

/** The package.json of each package that a file is of. */
function packagesOf(files: readonly string[]): readonly string[] {
  const found = new Set<string>();
  for (const file of files) {
    const parts = file.split(sep);
    const at = parts.lastIndexOf("node_modules") + 1;
    const end = parts[at]?.startsWith("@") === true ? at + 2 : at + 1;
    found.add([...parts.slice(0, end), "package.json"].join(sep));
  }
  return [...found].sort();
}

async function contentOf(path: string): Promise<string> {
  return `${path} ${hashOf([await readFile(path, "utf8")])}`;
}

const contentIfThere = (path: string): Promise<string> => contentOf(path).catch(() => `${path} -`);

async function stampOf(path: string): Promise<string> {
  const { size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
  return `${path} ${size} ${mtimeNs} ${ctimeNs}`;
}

const MODULE_NAME = /\.(?:[cm]?[jt]sx?|json)$|^node_modules$/;

async function namesIn(directory: string): Promise<string> {
  const names = (await readdir(directory)).filter((name) => MODULE_NAME.test(name));
  // What is installed at the top of a package's own directory shows in the time of `node_modules`.
  const installed = names.includes("node_modules") ? await stampOf(join(directory, "node_modules")) : "";
  return `${directory} ${names.sort().join(" ")} ${installed}`;
}

const EXTENDS = /"extends"\s*:\s*("[^"]*"|\[)/;

/** Throws where the file takes options from a place that is not a file beside it. */
async function tsconfigAt(path: string): Promise<string> {
  const text = await readFile(path, "utf8").catch(() => undefined);
  if (text === undefined) return `${path} -`;
  const extended = EXTENDS.exec(text)?.[1];
  if (extended === undefined) return `${path} ${hashOf([text])}`;
  const target = extended.slice(1, -1);
  if (!target.startsWith(".")) throw new Error(`${path} extends a package`);
  const file = resolve(dirname(path), target.endsWith(".json") ? target : `${target}.json`);
  return `${path} ${hashOf([text])} ${await tsconfigAt(file)}`;
}

const hashOf = (texts: readonly string[]): string =>
  createHash("sha256").update(JSON.stringify(texts)).digest("hex");
