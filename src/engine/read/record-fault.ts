interface FaultFacts {
  readonly code: "RECORD_INVALID" | "RECORD_TOO_LONG";
  /** What is wrong, after `file:line: `; without a full stop. */
  readonly what: string;
  /** What the user can do. Whole sentences. */
  readonly advice: string;
  /** Index of the record in the piece given to the parser, headers counted. */
  readonly record?: number;
  /** Name of the column, for CSV. */
  readonly column?: string;
  /** Name of the field, for JSON. */
  readonly field?: string;
  /** Whether the record only lacks its end: more text could have mended it. */
  readonly isOpenEnded?: boolean;
  readonly cause?: unknown;
}

/**
 * A record that cannot be read, before anyone knows its file and line: those cost another look at the file, and are
 * worked out once it is certain that the task fails.
 */
export class RecordFault extends Error {
  readonly code: FaultFacts["code"];
  readonly what: string;
  readonly advice: string;
  readonly record: number;
  readonly column: string | undefined;
  readonly field: string | undefined;
  readonly isOpenEnded: boolean;

  constructor(facts: FaultFacts) {
    super(facts.what, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.code = facts.code;
    this.what = facts.what;
    this.advice = facts.advice;
    this.record = facts.record ?? 0;
    this.column = facts.column;
    this.field = facts.field;
    this.isOpenEnded = facts.isOpenEnded ?? false;
  }
}
