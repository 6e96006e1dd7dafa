import type { JobId } from "../base/ids.ts";
import type { NodeNote } from "../runtime/cluster/cluster-node.ts";

/** Where what a node has to say is counted. */
export interface NoteCounts {
  drove(outcome: string): void;
  attemptFailed(code: string): void;
  outputLost(): void;
}

/** Counts a node's notes, and knows by them what it drives. */
export class NoteCounter {
  readonly #driven = new Set<JobId>();

  get driving(): number {
    return this.#driven.size;
  }

  count(note: NodeNote, counts: NoteCounts): void {
    if (note.kind === "driving") this.#driven.add(note.job);
    if (note.kind === "drove") {
      this.#driven.delete(note.job);
      counts.drove(note.outcome);
    }
    if (note.kind !== "event") return;
    const { event } = note;
    if (event.kind === "taskFailed") counts.attemptFailed(event.error.code);
    if (event.kind === "outputLost") counts.outputLost();
  }
}
