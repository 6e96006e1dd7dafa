import type { Piece } from "./record-feed.ts";
import type { RecordParser } from "./record-parser.ts";

/** Takes records as the bytes they are, where nobody needs rows. */
export interface ByteTaker {
  /**
   * Takes all records of a piece; returns how many. Throws RecordFault.
   * @param parser Of the piece's file.
   */
  take(piece: Piece, parser: RecordParser): number;
}

/** Sees the bytes of records that become rows all the same. */
export interface PieceWatcher {
  /** Called before rows are made of the piece. Returns whether it knows that the text is all ASCII. */
  see(piece: Piece): boolean;
}
