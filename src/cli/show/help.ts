/** Help texts. */
import type { ParamFlag, ParamsDescription } from "../../api/param-flag.ts";
import type { OwnOption } from "../input/options.ts";
import type { Output } from "../io.ts";
import { escapeText } from "./escape.ts";
import { displayWidth, padToWidth, truncateToWidth } from "./width.ts";

/** Terms wider than this get a line of their own. */
const TERM_WIDTH_MAX = 28;
const WIDTH_DEFAULT = 100;
const WIDTH_MIN = 40;
const DEFAULT_WIDTH_MAX = 60;

export interface HelpEntry {
  readonly term: string;
  readonly text: string;
}

export interface HelpSection {
  readonly title: string;
  readonly entries: readonly HelpEntry[];
}

export interface HelpPage {
  readonly usage: string;
  readonly about: string;
  readonly sections: readonly HelpSection[];
  /** Lines at the end. */
  readonly notes?: readonly string[];
}

export function renderHelp(page: HelpPage, output: Output): string {
  const width = Math.max(WIDTH_MIN, output.columns ?? WIDTH_DEFAULT);
  const lines = [`${output.style("bold", "Usage:")} ${page.usage}`, "", ...wrap(page.about, width)];
  for (const { title, entries } of page.sections) {
    if (entries.length === 0) continue;
    lines.push("", output.style("bold", `${title}:`), ...renderEntries(entries, width));
  }
  if (page.notes !== undefined) lines.push("", ...page.notes.flatMap((note) => wrap(note, width)));
  return `${lines.join("\n")}\n`;
}

function renderEntries(entries: readonly HelpEntry[], width: number): string[] {
  const terms = entries.map(({ term }) => displayWidth(term)).filter((cells) => cells <= TERM_WIDTH_MAX);
  const column = Math.max(8, ...terms) + 4;
  return entries.flatMap(({ term, text }) => {
    const [first = "", ...rest] = wrap(text, Math.max(20, width - column));
    const head = `  ${term}`;
    const indented = rest.map((line) => " ".repeat(column) + line);
    if (displayWidth(term) > TERM_WIDTH_MAX) {
      return [head, `${" ".repeat(column)}${first}`.trimEnd(), ...indented];
    }
    return [`${padToWidth(head, column, "left")}${first}`.trimEnd(), ...indented];
  });
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (displayWidth(longer) > width && line !== "") {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  return [...lines, line];
}

export const optionEntries = (options: readonly OwnOption[]): HelpEntry[] =>
  options.map(({ name, placeholder, help }) => ({
    term: placeholder === undefined ? `--${name}` : `--${name} ${placeholder}`,
    text: help,
  }));

/** A job's own flags, with their types and defaults. */
export function flagEntries(params: ParamsDescription): HelpEntry[] {
  const entries = params.flags.map((flag) => ({ term: flagTerm(flag), text: flagText(flag) }));
  if (params.open)
    entries.push({ term: "--NAME VALUE", text: "any other param that the job's schema takes" });
  return entries;
}

const PLACEHOLDERS: Readonly<Record<ParamFlag["type"], string>> = {
  string: "TEXT",
  number: "NUMBER",
  boolean: "",
  "string[]": "TEXT …",
  "number[]": "NUMBER …",
  "boolean[]": "true|false …",
  json: "JSON",
  any: "VALUE",
};

function flagTerm(flag: ParamFlag): string {
  if (flag.type === "boolean") return `--[no-]${flag.flag}`;
  const choices = flag.choices?.map(escapeText).join("|");
  const placeholder =
    choices !== undefined && choices.length <= TERM_WIDTH_MAX ? choices : PLACEHOLDERS[flag.type];
  return `--${flag.flag} ${placeholder}`;
}

function flagText(flag: ParamFlag): string {
  const parts: string[] = [];
  if (flag.description !== undefined) parts.push(escapeText(flag.description));
  if (flag.type.endsWith("[]")) parts.push("give it again for each item");
  const choices = flag.choices?.map(escapeText).join("|");
  if (choices !== undefined && choices.length > TERM_WIDTH_MAX)
    parts.push(`one of ${choices.replaceAll("|", ", ")}`);
  if (flag.required) parts.push("(required)");
  else if (flag.default !== undefined) {
    parts.push(`(default: ${truncateToWidth(escapeText(JSON.stringify(flag.default)), DEFAULT_WIDTH_MAX)})`);
  }
  return parts.join(" ");
}
