/**
 * Every wide operator on eight times the memory it may use, in a process of its own: the result is what arithmetic
 * says, and the most that was ever resident of the process stays within the budget. And what nobody can count, the
 * job's own functions, ends a task with an error that says so, not the process.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { CliResult } from "./cli-process.ts";
import { CliProject } from "./cli-project.ts";

const MIB = 2 ** 20;
const BUDGET_MIB = 168;
const BUDGET = `${BUDGET_MIB}MiB`;
const DATA_PART = 8;
const THREADS = 2;
/** Estimates err, and what is freed is not always given back at once: as docs/memory.md says. */
const ALLOWANCE_PART = 1.1;

const RECORD_BYTES = 4_000;
/** Quarters of it are used. */
const ROWS = 4 * Math.ceil((DATA_PART * BUDGET_MIB * MIB) / RECORD_BYTES / 4);
const KEYS = 10_000;
const TOP = 40_000;
const SUM = (ROWS * (ROWS - 1)) / 2;

const JOB = `
import { job, read } from "bicoastal";

const ROWS = ${ROWS}, KEYS = ${KEYS}, TOP = ${TOP}, RECORD_BYTES = ${RECORD_BYTES};
const mixed = (n: number): number => Math.imul(n ^ (n >>> 15), 0x2c1b3c6d) >>> 0;
const letters = ((): string => {
  const bytes = Buffer.alloc(1 << 17);
  for (let i = 0; i < bytes.length; i++) bytes[i] = 97 + (mixed(i) % 26);
  return bytes.toString("latin1");
})();
/** Another one for each n, and each a text of its own in memory. */
const text = (n: number, length = RECORD_BYTES): string =>
  \`\${n} \`.padEnd(10) + letters.slice(mixed(n) & 0xffff, (mixed(n) & 0xffff) + length - 10);
const numberOf = (value: string): number => parseInt(value, 10);

const rows = () => read.range(ROWS).map((n) => ({ n, value: text(n) }));
const half = (add: number) => read.range(ROWS / 2).map((n): [number, string] => [n + add, text(n + add)]);
type Facts = { rows: number; sum: number; wrong: number };
const facts = (records: Iterable<Facts>): Facts[] => {
  const all = { rows: 0, sum: 0, wrong: 0 };
  for (const { rows, sum, wrong } of records) {
    all.rows += rows;
    all.sum += sum;
    all.wrong += wrong;
  }
  return [all];
};
const factsOf = (values: Iterable<string>): Facts => {
  const all = { rows: 0, sum: 0, wrong: 0 };
  for (const value of values) {
    const n = numberOf(value);
    all.rows++;
    all.sum += n;
    if (value.length !== RECORD_BYTES) all.wrong++;
  }
  return all;
};

const WAYS = {
  countBy: () => read.range(ROWS * 4).map((n) => text(n % (ROWS * 2), RECORD_BYTES / 4)).countBy()
    .map(([key, count]) => ({ rows: count, sum: numberOf(key), wrong: count === 2 ? 0 : 1 })),
  distinct: () => read.range(ROWS * 4).map((n) => text(n - (n % 2), RECORD_BYTES / 4)).distinct()
    .map((key) => ({ rows: 1, sum: numberOf(key), wrong: 0 })),
  aggregate: () => rows().map(({ n, value }): [number, string] => [mixed(n) % KEYS, value])
    .aggregateByKey({
      zero: (): string[] => [],
      add: (list, value) => { list.push(value); return list; },
      merge: (list, more) => { for (const value of more) list.push(value); return list; },
    })
    .map(([, list]) => factsOf(list)),
  groupBy: () => rows().groupBy(({ n }) => (n % 2 === 0 ? "hot" : \`key\${mixed(n) % KEYS}\`))
    .map(([, group]) => factsOf((function* () { for (const { value } of group) yield value; })())),
  cogroup: () => half(0).cogroup(half(ROWS / 4)).map(([, [left, right]]) => facts([factsOf(left), factsOf(right)])[0]!),
  join: () => half(0).join(half(ROWS / 4))
    .map(([n, [left, right]]) => ({ rows: 1, sum: n, wrong: left === right ? 0 : 1 })),
  sortBy: () => rows().sortBy(({ n }) => mixed(n)).mapPartitions(function* (sorted) {
    const all = { rows: 0, sum: 0, wrong: 0 };
    let last = -1;
    for (const { n } of sorted) {
      all.rows++;
      all.sum += n;
      if (mixed(n) < last) all.wrong++;
      last = mixed(n);
    }
    yield all;
  }),
  top: () => rows().top(TOP, ({ n }) => n).map(({ n, value }) => ({ ...factsOf([value]), wrong: n < ROWS - TOP ? 1 : 0 })),
  repartition: () => rows().repartition(7).map(({ value }) => factsOf([value])),
  mapPartitions: () => read.range(0, ROWS, { partitions: 4 }).map((n) => text(n)).mapPartitions((values) => [factsOf(values)]),
};

const HOARDS: Record<string, (n: number) => unknown> = {
  numbers: (n) => { const kept: number[] = []; for (;;) kept.push(n + 0.5); },
  buffers: () => { const kept: Uint8Array[] = []; for (;;) kept.push(new Uint8Array(MIB).fill(1)); },
  set: () => { const kept = new Set<string>(); for (;;) kept.add("k" + kept.size); },
  text: (n) => "x".repeat(2 ** 29) + n,
  buffer: () => new ArrayBuffer(2 ** 45),
};
const MIB = 2 ** 20;

export default job({
  name: "memory",
  params: { way: "countBy" },
  run: ({ way }) => {
    if (way in HOARDS) return read.range(4, { partitions: 4 }).map(HOARDS[way]!).count();
    if (way === "write") return rows().write("jsonl", "out");
    if (way === "collect") return rows().collect();
    if (way === "large") return read.range(2, { partitions: 2 }).map((n) => "x".repeat(6e6) + n).distinct().map((it) => it.length);
    return WAYS[way as keyof typeof WAYS]().mapPartitions(facts).reduce((a, b) => facts([a, b])[0]!);
  },
});
`;

/** Says, at the end of the process, the most that was ever resident of it. */
const PEAK = `
import { readFileSync, writeFileSync } from "node:fs";
import { isMainThread } from "node:worker_threads";
const peakBytes = () => {
  try {
    return 1024 * Number(/VmHWM:\\s+(\\d+)/.exec(readFileSync("/proc/self/status", "utf8"))[1]);
  } catch {
    return 1024 * process.resourceUsage().maxRSS;
  }
};
if (isMainThread) process.on("exit", () => writeFileSync("peak.txt", String(peakBytes())));
`;

interface Ended extends CliResult {
  readonly peakMib: number;
}

async function run(way: string, ...flags: readonly string[]): Promise<Ended> {
  const project = new CliProject().write({ "memory.ts": JOB, "peak.mjs": PEAK });
  const env = { NODE_OPTIONS: "--import ./peak.mjs" };
  const args = ["run", "memory.ts", "--json", "--threads", String(THREADS), "--memory", BUDGET, ...flags];
  const result = await project.startWith(env, ...args, "--way", way).ended;
  const peakMib = Number(readFileSync(join(project.directory, "peak.txt"), "utf8")) / MIB;
  return { ...result, peakMib };
}

const half = ROWS / 2;
const quarter = ROWS / 4;

test.each([
  ["countBy", { rows: ROWS * 4, sum: ROWS * (2 * ROWS - 1), wrong: 0 }],
  ["distinct", { rows: ROWS * 2, sum: 2 * ROWS * (2 * ROWS - 1), wrong: 0 }],
  ["aggregate", { rows: ROWS, sum: SUM, wrong: 0 }],
  ["groupBy", { rows: ROWS, sum: SUM, wrong: 0 }],
  ["cogroup", { rows: 2 * half, sum: half * (half - 1) + (half * ROWS) / 4, wrong: 0 }],
  ["join", { rows: quarter, sum: (quarter * (ROWS / 4 + half - 1)) / 2, wrong: 0 }],
  ["sortBy", { rows: ROWS, sum: SUM, wrong: 0 }],
  ["top", { rows: TOP, sum: (TOP * (2 * ROWS - TOP - 1)) / 2, wrong: 0 }],
  ["repartition", { rows: ROWS, sum: SUM, wrong: 0 }],
  ["mapPartitions", { rows: ROWS, sum: SUM, wrong: 0 }],
])("%s of eight times the budget is right, and stays within it", async (way, expected) => {
  const { code, stdout, stderr, peakMib } = await run(way);
  expect(code, stderr).toBe(0);
  expect(JSON.parse(stdout)).toEqual(expected);
  expect(peakMib).toBeLessThan(BUDGET_MIB * ALLOWANCE_PART);
});

test("write of eight times the budget stays within it", async () => {
  const { code, stdout, peakMib } = await run("write");
  expect(code).toBe(0);
  const { bytes, rows } = JSON.parse(stdout) as { bytes: number; rows: number };
  expect(rows).toBe(ROWS);
  expect(bytes).toBeGreaterThan(DATA_PART * BUDGET_MIB * MIB);
  expect(peakMib).toBeLessThan(BUDGET_MIB * ALLOWANCE_PART);
});

test("records of megabytes each go through", async () => {
  const { code, stdout } = await run("large");
  expect(code).toBe(0);
  expect(stdout.trim().split("\n")).toEqual(["6000001", "6000001"]);
});

test("rows that do not fit are not collected, and the error says what to do", async () => {
  const { code, stderr, peakMib } = await run("collect");
  expect(code).toBe(1);
  expect(stderr).toContain('"code":"COLLECT_TOO_LARGE"');
  expect(stderr).toContain("--memory");
  expect(peakMib).toBeLessThan(BUDGET_MIB * ALLOWANCE_PART);
});

test.each(["numbers", "buffers", "set", "text", "buffer"])(
  "a function that hoards %s fails its task, not the process",
  async (way) => {
    // How far it gets before it is noticed is a matter of time, and not looked at.
    const { code, stderr } = await run(way, "--attempts", "1");
    expect(code).toBe(1);
    expect(stderr).toContain('"code":"OUT_OF_MEMORY"');
    expect(stderr).toMatch(/read\.range → map|map failed/);
  },
);
