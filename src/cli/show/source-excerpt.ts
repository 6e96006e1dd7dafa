/** The user's own source line behind an error, with its neighbours and a mark. */
import { readFileSync, statSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { escapeText } from "./escape.ts";
import { displayWidth, truncateToWidth } from "./width.ts";

export interface SourcePlace {
  /** Absolute. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
}

/** A source file beyond this is generated, and its lines tell nobody anything. */
const SOURCE_BYTES_MAX = 2 * 1024 * 1024;
const FRAMES_MAX = 200;
const LINES_BEFORE = 2;
const LINES_AFTER = 1;
const LINE_WIDTH_MAX = 120;

/** The first frame of a stack that lies in the user's own code: not in Node, a package or Bicoastal itself. */
export function firstUserFrame(stack: string, ownRoot: string): SourcePlace | undefined {
  for (const line of stack.split("\n", FRAMES_MAX)) {
    const place = parseFrame(line);
    if (place === undefined) continue;
    const isOurs = place.file.startsWith(ownRoot) || /[\\/]node_modules[\\/]/.test(place.file);
    if (!isOurs) return place;
  }
  return undefined;
}

function parseFrame(line: string): SourcePlace | undefined {
  const match = /^\s+at (?:.*\()?(.+?):(\d{1,9}):(\d{1,9})\)?$/.exec(line);
  const [, where, lineNumber, column] = match ?? [];
  if (where === undefined || where.startsWith("node:") || where.includes("<anonymous>")) return undefined;
  const file = toPath(where.replace(/^async /, ""));
  return file === undefined ? undefined : { file, line: Number(lineNumber), column: Number(column) };
}

function toPath(where: string): string | undefined {
  if (where.startsWith("/") || /^[A-Za-z]:[\\/]/.test(where)) return where;
  if (!where.startsWith("file:")) return undefined;
  try {
    return fileURLToPath(where);
  } catch {
    return undefined;
  }
}

/** Lines to print; only the place where the file cannot be read or has changed since. */
export function excerptLines(place: SourcePlace, cwd: string): string[] {
  const shortPath = relative(cwd, place.file);
  const shown = shortPath.startsWith("..") ? place.file : shortPath;
  const title = `at ${escapeText(shown)}:${place.line}:${place.column}`;
  const source = readSource(place.file);
  const lines = source?.split(/\r?\n/);
  if (lines === undefined || lines[place.line - 1] === undefined) return [title];
  const from = Math.max(1, place.line - LINES_BEFORE);
  const to = Math.min(lines.length, place.line + LINES_AFTER);
  const numberWidth = String(to).length;
  const excerpt: string[] = [];
  for (let number = from; number <= to; number++) {
    const text = lines[number - 1] ?? "";
    // The blank last line of a file is no help.
    if (text.trim() === "" && number !== place.line) continue;
    const mark = number === place.line ? ">" : " ";
    excerpt.push(
      `${mark} ${String(number).padStart(numberWidth)} | ${truncateToWidth(plain(text), LINE_WIDTH_MAX)}`.trimEnd(),
    );
    if (number === place.line && place.column <= LINE_WIDTH_MAX) {
      const before = plain(text.slice(0, place.column - 1));
      excerpt.push(`  ${" ".repeat(numberWidth)} | ${" ".repeat(displayWidth(before))}^`);
    }
  }
  return [title, ...excerpt];
}

/** A tab becomes two blanks before the rest is escaped, so that the mark stands where it should. */
const plain = (text: string): string => escapeText(text.slice(0, LINE_WIDTH_MAX * 4).replaceAll("\t", "  "));

function readSource(file: string): string | undefined {
  try {
    const stats = statSync(file);
    return stats.isFile() && stats.size <= SOURCE_BYTES_MAX ? readFileSync(file, "utf8") : undefined;
  } catch {
    return undefined;
  }
}
