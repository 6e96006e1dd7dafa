/**
 * A job's log, as the nodes that worked on it hold it, in one order.
 *
 * The order is that of the times that the nodes' clocks told, then of the nodes' names, then of the lines on their node. It
 * is total, and of one node always that in which the node wrote, because times of one node never go back. Whoever follows
 * gets what is there in this order, then what was added since, again in this order.
 */
import { BicoastalError } from "../../base/errors.ts";
import type { LogEntry, LogSource } from "../../plan/task-logs.ts";

export type LogItem =
  | { readonly kind: "line"; readonly entry: LogEntry }
  /** The node keeps so many bytes of a job: its first lines are gone. Once for a node. */
  | { readonly kind: "dropped"; readonly node: string; readonly lines: number }
  /** A node that holds a part cannot be asked now. Once, until it answers again. */
  | { readonly kind: "away"; readonly node: string; readonly reason: string };

export interface ReadLogs {
  /** The nodes that hold a part now. */
  readonly sources: () => Promise<readonly LogSource[]>;
  readonly follow: boolean;
  /** Whether the job has ended, for whoever follows. */
  readonly hasEnded: () => Promise<boolean>;
  /** Between two looks. */
  readonly pause: () => Promise<void>;
  readonly signal: AbortSignal | undefined;
}

interface Reading {
  readonly source: LogSource;
  from: number;
  entries: readonly LogEntry[];
  atEnd: boolean;
}

/** Ends with the log, or with the job where it is followed; at once where the signal is aborted. */
export async function* readLogs(request: ReadLogs): AsyncGenerator<LogItem, void, undefined> {
  const { sources, follow, hasEnded, pause, signal } = request;
  const memory = new Memory();
  for (;;) {
    // Asked first: what was said before the end is read then.
    const ended = !follow || (await hasEnded());
    yield* readOnce(await sources(), memory, signal);
    if (ended || isAborted(signal)) return;
    await pause();
    if (isAborted(signal)) return;
  }
}

// Of a function's own, or the compiler takes it for what it was a moment ago.
const isAborted = (signal: AbortSignal | undefined): boolean => signal?.aborted === true;

/** How far each node was read, and what was said of it. */
class Memory {
  readonly positions = new Map<string, number>();
  readonly away = new Set<string>();
  readonly dropped = new Set<string>();
}

async function* readOnce(
  sources: readonly LogSource[],
  memory: Memory,
  signal: AbortSignal | undefined,
): AsyncGenerator<LogItem, void, undefined> {
  const readings = sources.map((source): Reading => {
    return { source, from: memory.positions.get(source.node) ?? 0, entries: [], atEnd: false };
  });
  while (!isAborted(signal)) {
    const waiting = readings.filter(({ entries, atEnd }) => entries.length === 0 && !atEnd);
    for (const items of await Promise.all(waiting.map((reading) => refill(reading, memory)))) yield* items;
    const lines = takeReady(readings);
    if (lines.length === 0 && readings.every(({ entries, atEnd }) => atEnd && entries.length === 0)) return;
    for (const entry of lines) yield { kind: "line", entry };
  }
}

/** The next page, and what is to be said of the node. */
async function refill(reading: Reading, memory: Memory): Promise<readonly LogItem[]> {
  const { source } = reading;
  const { node } = source;
  try {
    const { entries, next, dropped } = await source.page(reading.from);
    reading.atEnd = next === reading.from;
    reading.from = next;
    reading.entries = entries;
    memory.positions.set(node, next);
    memory.away.delete(node);
    if (dropped === 0 || memory.dropped.has(node)) return [];
    memory.dropped.add(node);
    return [{ kind: "dropped", node, lines: dropped }];
  } catch (error) {
    if (!(error instanceof BicoastalError)) throw error;
    reading.atEnd = true;
    if (memory.away.has(node)) return [];
    memory.away.add(node);
    return [{ kind: "away", node, reason: error.message }];
  }
}

/** In order, what can no longer be preceded by what a node has not yet given. */
function takeReady(readings: readonly Reading[]): readonly LogEntry[] {
  const bounds = readings.filter(({ atEnd }) => !atEnd).map(({ entries }) => entries.at(-1));
  // A page may hold nothing that can be read, and still not be the last.
  if (bounds.some((bound) => bound === undefined)) return [];
  const bound = bounds.reduce<LogEntry | undefined>(
    (least, each) => (least === undefined || (each && compare(each, least) < 0) ? each : least),
    undefined,
  );
  const ready: LogEntry[] = [];
  for (const reading of readings) {
    const { entries } = reading;
    const isLate = (entry: LogEntry): boolean => bound !== undefined && compare(entry, bound) > 0;
    const count = entries.findIndex(isLate);
    const taken = count < 0 ? entries.length : count;
    ready.push(...entries.slice(0, taken));
    reading.entries = entries.slice(taken);
  }
  // Stable: of one node lines of one time stay in their order.
  return ready.sort(compare);
}

const compare = (a: LogEntry, b: LogEntry): number =>
  a.atMs - b.atMs || (a.node < b.node ? -1 : a.node > b.node ? 1 : 0);
