import type { ByteTaker } from "../read/byte-taker.ts";

/** What one task of a stage that works on bytes has in place of a loop. The stage has one sink. */
export interface BytePath extends ByteTaker {
  /** Rows given to the sink so far, before combining. */
  readonly sinkRows: number;
  /** Hands all it holds to the sink, which is finished after it. */
  finish(): void;
  /** Call when the task has ended, however it did. */
  close(): void;
}
