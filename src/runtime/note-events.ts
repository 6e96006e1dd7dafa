import type { DriverNote } from "../core/effect.ts";
import type { RunEvent } from "./events.ts";

/** What of a driver's notes is told to whoever watches; undefined for what only adds to the progress. */
export function eventOfNote(note: DriverNote): RunEvent | undefined {
  switch (note.kind) {
    case "taskFailed": {
      const { attempt, tries, triesMax, error, retryInMs } = note;
      const { stage, partition } = attempt;
      return { kind: "taskFailed", stage, partition, tries, triesMax, error, retryInMs };
    }
    case "outputLost": {
      const { stage, partition } = note.lost.attempt;
      return { kind: "outputLost", stage, partition };
    }
    case "backupStarted":
    case "backupWon": {
      const { stage, partition } = note.attempt;
      return { kind: note.kind, stage, partition, node: note.worker };
    }
    case "nodeSetAside":
      return { kind: "nodeSetAside", node: note.worker, forMs: note.forMs };
    case "nodeBack":
      return { kind: "nodeBack", node: note.worker };
    case "taskCompleted":
    case "attemptAdopted":
    case "workerLost":
      return undefined;
  }
}
