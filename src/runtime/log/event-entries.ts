/** What of a job's course its driver adds to the job's log. */

import type { NewEntry } from "../../plan/task-logs.ts";
import type { RunEvent } from "../events.ts";

/** Undefined for what is told elsewhere, or all the time. */
export function entryOfEvent(event: RunEvent): NewEntry | undefined {
  switch (event.kind) {
    case "started":
      if (event.tasksResumed === 0) return undefined;
      return { level: "info", message: `goes on: ${event.tasksResumed} tasks are done already` };
    case "taskFailed": {
      const task = `s${event.stage}.p${event.partition}`;
      const tries = `try ${event.tries} of ${event.triesMax} of task ${task} failed`;
      if (event.retryInMs === undefined) return { level: "error", message: `${tries}: the job fails of it` };
      const next = event.retryInMs === 0 ? "another is under way" : `tried again in ${event.retryInMs} ms`;
      return { level: "info", message: `${tries}: ${next}` };
    }
    case "outputLost":
      return {
        level: "warn",
        message: `the output of task s${event.stage}.p${event.partition} is lost and made again`,
      };
    case "backupStarted":
      return {
        level: "info",
        message: `task s${event.stage}.p${event.partition} is late, and runs a second time on ${event.node}`,
      };
    case "nodeSetAside":
      return {
        level: "warn",
        message: `${event.node} is set aside for ${event.forMs} ms: tasks failed there that others did`,
      };
    case "nodeBack":
      return { level: "info", message: `${event.node} is no longer set aside` };
    case "stopping":
      return { level: "info", message: `is being stopped: ${event.reason}` };
    // Told by the node that runs the attempt; shown live; or of no lasting use.
    case "log":
    case "warning":
    case "progress":
    case "backupWon":
      return undefined;
  }
}
