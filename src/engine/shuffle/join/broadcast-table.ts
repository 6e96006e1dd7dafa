/**
 * The small side of a join, for every record of the large one to be looked up in: a table in memory, or, where that
 * is too small for it, rows sorted by key on scratch, of which some frames are in memory at a time.
 *
 * A row is named by a number that means something to its table only: `find` gives the first row of a key, `following`
 * the next, in the order in which they arrived; both give a negative number where there is none.
 */

export interface BroadcastTable {
  /** Throws KEY_INVALID. */
  find(key: unknown): number;
  /** Only for the key that was found last. */
  following(row: number): number;
  valueAt(row: number): unknown;
  /** Whether it may outlive its task: it holds no scratch. */
  readonly inMemory: boolean;
  dispose(): void;
}
