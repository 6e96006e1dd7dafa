/** The command line of `npm run chaos`: `--minutes M`, `--seed S`, `--only KIND,KIND`, `--lease MS`, `--json`, `--write-docs`, `--list`. */
import { randomBytes } from "node:crypto";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { figuresOf, withFigures } from "./report.ts";
import { runChaos } from "./run-chaos.ts";
import { FAULT_KINDS, type FaultKind } from "./schedule.ts";

const MINUTES_DEFAULT = "3";
const LEASE_MS_DEFAULT = "2000";
const LEASE_MS_MIN = 1_000;
const SEED_BYTES = 4;

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: MINUTES_DEFAULT },
    seed: { type: "string" },
    only: { type: "string" },
    lease: { type: "string", default: LEASE_MS_DEFAULT },
    json: { type: "boolean", default: false },
    "write-docs": { type: "boolean", default: false },
    list: { type: "boolean", default: false },
  },
});

function wrong(message: string): never {
  console.error(message);
  process.exit(2);
}
function numberOf(option: string, text: string, min: number): number {
  const value = Number(text);
  return value >= min && Number.isFinite(value)
    ? value
    : wrong(`--${option} is "${text}"; it must be ${min} or more.`);
}
function kindsOf(text: string | undefined): readonly FaultKind[] | undefined {
  return text?.split(",").map((name) => {
    const kind = FAULT_KINDS.find((one) => one === name.trim());
    return kind ?? wrong(`--only has "${name}"; --list shows the kinds of faults.`);
  });
}

if (values.list) {
  console.log(FAULT_KINDS.join("\n"));
  process.exit(0);
}
const root = process.env.BICOASTAL_CHAOS_ROOT ?? process.cwd();
// This file was made for this run, which may be killed.
rmSync(process.argv[1] ?? "", { force: true });
const minutes = numberOf("minutes", values.minutes, 0.1);
const leaseMs = numberOf("lease", values.lease, LEASE_MS_MIN);
const only = kindsOf(values.only);
const seed = values.seed ?? randomBytes(SEED_BYTES).toString("hex");
const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    // The second one ends it at once; what it started ends with it, and the watchdog clears the rest away.
    if (stop.signal.aborted) process.exit(1);
    console.error(`${signal}: no further faults; once more ends it at once`);
    stop.abort();
  });
}
// Whoever started this has gone without a word.
process.stdin.on("end", () => process.exit(1)).resume();
const say = (line: string): void => console.error(line);
const again = `npm run chaos -- --minutes ${values.minutes} --seed ${seed}${values.only === undefined ? "" : ` --only "${values.only}"`}`;
say(`chaos: seed ${seed}`);
const report = await runChaos({ seed, minutes, leaseMs, only, root, say, signal: stop.signal });
console.log(values.json ? JSON.stringify(report) : `\n${figuresOf(report)}`);
if (report.problems.length > 0) {
  for (const problem of report.problems) console.error(`WRONG ${problem}`);
  console.error(
    `chaos: seed ${seed} found ${report.problems.length} problems. To repeat its faults and jobs in their order: ${again}`,
  );
  process.exit(1);
}
if (values["write-docs"]) {
  const page = join(root, "docs", "reliability.md");
  writeFileSync(page, withFigures(readFileSync(page, "utf8"), report));
}
say(`chaos: seed ${seed}, nothing lost, nothing doubled, nothing left`);
// What a library keeps open must not keep this open.
process.exit(0);
