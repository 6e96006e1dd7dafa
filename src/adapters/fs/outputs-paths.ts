import { homedir } from "node:os";
import { basename, dirname, join, parse, resolve, sep } from "node:path";
import type { OutputTarget } from "../../ports/outputs.ts";
import { outputFailed } from "./outputs-errors.ts";

/** File names end at 255 bytes on most systems; job ids take some of that. A character takes up to 4 bytes. */
const NAME_CHARS_MAX = 25;

/** Where one target's directories lie: all beside it, so that each can be renamed to another. */
export interface OutputPaths {
  readonly target: string;
  readonly parent: string;
  /** Files of attempts, not yet committed. */
  readonly staging: string;
  /** The committed files under their final names, until it becomes the target. */
  readonly ready: string;
  /** What the target held before. */
  readonly old: string;
}

/** Names start with a dot, so that neither people nor inputs see them. */
export function outputPathsOf({ job, endIndex, directory }: OutputTarget): OutputPaths {
  const target = resolve(directory);
  const parent = dirname(target);
  const name = [...basename(target)].slice(0, NAME_CHARS_MAX).join("");
  const staging = join(parent, `.${name}.bicoastal-${job}.${endIndex}`);
  return { target, parent, staging, ready: `${staging}.ready`, old: `${staging}.old` };
}

/** Throws for directories that nobody means to replace. */
export function refuseDangerous(target: string): void {
  const places = { "the working directory": process.cwd(), "your home directory": homedir() };
  if (parse(target).root === target)
    throw outputFailed(target, `${target} is the root of the file system.${ADVICE}`);
  for (const [what, place] of Object.entries(places)) {
    if (place === target) throw outputFailed(target, `The output ${target} is ${what}.${ADVICE}`);
    if (place.startsWith(`${target}${sep}`)) {
      throw outputFailed(target, `The output ${target} contains ${what}.${ADVICE}`);
    }
  }
}

const ADVICE = " An output directory is replaced as a whole: choose one of its own, such as ./out.";
