/** What the nodes say of themselves while chaos runs: who drives what, how far it is, and how soon somebody took over. */
import type { NodeLine } from "../cluster/node-processes.ts";
import type { ChaosNode } from "./chaos-node.ts";

/** A job that lost its driver, and since when. */
interface Orphaned {
  readonly job: string;
  readonly by: ChaosNode;
  readonly sinceMs: number;
}

export interface TakeOver {
  readonly job: string;
  readonly from: string;
  readonly to: string;
  readonly tookMs: number;
}

export class Journal {
  readonly takeOvers: TakeOver[] = [];
  /** What nodes said, by kind. */
  readonly said = new Map<string, number>();
  /** Failed attempts, by their error's code. */
  readonly failures = new Map<string, number>();
  readonly #drivers = new Map<string, ChaosNode>();
  readonly #progress = new Map<string, number>();
  #orphaned: Orphaned[] = [];

  /** The node that last said that it drives the job, whatever became of it. */
  driverOf(job: string): ChaosNode | undefined {
    return this.#drivers.get(job);
  }
  /** The share of its tasks that are done, from 0 to 1, as far as was told. */
  progressOf(job: string): number {
    return this.#progress.get(job) ?? 0;
  }
  /** Jobs that somebody said he drives, and that have not ended. */
  underWay(): readonly string[] {
    return [...this.#drivers.keys()];
  }

  onLine(node: ChaosNode, { kind, job, event, outcome }: NodeLine, nowMs: number): void {
    if (kind !== "event") count(this.said, kind);
    if (job === undefined) return;
    if (kind === "driving") {
      for (const { job: lost, by, sinceMs } of this.#orphaned) {
        if (lost === job) this.takeOvers.push({ job, from: by.name, to: node.name, tookMs: nowMs - sinceMs });
      }
      this.#orphaned = this.#orphaned.filter((one) => one.job !== job);
      this.#drivers.set(job, node);
    }
    if (kind === "drove" && outcome !== undefined && this.#drivers.get(job) === node) this.ended(job);
    if (event === undefined) return;
    if (event.kind === "progress") {
      const { progress } = event;
      if (progress !== undefined) this.#progress.set(job, progress.tasksDone / progress.tasksTotal);
      return;
    }
    count(this.said, event.kind);
    if (event.error !== undefined) count(this.failures, event.error.code);
  }

  /** The node can no longer drive what it drives: from now on it is timed how soon another one does. */
  lostDriver(node: ChaosNode, nowMs: number): void {
    for (const [job, driver] of this.#drivers) {
      if (driver !== node) continue;
      this.#drivers.delete(job);
      this.#orphaned.push({ job, by: node, sinceMs: nowMs });
    }
  }
  /** It can again, and may drive them still. */
  driverIsBack(node: ChaosNode): void {
    for (const { job, by } of this.#orphaned) if (by === node) this.#drivers.set(job, node);
    this.#orphaned = this.#orphaned.filter(({ by }) => by !== node);
  }

  ended(job: string): void {
    this.#drivers.delete(job);
    this.#progress.delete(job);
    this.#orphaned = this.#orphaned.filter((one) => one.job !== job);
  }
}

export function count<Name>(counts: Map<Name, number>, name: Name): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
