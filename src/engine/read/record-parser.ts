import type { RecordRule } from "./place.ts";
import type { Piece } from "./record-feed.ts";

/** What a format makes of a piece of whole records. */
export interface RecordParser {
  /** What this format takes for a record; agrees with `parse`. */
  readonly rule: RecordRule;
  /** How many records at the head of the piece last parsed gave no row (a header). */
  readonly headRecords: number;
  /** Puts the piece's rows into `rows` from index 0 on, and returns how many. Throws RecordFault. */
  parse(piece: Piece, rows: unknown[]): number;
}
