/** Time, from outside. The simulator's moves only when nothing else can happen. */
export interface Clock {
  /** Milliseconds that only grow; no relation to the wall clock. For deadlines and leases. */
  monotonicMs(): number;
  /** Milliseconds since 1970; may jump. For people, and for the constants of a job. */
  wallMs(): number;
  /** Calls back once, not before `delayMs` have passed. Returns a function that calls it off. */
  setTimer(delayMs: number, callback: () => void): () => void;
}
