/**
 * What jobs said, on this node's disk: a directory a job, of at most two files that are only ever added to. When one is full a
 * new one is begun and the one before the last goes, so that the newest lines are kept.
 *
 * A position counts the bytes that were ever written for the job here. A file is named by the position and the number of the
 * line that it begins with, so that both outlast the files that went. Lines are written a moment after they are said, many at
 * once: whoever kills the process loses that moment. What cannot be written (the disk is full) is counted, and told in the
 * log itself once that works again; nothing else suffers from it.
 */
import {
  appendFileSync,
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
} from "node:fs";
import { join } from "node:path";
import { attemptKey } from "../../base/ids.ts";
import {
  LOG_LEVELS,
  type LogEntry,
  type LogPage,
  type LogSink,
  type NewEntry,
} from "../../plan/task-logs.ts";
import { makeDirectory } from "./make-directory.ts";

/** Of one job on one node: between half of this and this much is kept once there was more. */
const JOB_BYTES_MAX = 8 * 1024 * 1024;
/** Of all jobs on one node: the logs that are silent for longest go first. */
const NODE_BYTES_MAX = 256 * 1024 * 1024;
/** How long a line may wait for others before it is written. */
const FLUSH_MS = 100;
/** More than this does not wait. */
const FLUSH_CHARS = 64 * 1024;
const MESSAGE_CHARS_MAX = 8_000;
/** Longer ones, with their fields and stack, are cut down to their message. */
const LINE_CHARS_MAX = 40_000;
/** Longer than any line in UTF-8. */
const PAGE_BYTES = 256 * 1024;
/** Jobs whose files are known by heart. */
const OPEN_MAX = 256;
const POSITION_DIGITS = 15;

export interface JobLogsOptions {
  readonly directory: string;
  /** Named in each line. */
  readonly node: string;
  readonly wallMs: () => number;
  /** Told of each job's first line of this process. Default: nobody. */
  readonly onFirst?: (job: string) => void;
  readonly jobBytesMax?: number;
  readonly nodeBytesMax?: number;
}

interface Segment {
  readonly name: string;
  /** Position of its first byte, and number of its first line. */
  readonly start: number;
  readonly line: number;
}

interface OpenLog {
  readonly directory: string;
  segment: Segment | undefined;
  bytes: number;
  lines: number;
  lastMs: number;
  /** What was written last has no end: the process died of it, or the disk was full. */
  torn: boolean;
  waiting: string[];
  waitingChars: number;
  lost: number;
}

export class JobLogs implements LogSink {
  readonly node: string;
  readonly #options: JobLogsOptions;
  readonly #open = new Map<string, OpenLog>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: JobLogsOptions) {
    this.#options = options;
    this.node = options.node;
  }

  write(job: string, entry: NewEntry): void {
    const log = this.#open.get(job) ?? this.#begin(job);
    log.lastMs = Math.max(log.lastMs, this.#options.wallMs());
    const line = lineOf(entry, log.lastMs, this.#options.node);
    log.waiting.push(line);
    log.waitingChars += line.length;
    if (log.waitingChars > FLUSH_CHARS) return this.#flush(log);
    this.#timer ??= setTimeout(() => this.flush(), FLUSH_MS).unref();
  }

  /** Writes what waits. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const log of this.#open.values()) this.#flush(log);
  }

  /** What was said from a position on: at most some hundred KiB, and whole lines. */
  page(job: string, from: number): LogPage & { readonly bytes: Uint8Array } {
    const log = this.#open.get(job);
    if (log !== undefined) this.#flush(log);
    const directory = this.#directoryOf(job);
    const segments = segmentsIn(directory);
    const dropped = segments[0]?.line ?? 0;
    const nothing = { entries: [], next: from, dropped, bytes: new Uint8Array(0) };
    for (const [index, segment] of segments.entries()) {
      const isLast = index === segments.length - 1;
      const size = sizeOf(join(directory, segment.name));
      if (!isLast && from >= segment.start + size) continue;
      const offset = Math.max(0, from - segment.start);
      // Of another life of this directory.
      if (offset > size) return { ...nothing, next: segment.start + size };
      const bytes = wholeLines(readBytes(join(directory, segment.name), offset));
      if (bytes.length === 0 && !isLast) return { ...nothing, next: segments[index + 1]!.start };
      const next = segment.start + offset + bytes.length;
      return { entries: entriesIn(bytes), next, dropped, bytes };
    }
    return nothing;
  }

  /** The jobs of which something is kept. */
  jobs(): readonly string[] {
    return namesIn(this.#options.directory);
  }

  remove(job: string): void {
    this.#open.delete(job);
    rmSync(this.#directoryOf(job), { recursive: true, force: true });
  }

  /** Removes what jobs said that are no longer listed, and of the others the longest silent where all take too much room. */
  async sweep(isListed: (job: string) => Promise<boolean>): Promise<void> {
    const kept: { readonly job: string; readonly bytes: number; readonly atMs: number }[] = [];
    for (const job of this.jobs()) {
      if (!(await isListed(job))) this.remove(job);
      else kept.push({ job, ...this.#sizeOf(job) });
    }
    let bytes = kept.reduce((sum, each) => sum + each.bytes, 0);
    const { nodeBytesMax = NODE_BYTES_MAX } = this.#options;
    for (const each of kept.sort((a, b) => a.atMs - b.atMs || (a.job < b.job ? -1 : 1))) {
      if (bytes <= nodeBytesMax) return;
      this.remove(each.job);
      bytes -= each.bytes;
    }
  }

  close(): void {
    this.flush();
    this.#open.clear();
  }

  #begin(job: string): OpenLog {
    const directory = this.#directoryOf(job);
    const log = recover(directory);
    this.#open.set(job, log);
    const [oldest] = this.#open;
    if (this.#open.size > OPEN_MAX && oldest !== undefined) {
      this.#flush(oldest[1]);
      this.#open.delete(oldest[0]);
    }
    this.#options.onFirst?.(job);
    return log;
  }

  #flush(log: OpenLog): void {
    if (log.waiting.length === 0) return;
    const lines = log.waiting;
    const said = lines.length;
    log.waiting = [];
    log.waitingChars = 0;
    try {
      if (log.lost > 0) lines.unshift(this.#lossLine(log));
      const bytes = Buffer.from(`${log.torn ? "\n" : ""}${lines.join("")}`);
      const segment = this.#segmentFor(log, bytes.length);
      const wasTorn = log.torn;
      log.torn = true;
      appendFileSync(join(log.directory, segment.name), bytes);
      log.torn = false;
      log.bytes += bytes.length;
      log.lines += lines.length + (wasTorn ? 1 : 0);
      log.lost = 0;
    } catch {
      log.lost += said;
      log.bytes = log.segment === undefined ? 0 : sizeOf(join(log.directory, log.segment.name));
      log.torn = log.bytes > 0;
    }
  }

  #lossLine(log: OpenLog): string {
    const message = `${log.lost} lines are missing here: they could not be written to the disk of this node`;
    return lineOf({ level: "warn", message }, log.lastMs, this.#options.node);
  }

  /** The file that takes so many more bytes. */
  #segmentFor(log: OpenLog, bytes: number): Segment {
    const { jobBytesMax = JOB_BYTES_MAX } = this.#options;
    const isFull = log.bytes > 0 && !log.torn && log.bytes + bytes > jobBytesMax / 2;
    if (log.segment !== undefined && !isFull) return log.segment;
    makeDirectory(log.directory);
    const before = log.segment;
    const start = before === undefined ? 0 : before.start + log.bytes;
    const line = before === undefined ? 0 : before.line + log.lines;
    const name = `${String(start).padStart(POSITION_DIGITS, "0")}-${line}.jsonl`;
    for (const { name: old } of segmentsIn(log.directory).slice(0, -1)) rmSync(join(log.directory, old));
    log.segment = { name, start, line };
    log.bytes = 0;
    log.lines = 0;
    return log.segment;
  }

  #sizeOf(job: string): { readonly bytes: number; readonly atMs: number } {
    const directory = this.#directoryOf(job);
    let bytes = 0;
    let atMs = 0;
    for (const { name } of segmentsIn(directory)) {
      const stat = statSync(join(directory, name), { throwIfNoEntry: false });
      bytes += stat?.size ?? 0;
      atMs = Math.max(atMs, stat?.mtimeMs ?? 0);
    }
    return { bytes, atMs };
  }

  #directoryOf(job: string): string {
    return join(this.#options.directory, job);
  }
}

/** As an earlier process left it. */
function recover(directory: string): OpenLog {
  const segment = segmentsIn(directory).at(-1);
  const known = segment === undefined ? Buffer.alloc(0) : contentOf(join(directory, segment.name));
  const entries = entriesIn(wholeLines(known.subarray(Math.max(0, known.length - PAGE_BYTES))));
  let lines = 0;
  for (let at = known.indexOf(0x0a); at >= 0; at = known.indexOf(0x0a, at + 1)) lines++;
  return {
    directory,
    segment,
    bytes: known.length,
    lines,
    lastMs: entries.at(-1)?.atMs ?? 0,
    torn: known.length > 0 && known.at(-1) !== 0x0a,
    waiting: [],
    waitingChars: 0,
    lost: 0,
  };
}

const SEGMENT = /^(\d{15})-(\d{1,15})\.jsonl$/;

/** In ascending order. */
function segmentsIn(directory: string): readonly Segment[] {
  return namesIn(directory)
    .flatMap((name) => {
      const [, start, line] = SEGMENT.exec(name) ?? [];
      return start === undefined ? [] : [{ name, start: Number(start), line: Number(line) }];
    })
    .sort((a, b) => a.start - b.start);
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory).sort();
  } catch {
    // It is not there, or cannot be read: whoever writes there is told why.
    return [];
  }
}

const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;

function contentOf(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch {
    return Buffer.alloc(0);
  }
}

function readBytes(file: string, offset: number): Buffer {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, "r");
    const bytes = Buffer.alloc(PAGE_BYTES);
    return bytes.subarray(0, readSync(descriptor, bytes, 0, PAGE_BYTES, offset));
  } catch (error) {
    // It was the oldest, and has just gone.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return Buffer.alloc(0);
    throw error;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

const wholeLines = (bytes: Buffer): Buffer => bytes.subarray(0, bytes.lastIndexOf(0x0a) + 1);

/** Lines that were torn are passed by. */
export function entriesIn(bytes: Uint8Array): readonly LogEntry[] {
  const entries: LogEntry[] = [];
  for (const line of Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8").split("\n")) {
    if (line === "") continue;
    try {
      const entry = JSON.parse(line) as LogEntry;
      if (isEntry(entry)) entries.push(entry);
    } catch {
      // Half of it is on the disk.
    }
  }
  return entries;
}

/** Dates beyond have no name (ECMAScript, "Time Values and Time Range"). */
const TIME_MS_MAX = 8.64e15;

const isEntry = (entry: unknown): boolean => {
  const { atMs, level, node, message, attempt, error } = (entry ?? {}) as Partial<
    Record<keyof LogEntry, unknown>
  >;
  return (
    typeof atMs === "number" &&
    Math.abs(atMs) <= TIME_MS_MAX &&
    LOG_LEVELS.some((known) => known === level) &&
    [node, message].every((text) => typeof text === "string") &&
    ["undefined", "string"].includes(typeof attempt) &&
    (error === undefined || isError(error))
  );
};

const isError = (error: unknown): boolean => {
  const { code, details } = (error ?? {}) as Partial<Record<"code" | "details", unknown>>;
  return typeof code === "string" && typeof details === "object" && details !== null;
};

function lineOf({ level, message, attempt, fields, error }: NewEntry, atMs: number, node: string): string {
  const text = message.length > MESSAGE_CHARS_MAX ? `${message.slice(0, MESSAGE_CHARS_MAX)}…` : message;
  const key = attempt === undefined ? undefined : attemptKey(attempt);
  const head = JSON.stringify({ atMs, level, node, attempt: key, message: text }).slice(0, -1);
  const tail = `${fields === undefined ? "" : `,"fields":${fields}`}${error === undefined ? "" : `,"error":${JSON.stringify(error)}`}`;
  if (head.length + tail.length <= LINE_CHARS_MAX) return `${head}${tail}}\n`;
  const short = error === undefined ? "" : `,"error":${JSON.stringify({ code: error.code, details: {} })}`;
  return `${head},"fields":{"leftOutChars":${tail.length}}${short}}\n`;
}
