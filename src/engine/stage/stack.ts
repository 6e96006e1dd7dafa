/**
 * Finds the user's own lines in a stack trace. Source maps are on in every process that runs tasks, so frames
 * already name the user's TypeScript.
 */

/** Loops that Bicoastal generates carry this in their `sourceURL`; whatever lies below such a frame is ours. */
export const GENERATED_PREFIX = "bicoastal-stage-";

const FRAMES_MAX = 20;

export interface UserStack {
  /** Frames of the user's code, innermost first, each as in the trace. */
  readonly frames: readonly string[];
  /** `/home/x/job.ts:12:5` of the innermost line outside of `node_modules`; undefined where there is none. */
  readonly source: string | undefined;
}

/** The frames that stand above the generated loop, without Node's and Bicoastal's own. */
export function userStackOf(stack: string | undefined): UserStack {
  const frames: string[] = [];
  const sources: string[] = [];
  for (const line of (stack ?? "").split("\n")) {
    if (!/^\s+at /.test(line)) continue;
    // Functions of a stage are synchronous: what waits for them is the engine, and whoever started it.
    if (line.includes(GENERATED_PREFIX) || /^\s+at async /.test(line)) break;
    const source = sourceOf(line);
    if (source !== undefined && isOwn(source)) continue;
    if (source === undefined && line.includes("node:")) continue;
    if (source !== undefined) sources.push(source);
    if (frames.length < FRAMES_MAX) frames.push(line);
  }
  const source = sources.find((text) => !text.includes("/node_modules/")) ?? sources[0];
  return { frames: sources.length === 0 ? [] : frames, source };
}

/** `path:line:column` of a frame in a file. */
function sourceOf(frame: string): string | undefined {
  const found = /(?:^|[\s(])((?:file:\/\/|\/|[A-Za-z]:[\\/]).*?):(\d+):(\d+)\)?\s*$/.exec(frame);
  if (found === null) return undefined;
  return `${pathOf(found[1]!)}:${found[2]}:${found[3]}`;
}

function pathOf(location: string): string {
  if (!location.startsWith("file://")) return location;
  try {
    return decodeURIComponent(new URL(location).pathname).replace(/^\/([A-Za-z]:)/, "$1");
  } catch {
    return location;
  }
}

/** The package's own folder: of the sources in a checkout, of `dist` when installed. */
const packageRoot = /^(.*\/)(?:src|dist)\//.exec(pathOf(import.meta.url))?.[1];

/** Tests stand beside the code and play the user, so their frames are a user's. */
function isOwn(source: string): boolean {
  if (packageRoot === undefined || /\.test\.[cm]?[jt]s:/.test(source)) return false;
  return source.startsWith(`${packageRoot}src/`) || source.startsWith(`${packageRoot}dist/`);
}
