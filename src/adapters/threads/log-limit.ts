import type { ImpureCall, TaskLogEntry } from "../../ports/task-runner.ts";

/** Lines of `ctx.log` that one attempt may give: a line a record would drown the runner. */
const LOG_LINES_MAX = 1000;

/** Passes on the first lines of an attempt, then one that says that the others are left out. */
export function limitLog(
  send: (entry: TaskLogEntry) => void,
): (message: string, fields: string | undefined, warning?: ImpureCall) => void {
  let lines = 0;
  return (message, fields, warning) => {
    if (warning !== undefined) return send({ message, fields, warning });
    lines++;
    if (lines <= LOG_LINES_MAX) send({ message, fields });
    if (lines === LOG_LINES_MAX + 1) {
      const text = `this task has logged ${LOG_LINES_MAX} lines; its further lines are left out`;
      send({ message: text, fields: undefined });
    }
  };
}
