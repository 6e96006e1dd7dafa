import { showValue } from "../../api/show-value.ts";
import { BicoastalError } from "../../base/errors.ts";
import { LOG_LEVELS, type LogLevel } from "../../plan/task-logs.ts";

/** Throws USAGE. */
export function readLogLevel(option: string, text: string): LogLevel {
  const level = LOG_LEVELS.find((each) => each === text);
  if (level !== undefined) return level;
  throw new BicoastalError(
    "USAGE",
    `--${option} is ${showValue(text)}; it takes ${LOG_LEVELS.slice(0, -1).join(", ")} or ${LOG_LEVELS.at(-1)}.`,
    { details: { option, value: text } },
  );
}
