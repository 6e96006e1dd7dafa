/** House rules on the text of every file that is in the repository. */
import { posix } from "node:path";
import type { Violation } from "./project-files.ts";

/** Places on the machine of whoever wrote a file, and registries, mean nothing on another machine. */
const machineBound: readonly (readonly [RegExp, string])[] = [
  [/(?<![\w.-])\/(?:work|workspace|builds|srv)\/[A-Za-z.]/, "a path of one machine"],
  // Examples of paths need some name; these three are nobody's.
  [/(?<![\w.-])\/(?:home|Users)\/(?!(?:x|me|user)\/)[\w.-]+\//, "a path of one machine"],
  [/(?<![\w.-])\/root\/[A-Za-z.]/, "a path of one machine"],
  [/[A-Z]:\\Users\\/, "a path of one machine"],
  [/\bregistry\.[a-z0-9-]+\.[a-z]{2,}/i, "a registry's address"],
  [/"resolved"\s*:/, "where a package was fetched from"],
  [/^\s*(?:@[\w-]+:)?registry\s*=/, "a registry's address"],
];

export function checkMachineBound(file: string, text: string): readonly Violation[] {
  return text.split("\n").flatMap((line, index) => {
    const found = machineBound.find(([pattern]) => pattern.test(line));
    return found === undefined
      ? []
      : [{ file, line: index + 1, what: `has ${found[1]}: ${line.trim().slice(0, 80)}` }];
  });
}

/** Relative links of a Markdown file: `[text](target)` and images; links to other sites are not followed. */
function linksOf(text: string): readonly { readonly target: string; readonly line: number }[] {
  const withoutCode = text
    .replace(/^```[\s\S]*?^```/gm, (block) => block.replace(/[^\n]/g, ""))
    .replace(/`[^`\n]*`/g, "");
  return withoutCode
    .split("\n")
    .flatMap((line, index) =>
      [...line.matchAll(/\]\(([^)\s]+)\)/g)]
        .map((match) => ({ target: match[1] ?? "", line: index + 1 }))
        .filter(({ target }) => !/^[a-z]+:/.test(target)),
    );
}

/** The name a heading is linked by, as code hosts derive it. */
const slugOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/`/g, "")
    .replace(/[^\p{L}\p{N} _-]/gu, "")
    .replace(/ /g, "-");

export const headingsOf = (text: string): readonly string[] =>
  [...text.replace(/^```[\s\S]*?^```/gm, "").matchAll(/^#{1,6} +(.+?) *$/gm)].map((match) =>
    slugOf(match[1] ?? ""),
  );

/** Links to files that are not there, or to headings that their file does not have. `read` gives undefined for no file. */
export function checkLinks(
  file: string,
  text: string,
  read: (path: string) => string | undefined,
): readonly Violation[] {
  return linksOf(text).flatMap(({ target, line }) => {
    const [path = "", anchor] = target.split("#");
    const full = path === "" ? file : posix.join(posix.dirname(file), path);
    const linked = path === "" ? text : read(full);
    if (linked === undefined) return [{ file, line, what: `links to ${target}, which is not there` }];
    if (anchor === undefined || headingsOf(linked).includes(anchor)) return [];
    return [{ file, line, what: `links to #${anchor}, a heading that ${full} does not have` }];
  });
}
