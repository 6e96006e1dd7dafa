/**
 * Makes one file of a job's module and all it imports: what travels to wherever its tasks run, named by its hash.
 *
 * The hash depends on the code alone. Every path in the bundle is relative to the project's root, the nearest
 * directory above the entry with a package.json, and links are followed first: two checkouts of one project give
 * the same bytes, wherever they lie, and linked package stores work. The map inside names the sources relative to
 * the root too; `BundleFiles` makes them absolute where the root is known.
 */
import { createHash } from "node:crypto";
import { realpath, stat } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import type { BuildResult } from "esbuild";
import { BicoastalError } from "../../base/errors.ts";
import { type ContentHash, contentHash } from "../../base/ids.ts";
import { bundleFailure } from "./bundle-failure.ts";
import { withInlineMap } from "./source-map.ts";
import { PATHS_MODULE, VIRTUAL_INPUT, virtualModules } from "./virtual-modules.ts";

export interface BundleOptions {
  /** The file that defines the job; absolute. TypeScript or JavaScript, ESM or CommonJS. */
  readonly entry: string;
  /** The names "bicoastal" exports. */
  readonly apiNames: readonly string[];
}

export interface Bundle {
  /** SHA-256 of `code`. */
  readonly hash: ContentHash;
  readonly code: Uint8Array;
  /** Every file that went into it; absolute, ascending. */
  readonly inputs: readonly string[];
  /** The project's root: what the paths in the bundle's source map are relative to. */
  readonly root: string;
}

/** Gives CommonJS dependencies their `require`: esbuild keeps this name free in ESM output. */
const BANNER =
  'import { createRequire as __bicoastalCreateRequire } from "node:module";\n' +
  "const require = __bicoastalCreateRequire(import.meta.url);";

/** Throws BUNDLE_FAILED with the place in the user's file. */
export async function bundleJob({ entry, apiNames }: BundleOptions): Promise<Bundle> {
  const file = await realFile(entry);
  const root = await projectRoot(dirname(file));
  let result: BuildResult<{ metafile: true; write: false }>;
  try {
    const { build } = await import("esbuild");
    result = await build({
      entryPoints: [relative(root, file)],
      absWorkingDir: root,
      // In the root, so that the map's sources are relative to it. Nothing is written.
      outfile: "job.mjs",
      write: false,
      bundle: true,
      format: "esm",
      platform: "node",
      target: "node20",
      sourcemap: "external",
      metafile: true,
      charset: "utf8",
      logLevel: "silent",
      banner: { js: BANNER },
      inject: [PATHS_MODULE],
      plugins: [virtualModules(apiNames)],
    });
  } catch (thrown) {
    throw bundleFailure(thrown, file, root, apiNames);
  }
  const textOf = (suffix: string) => result.outputFiles.find(({ path }) => path.endsWith(suffix))?.text ?? "";
  const code = new TextEncoder().encode(withInlineMap(textOf(".mjs"), textOf(".mjs.map")));
  const hash = contentHash(createHash("sha256").update(code).digest("hex"));
  return { hash, code, inputs: inputFiles(Object.keys(result.metafile.inputs), root), root };
}

/** Without the modules that are no files: esbuild writes those as `namespace:path`. */
const inputFiles = (inputs: readonly string[], root: string): readonly string[] =>
  inputs
    .filter((input) => !VIRTUAL_INPUT.test(input))
    .map((input) => resolve(root, input))
    .sort();

async function realFile(entry: string): Promise<string> {
  const file = await realpath(resolve(entry)).catch((cause: unknown) => {
    throw new BicoastalError(
      "BUNDLE_FAILED",
      `There is no file ${entry}: give the path of the job's module.`,
      {
        details: { file: entry },
        cause,
      },
    );
  });
  if ((await stat(file)).isFile()) return file;
  throw new BicoastalError("BUNDLE_FAILED", `${entry} is not a file: give the path of the job's module.`, {
    details: { file: entry },
  });
}

/** The nearest directory from here upwards with a package.json; this one where there is none. */
async function projectRoot(from: string): Promise<string> {
  for (let directory = from; ; directory = dirname(directory)) {
    const found = await stat(join(directory, "package.json")).catch(() => undefined);
    if (found?.isFile()) return directory;
    if (dirname(directory) === directory) return from;
  }
}
