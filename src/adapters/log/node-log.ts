/** A node's log as lines of JSON, by pino. */
import { pino } from "pino";
import type { LogLevel } from "../../plan/task-logs.ts";
import { striker } from "./strike-secrets.ts";

export interface NodeLogOptions {
  /** The least that is written. */
  readonly level: LogLevel;
  readonly wallMs: () => number;
  /** A line with its end. */
  readonly write: (line: string) => void;
  /** Values that must not be shown. */
  readonly secrets: readonly string[];
}

export type NodeLog = (level: LogLevel, facts: object, message: string) => void;

export function createNodeLog({ level, wallMs, write, secrets }: NodeLogOptions): NodeLog {
  const strike = striker(secrets);
  const log = pino(
    {
      level,
      // Process and machine are the node's, and whoever collects lines adds them.
      base: null,
      timestamp: () => `,"time":${wallMs()}`,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line: string) => write(strike(line)) },
  );
  return (at, facts, message) => log[at](facts, message);
}
