/** A job's log, as its nodes keep it: what its tasks say, and what becomes of their attempts. */
import type { ErrorCode, ErrorDetails } from "../base/errors.ts";
import type { AttemptId } from "../base/ids.ts";

/** From the least to the most urgent. */
export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** One line. */
export interface LogEntry {
  /** By the clock of the node that wrote it, ms since 1970. Of one node never less than that of its line before. */
  readonly atMs: number;
  readonly level: LogLevel;
  readonly node: string;
  readonly message: string;
  /** `s2.p17.e1.a0`: stage, partition, epoch of the driver and number of the attempt. Undefined for what is no attempt's. */
  readonly attempt?: string;
  /** What `ctx.log` was given beside the message. */
  readonly fields?: unknown;
  readonly error?: { readonly code: ErrorCode; readonly details: ErrorDetails; readonly stack?: string };
}

/** What is written, before its writer says when and where. `fields` are still JSON text. */
export interface NewEntry {
  readonly level: LogLevel;
  readonly message: string;
  readonly attempt?: AttemptId;
  readonly fields?: string | undefined;
  readonly error?: LogEntry["error"];
}

/** Takes lines of jobs. Never throws: a line that cannot be kept is counted. */
export interface LogSink {
  write(job: string, entry: NewEntry): void;
}

export const isAtLeast = (level: LogLevel, least: LogLevel): boolean =>
  LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(least);

export interface LogPage {
  readonly entries: readonly LogEntry[];
  /** Where the next page begins; the asked one's beginning where there is nothing more now. */
  readonly next: number;
  /** Lines before the first one that is still kept. */
  readonly dropped: number;
}

/** One node's part of a job's log. */
export interface LogSource {
  readonly node: string;
  /** From a position on, 0 being the beginning. Throws PEER_UNREACHABLE. */
  page(from: number): Promise<LogPage>;
}
