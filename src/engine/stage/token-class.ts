/** Which patterns are runs of one class of ASCII characters, so that their matches can be found in bytes. */
import type { TokenPattern } from "../../plan/node.ts";
import type { WordClass } from "../kernel/word-table.ts";

/**
 * `[...]+`, `\w+` or `\d+`. In the brackets stand printable ASCII characters, ranges of them, `\w`, `\d`, and escaped
 * punctuation: nothing that may mean a character beyond ASCII, or a line end. No `^` in front: all but a few
 * characters are most of Unicode.
 */
const RUN = /^(\\[wd]|\[(?!\^)(?:[ !-Z^-~]|\\[wd\-[\]\\^$.*+?(){}|/])+\])\+$/;
/** Unicode folds case otherwise ("K" is a letter for /[a-z]/iu), and sticky matches stop early. */
const PLAIN_FLAGS = /^[dgims]*$/;

/** Undefined where the pattern is any other. */
export function tokenClassOf({ source, flags }: TokenPattern): WordClass | undefined {
  const run = RUN.exec(source);
  if (run === null || !PLAIN_FLAGS.test(flags)) return undefined;
  const one = new RegExp(`^${run[1]}$`, flags.includes("i") ? "i" : "");
  const members = Array.from({ length: 128 }, (_, code) => one.test(String.fromCharCode(code)));
  return members.includes(true) ? { members, isLowered: false, joinsHigh: false } : undefined;
}
