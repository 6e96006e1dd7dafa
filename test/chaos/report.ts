/** The figures of a run, for people, for programs and for docs/reliability.md. */
import type { LeftOut } from "./abilities.ts";

export interface Distribution {
  readonly count: number;
  readonly median: number;
  readonly worst: number;
}

export interface ChaosReport {
  readonly seed: string;
  readonly minutes: number;
  readonly nodes: number;
  readonly regions: number;
  readonly members: number;
  readonly leaseMs: number;
  readonly jobs: number;
  readonly jobsByShape: Readonly<Record<string, number>>;
  readonly jobsPerMinute: number;
  readonly tasks: number;
  readonly epochs: number;
  readonly outputsLost: number;
  readonly jobSeconds: Distribution;
  /** How soon another node drove what a node had driven that was killed, frozen or cut off, in lease times. */
  readonly takeOverLeases: Distribution;
  readonly faults: Readonly<Record<string, number>>;
  /** Faults that found nobody to meet, by kind. */
  readonly missed: Readonly<Record<string, number>>;
  readonly attemptsFailed: Readonly<Record<string, number>>;
  readonly backups: number;
  readonly setAside: number;
  readonly leftOut: readonly LeftOut[];
  readonly problems: readonly string[];
}

export function distributionOf(values: readonly number[]): Distribution {
  const sorted = [...values].sort((a, b) => a - b);
  return { count: sorted.length, median: sorted[sorted.length >> 1] ?? 0, worst: sorted.at(-1) ?? 0 };
}

const sum = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((total, n) => total + n, 0);

const spread = ({ count, median, worst }: Distribution, unit: string): string =>
  count === 0 ? "none" : `${count}: median ${median.toFixed(1)}, worst ${worst.toFixed(1)} ${unit}`;

/** As a table in Markdown. */
export function figuresOf(report: ChaosReport): string {
  const rows: readonly (readonly [string, string | number])[] = [
    ["cluster", `${report.nodes} nodes in ${report.regions} regions, etcd of ${report.members}`],
    ["lease", `${report.leaseMs / 1000} s`],
    ["minutes", report.minutes.toFixed(1)],
    ["jobs, all with the oracle's rows and a log that holds", report.jobs],
    ["jobs a minute", report.jobsPerMinute.toFixed(1)],
    ["tasks", report.tasks],
    ["seconds from submission to results", spread(report.jobSeconds, "s")],
    ["faults", sum(report.faults)],
    ["drivers replaced", spread(report.takeOverLeases, "lease times")],
    ["drivers in all", report.epochs],
    ["outputs that were lost and made again", report.outputsLost],
    ["attempts that failed", sum(report.attemptsFailed)],
    ["second attempts of late tasks", report.backups],
    ["nodes set aside", report.setAside],
    ["problems", report.problems.length],
  ];
  const faults = Object.entries(report.faults).sort(([a], [b]) => (a < b ? -1 : 1));
  return [
    "| | |",
    "|---|---|",
    ...rows.map(([name, value]) => `| ${name} | ${value} |`),
    "",
    "| fault | times | found nobody to meet |",
    "|---|---:|---:|",
    ...faults.map(([kind, times]) => `| ${kind} | ${times} | ${report.missed[kind] ?? 0} |`),
    ...report.leftOut.map(({ kind, needs }) => `| ${kind} | left out: needs ${needs} | |`),
  ].join("\n");
}

const BEGIN = "<!-- figures of a run: begin -->";
const END = "<!-- figures of a run: end -->";

/** The page with these figures in the place of those it had. Throws where it has no place for them. */
export function withFigures(page: string, report: ChaosReport): string {
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`The page has no lines ${BEGIN} and ${END}`);
  const minutes = Math.round(report.minutes);
  const command = `\`npm run chaos -- --minutes ${minutes} --seed ${report.seed} --write-docs\`:`;
  return `${page.slice(0, begin)}${BEGIN}\n${command}\n\n${figuresOf(report)}\n${page.slice(end)}`;
}
