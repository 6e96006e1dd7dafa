/**
 * Where a stage's loop puts its records. A sink belongs to one task attempt and is used by one thread; both calls
 * are synchronous. After `finish` everything is in the attempt's block, and no further call is allowed.
 */

/**
 * For operators that go by a key: the loop evaluates the user's key function and gives key and value.
 *
 * | operator | key | value |
 * |---|---|---|
 * | aggregate, key function | `key(record, ctx)` | the record |
 * | aggregate "pair" | `record[0]` | `record[1]` |
 * | aggregate "record" | the record | null |
 * | aggregate "all" | anything, not looked at | the record |
 * | group, key function | `key(record, ctx)` | the record |
 * | group "pair", cogroup, join | `record[0]` | `record[1]` |
 * | sort, top | `by(record)` | the record |
 */
export interface KeyedSink {
  /** Throws KEY_INVALID, VALUE_UNENCODABLE, DISK_FULL, and whatever the user's aggregator or combiner throws. */
  add(key: unknown, value: unknown): void;
  finish(): void;
}

/** For operators that do not look at the record: repartition and the collect end. */
export interface RowSink {
  /** Throws VALUE_UNENCODABLE, DISK_FULL, COLLECT_TOO_LARGE. */
  push(row: unknown): void;
  finish(): void;
}
