/**
 * Completions that say only how many records there were, as those of a filter that keeps little: where they stand side
 * by side in a record, the stored one holds them as one event of numbers. Such a task may have taken microseconds, and
 * to write its completion out would take as long.
 */
import { epoch, stageId } from "../base/ids.ts";
import type { TaskOutput } from "../plan/task.ts";
import type { LogEvent } from "./log-event.ts";
import { type Fields, isCount, listOf } from "./shape.ts";

export const PACKED_KIND = "tasksCompleted";

/** Of each task, before the rows of its sinks: partition, attempt, rowsIn, bytesIn. */
const NUMBERS_BEFORE_SINKS = 4;

type Completion = Extract<LogEvent, { readonly kind: "taskCompleted" }>;

interface PackedCompletions {
  readonly kind: typeof PACKED_KIND;
  readonly stage: number;
  readonly epoch: number;
  readonly sinks: number;
  readonly numbers: number[];
}

/** The events as they are stored, in order. */
export function packCompletions(events: readonly LogEvent[]): readonly (LogEvent | PackedCompletions)[] {
  const packed: (LogEvent | PackedCompletions)[] = [];
  let open: PackedCompletions | undefined;
  for (const event of events) {
    if (event.kind !== "taskCompleted" || !isPlain(event.output)) {
      open = undefined;
      packed.push(event);
      continue;
    }
    if (open === undefined || !belongsTo(open, event)) {
      open = begin(event);
      packed.push(open);
    }
    const { attempt, output } = event;
    open.numbers.push(attempt.partition, attempt.attempt, output.rowsIn, output.bytesIn, ...output.sinkRows);
  }
  return packed;
}

function isPlain({ block, files, counters }: TaskOutput): boolean {
  if (block !== undefined || files.length > 0) return false;
  for (const name in counters) if (Object.hasOwn(counters, name)) return false;
  return true;
}

const begin = ({ attempt, output }: Completion): PackedCompletions => {
  const { stage, epoch } = attempt;
  return { kind: PACKED_KIND, stage, epoch, sinks: output.sinkRows.length, numbers: [] };
};

const belongsTo = (open: PackedCompletions, { attempt, output }: Completion): boolean =>
  open.stage === attempt.stage && open.epoch === attempt.epoch && open.sinks === output.sinkRows.length;

const areCounts = listOf(isCount);

/** The completions of a stored event; undefined where it is damaged. */
export function unpackCompletions({ stage, epoch: of, sinks, numbers }: Fields): Completion[] | undefined {
  if (!isCount(stage) || !isCount(of) || !isCount(sinks) || !areCounts(numbers)) return undefined;
  const counts = numbers as readonly number[];
  const width = NUMBERS_BEFORE_SINKS + sinks;
  if (counts.length === 0 || counts.length % width !== 0) return undefined;
  const completions: Completion[] = [];
  for (let at = 0; at < counts.length; at += width) {
    const [partition, attempt, rowsIn, bytesIn, ...sinkRows] = counts.slice(at, at + width) as [
      number,
      number,
      number,
      number,
      ...number[],
    ];
    completions.push({
      kind: "taskCompleted",
      attempt: { stage: stageId(stage), partition, epoch: epoch(of), attempt },
      output: { block: undefined, files: [], rowsIn, bytesIn, sinkRows, counters: {} },
    });
  }
  return completions;
}
