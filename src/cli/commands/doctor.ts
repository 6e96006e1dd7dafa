import type { Command } from "../dependencies.ts";
import type { Finding } from "../doctor/finding.ts";
import { readOptionsOnly } from "../input/id-command-line.ts";
import { dataDirIn } from "../input/known-jobs.ts";
import { DOCTOR_OPTIONS, sessionOptionsOf } from "../input/options.ts";
import { withSettings } from "../input/settings.ts";
import { EXIT, type Look, type Output } from "../io.ts";
import { escapeText } from "../show/escape.ts";
import { renderHelp } from "../show/help.ts";
import { doctorHelp } from "../show/help-pages.ts";
import { toJsonLine } from "../show/json.ts";

export const command: Command = async ({ tokens, io, dependencies }) => {
  const options = await withSettings(readOptionsOnly(tokens, DOCTOR_OPTIONS), DOCTOR_OPTIONS, io);
  if (options.has("help")) {
    await io.stdout.write(renderHelp(doctorHelp, io.stdout));
    return EXIT.ok;
  }
  const { store, tls } = sessionOptionsOf(options);
  const findings = await dependencies.diagnose({
    dataDir: dataDirIn(options, io),
    ...(store === undefined ? {} : { store }),
    ...(tls === undefined ? {} : { tls }),
  });
  const lines = options.has("json")
    ? findings.map((finding) => toJsonLine(finding, `Finding ${finding.check}`))
    : findings.flatMap((finding) => linesOf(finding, io.stdout));
  await io.stdout.write(`${lines.join("\n")}\n`);
  return findings.some(({ level }) => level === "fail") ? EXIT.failed : EXIT.ok;
};

const LOOKS: Readonly<Record<Finding["level"], Look>> = { ok: "green", warn: "yellow", fail: "red" };
const LEVEL_WIDTH = 4;

function linesOf({ check, level, text, advice }: Finding, stdout: Output): readonly string[] {
  const mark = stdout.style(LOOKS[level], level.padEnd(LEVEL_WIDTH));
  const line = `${mark}  ${escapeText(check)}: ${escapeText(text)}`;
  return advice === undefined ? [line] : [line, `      ${escapeText(advice)}`];
}
