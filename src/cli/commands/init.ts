import { lstat, mkdir, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { showValue } from "../../api/show-value.ts";
import { BicoastalError } from "../../base/errors.ts";
import type { Command } from "../dependencies.ts";
import { projectFiles } from "../init-project.ts";
import { readIdCommandLine } from "../input/id-command-line.ts";
import { INIT_OPTIONS } from "../input/options.ts";
import { EXIT } from "../io.ts";
import { escapeText } from "../show/escape.ts";
import { renderHelp } from "../show/help.ts";
import { initHelp } from "../show/help-pages.ts";
import { packageVersion } from "../version.ts";

export const command: Command = async ({ tokens, io }) => {
  const { id: target = ".", options } = readIdCommandLine(tokens, INIT_OPTIONS);
  if (options.has("help")) {
    await io.stdout.write(renderHelp(initHelp, io.stdout));
    return EXIT.ok;
  }
  if (target === "" || target.includes("\0")) {
    throw new BicoastalError("USAGE", `${showValue(target)} is not the name of a directory.`);
  }
  const directory = resolve(io.cwd, target);
  const files = projectFiles(basename(directory), packageVersion());
  await refuseExisting(directory, [...files.keys()]);
  for (const [path, text] of files) await writeNew(join(directory, path), text);
  const place = relative(io.cwd, directory);
  const enter = place === "" ? [] : [`  cd ${/^[\w./-]+$/.test(place) ? place : JSON.stringify(place)}`];
  await io.stdout.write(
    [
      `wrote ${escapeText(place === "" ? "." : place)}: ${[...files.keys()].join(", ")}`,
      "",
      "Next:",
      ...enter.map(escapeText),
      "  npm install",
      "  npm start        # counts the words of data/",
      "  npm test         # checks types, then the job's result",
      "",
    ].join("\n"),
  );
  return EXIT.ok;
};

/** All names are looked at before anything is written, so that a refusal leaves nothing behind. */
async function refuseExisting(directory: string, paths: readonly string[]): Promise<void> {
  const existing: string[] = [];
  for (const path of paths) {
    if ((await lstat(join(directory, path)).catch(() => undefined)) !== undefined) existing.push(path);
  }
  if (existing.length === 0) return;
  throw new BicoastalError(
    "USAGE",
    `${existing.join(", ")} ${existing.length === 1 ? "is" : "are"} there already, and init overwrites nothing. Give another directory: bicoastal init DIR.`,
    { details: { directory, files: existing } },
  );
}

async function writeNew(path: string, text: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text, { flag: "wx" });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new BicoastalError("USAGE", `Cannot write ${path}: ${reason}.`, { details: { file: path }, cause });
  }
}
