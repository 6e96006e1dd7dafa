import { isAbsolute, join } from "node:path";
import type { BuildFailure, Message } from "esbuild";
import { BicoastalError } from "../../base/errors.ts";

/** More problems than these are not shown at once: the first is usually the cause of the others. */
const PROBLEMS_SHOWN_MAX = 5;

/** Says where the user's module does not bundle, in esbuild's words, and what to do about it. */
export function bundleFailure(
  thrown: unknown,
  entry: string,
  root: string,
  apiNames: readonly string[],
): BicoastalError {
  const problems = isBuildFailure(thrown) ? thrown.errors : [];
  const first = problems[0];
  if (first === undefined) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    return new BicoastalError("BUNDLE_FAILED", `Cannot bundle ${entry}: ${reason}`, {
      cause: thrown,
      details: { file: entry },
    });
  }
  const shown = problems.slice(0, PROBLEMS_SHOWN_MAX).map((problem) => describe(problem, root, apiNames));
  const left = problems.length - shown.length;
  const more = left > 0 ? [`… and ${left} more.`] : [];
  const place = first.location;
  return new BicoastalError("BUNDLE_FAILED", [`Cannot bundle ${entry}:`, ...shown, ...more].join("\n"), {
    details:
      place === null
        ? { file: entry }
        : { file: absolute(place.file, root), line: place.line, column: place.column + 1 },
  });
}

function describe(problem: Message, root: string, apiNames: readonly string[]): string {
  const place = problem.location;
  const { text, next } = reword(problem.text, apiNames);
  const lines =
    place === null ? [text] : [`${absolute(place.file, root)}:${place.line}:${place.column + 1}: ${text}`];
  if (place !== null && place.lineText.trim() !== "")
    lines.push(`    ${place.lineText.trim().slice(0, 200)}`);
  if (next !== undefined) lines.push(`  ${next}`);
  return lines.join("\n");
}

/** esbuild's text, where it is clear to somebody who never heard of esbuild; and the next step, where we know it. */
function reword(text: string, apiNames: readonly string[]): { text: string; next?: string } {
  const unresolved = /^Could not resolve "([^"]+)"/.exec(text)?.[1];
  if (unresolved !== undefined) return { text, next: nextForUnresolved(unresolved) };
  const missing = /^No matching export in "bicoastal-api:bicoastal" for import "([^"]+)"/.exec(text)?.[1];
  if (missing !== undefined) {
    return {
      text: `"bicoastal" has no export "${missing}"`,
      next: `It exports: ${[...apiNames].sort().join(", ")}.`,
    };
  }
  if (/^No loader is configured for "\.node" files/.test(text)) {
    return {
      text,
      next: "A native addon cannot travel in a bundle: use a package in plain JavaScript or WebAssembly instead.",
    };
  }
  const loader = /^No loader is configured for "([^"]*)" files/.exec(text)?.[1];
  if (loader !== undefined) {
    return {
      text,
      next: "Only code, .json and .txt can be imported; read other files as an input of the job.",
    };
  }
  return { text };
}

function nextForUnresolved(specifier: string): string {
  if (specifier.startsWith(".") || specifier.startsWith("/")) {
    return "No such file: check the path and its extension.";
  }
  if (specifier.startsWith("#")) return `Check "imports" in your package.json.`;
  const parts = specifier.split("/");
  const name = specifier.startsWith("@") ? parts.slice(0, 2).join("/") : parts[0];
  return `If it is a package: npm install ${name}`;
}

const absolute = (file: string, root: string): string => (isAbsolute(file) ? file : join(root, file));

function isBuildFailure(thrown: unknown): thrown is BuildFailure {
  return thrown instanceof Error && Array.isArray((thrown as Partial<BuildFailure>).errors);
}
