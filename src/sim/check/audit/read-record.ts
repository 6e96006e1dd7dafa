/**
 * Log records read from their bytes by a small reader of its own: what the checks know of a log must not come from the
 * code that they check.
 */
export interface AuditedAttempt {
  readonly stage: number;
  readonly partition: number;
  readonly epoch: number;
  readonly attempt: number;
}

export type AuditedEvent =
  | { readonly kind: "submitted" | "committed" | "failed" | "cancelled" }
  | { readonly kind: "epochStarted"; readonly epoch: number }
  /** `block`: its key and checksum, empty where there is none. */
  | {
      readonly kind: "taskCompleted";
      readonly attempt: AuditedAttempt;
      readonly block: string;
      /** All that stands there of what it gave. */
      readonly output: unknown;
    }
  | { readonly kind: "outputLost"; readonly attempt: AuditedAttempt };

export interface AuditedRecord {
  readonly seq: number;
  readonly epoch: number;
  readonly events: readonly AuditedEvent[];
}

/** Of each task in the stored form of plain completions, before the rows of its sinks. */
const PACKED_NUMBERS = 4;

type Fields = Readonly<Record<string, unknown>>;

/** A block as the checks name it. */
export const blockName = ({ key, checksum }: { readonly key: string; readonly checksum: number }): string =>
  `${key}#${checksum}`;

export function readRecord(bytes: Uint8Array): AuditedRecord {
  const { seq, epoch, events } = JSON.parse(new TextDecoder().decode(bytes)) as {
    readonly seq: number;
    readonly epoch: number;
    readonly events: readonly Fields[];
  };
  return { seq, epoch, events: events.flatMap(readEvent) };
}

function readEvent(event: Fields): readonly AuditedEvent[] {
  switch (event.kind) {
    case "tasksCompleted":
      return readPacked(event);
    case "taskCompleted": {
      const { block } = event.output as {
        readonly block?: { readonly key: string; readonly checksum: number };
      };
      return [
        {
          kind: "taskCompleted",
          attempt: event.attempt as AuditedAttempt,
          block: block === undefined ? "" : blockName(block),
          output: event.output,
        },
      ];
    }
    default:
      return [event as unknown as AuditedEvent];
  }
}

function readPacked(event: Fields): readonly AuditedEvent[] {
  const { stage, epoch, sinks, numbers } = event as unknown as {
    readonly stage: number;
    readonly epoch: number;
    readonly sinks: number;
    readonly numbers: readonly number[];
  };
  const events: AuditedEvent[] = [];
  for (let at = 0; at < numbers.length; at += PACKED_NUMBERS + sinks) {
    const [partition, number, rowsIn, bytesIn] = numbers.slice(at) as [number, number, number, number];
    const attempt = { stage, epoch, partition, attempt: number };
    const sinkRows = numbers.slice(at + PACKED_NUMBERS, at + PACKED_NUMBERS + sinks);
    const output = { files: [], rowsIn, bytesIn, sinkRows, counters: {} };
    events.push({ kind: "taskCompleted", attempt, block: "", output });
  }
  return events;
}
