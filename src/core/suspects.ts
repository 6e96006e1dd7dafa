import type { NodeId } from "../base/ids.ts";

/** Reports that are older say nothing of how things are now. */
const REPORT_MS_MAX = 30_000;
/** Workers that must agree. */
const REPORTERS_MIN = 2;

/** Nodes that workers could not reach, and who says so. */
export class Suspects {
  readonly #reports = new Map<string, Map<NodeId, number>>();

  /** Takes in a report; true once enough workers agree. */
  report(node: string, by: NodeId, nowMs: number): boolean {
    let reports = this.#reports.get(node);
    if (reports === undefined) {
      reports = new Map();
      this.#reports.set(node, reports);
    }
    reports.set(by, nowMs);
    for (const [worker, atMs] of reports) if (nowMs - atMs > REPORT_MS_MAX) reports.delete(worker);
    return reports.size >= REPORTERS_MIN;
  }

  /** What was said of the node is dealt with. */
  forget(node: string): void {
    this.#reports.delete(node);
  }
}
