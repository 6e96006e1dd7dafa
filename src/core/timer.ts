import { unreachable } from "../base/assert.ts";
import { type AttemptId, attemptKey, type NodeId, type TaskId, taskKey } from "../base/ids.ts";

/** What the driver waits for. */
export type Timer =
  /** The pause before a failed task's next attempt. */
  | { readonly kind: "retry"; readonly task: TaskId }
  | { readonly kind: "taskTimeout"; readonly attempt: AttemptId }
  | { readonly kind: "workerLease"; readonly worker: NodeId; readonly incarnation: string }
  /** A node that was set aside has another chance. */
  | { readonly kind: "setAside"; readonly worker: NodeId; readonly incarnation: string }
  /** A worker with room has waited long enough for tasks that it is near to. */
  | { readonly kind: "held" }
  /** It is looked for attempts that are late. */
  | { readonly kind: "backups" }
  /** Workers had time to say what they still run for an earlier driver. */
  | { readonly kind: "muster" };

/** Two timers of one name are the same wait: the later replaces the earlier. */
export function timerName(timer: Timer): string {
  switch (timer.kind) {
    case "retry":
      return `retry/${taskKey(timer.task)}`;
    case "taskTimeout":
      return `timeout/${attemptKey(timer.attempt)}`;
    case "workerLease":
      return `worker/${timer.worker}/${timer.incarnation}`;
    case "setAside":
      return `aside/${timer.worker}/${timer.incarnation}`;
    case "held":
      return "held";
    case "backups":
      return "backups";
    case "muster":
      return "muster";
    default:
      return unreachable(timer);
  }
}
