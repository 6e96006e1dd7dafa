/**
 * A job whose tasks stop at gates that the test opens: so a test meets it in the very stage it means, and its tasks cost
 * next to nothing.
 *
 * Each task that comes to a gate takes a ticket, a directory of the next number, and waits until the gate's file allows so
 * many. Without the directory of the gates, as in a run on one machine, all gates are open.
 */
import { existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export type Gate = "map" | "reduce" | "sorted";

export const GATES_VARIABLE = "BICOASTAL_TEST_GATES";
export const MAP_TASKS = 12;
export const REDUCE_TASKS = 6;
const OPEN = 1_000_000;

/** Three shuffles of some megabytes: more than one request fetches at once, and some of it from every node. */
const SOURCE = `
import { mkdirSync, readFileSync } from "node:fs";
import { job, read } from "bicoastal";

const gates = process.env.${GATES_VARIABLE};
const clock = new Int32Array(new SharedArrayBuffer(4));

const ticketOf = (gate) => {
  for (let ticket = 0; ; ticket++) {
    try {
      mkdirSync(gates + "/" + gate + "." + ticket);
      return ticket;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
  }
};
const wait = (gate) => (records) => {
  if (gates === undefined) return records;
  const ticket = ticketOf(gate);
  while (ticket >= Number(readFileSync(gates + "/" + gate, "utf8"))) Atomics.wait(clock, 0, 0, 20);
  return records;
};
const scrambled = (n) => (n * 7_919 + 13) % 20_011;
const textOf = (n) => String(n * 2_654_435_761 % 4_294_967_291).repeat(12);

export default job({
  name: "gated",
  params: { out: "" },
  run: ({ out }) => {
    const sums = read
      .range(0, 36_000, { partitions: ${MAP_TASKS} })
      .mapPartitions(wait("map"))
      .map((n) => [scrambled(n), { n, text: textOf(n) }])
      .reduceByKey((a, b) => ({ n: a.n + b.n, text: a.text < b.text ? a.text : b.text }), { partitions: ${REDUCE_TASKS} })
      .mapPartitions(wait("reduce"));
    const sorted = sums.sortBy(([key, { n }]) => [n % 1_000, key], { partitions: 4 }).mapPartitions(wait("sorted"));
    return {
      written: sorted.map(([key, { n, text }]) => ({ key, n, text })).write("jsonl", out),
      digits: sums.countBy(([key, { n }], ctx) => n % 10 + (ctx.random() < 0.5 ? "a" : "b")).sortBy(([digit]) => digit),
    };
  },
});
`;

export class GatedJob {
  readonly file: string;
  readonly gates: string;

  /** @param room A directory of the test's own. All gates are closed. */
  constructor(room: string) {
    this.file = join(room, "gated.ts");
    this.gates = join(room, "gates");
    writeFileSync(join(room, "package.json"), '{"type":"module"}');
    writeFileSync(this.file, SOURCE);
    mkdirSync(this.gates);
    for (const gate of ["map", "reduce", "sorted"] as const) this.admit(gate, 0);
  }

  /** From now on so many tasks in all pass the gate. */
  admit(gate: Gate, tasks: number): void {
    const file = join(this.gates, gate);
    writeFileSync(`${file}~`, String(tasks));
    renameSync(`${file}~`, file);
  }
  open(...gates: readonly Gate[]): void {
    for (const gate of gates) this.admit(gate, OPEN);
  }

  /** How many have come to the gate, those that passed it included. */
  arrived(gate: Gate): number {
    let tickets = 0;
    while (existsSync(join(this.gates, `${gate}.${tickets}`))) tickets++;
    return tickets;
  }
}
