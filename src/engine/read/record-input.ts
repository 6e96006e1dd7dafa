/**
 * Records of one split of a text file, in batches: a piece of whole records is given to the format's parser, which
 * decodes it at once. Rows are slices of the piece's text, so a row that is kept keeps its whole piece; that is why
 * pieces are small.
 *
 * Bytes that are not UTF-8 become U+FFFD, in every format: real logs have some, and a job over a million of them is
 * not to fail for one. A piece ends with whole lines, so no character is ever cut in two.
 */
import type { Batch, BatchInput } from "../batch.ts";
import type { ByteTaker, PieceWatcher } from "./byte-taker.ts";
import type { FilePlaces } from "./fault-error.ts";
import { textStart } from "./place.ts";
import { RecordFault } from "./record-fault.ts";
import { type Piece, type RecordFeed, RecordTooLong } from "./record-feed.ts";
import type { RecordParser } from "./record-parser.ts";

/** The text of a piece, without the byte order mark at the start of the file. */
export function textOf(piece: Piece): string {
  return piece.bytes.toString(piece.isAscii === true ? "latin1" : "utf8", textStart(piece), piece.end);
}

/**
 * No rows, in an array that held an object: to V8 a new one is of another kind, and the generated loop that was compiled
 * for those before it would be thrown away over it.
 */
function newRows(): unknown[] {
  const rows: unknown[] = [undefined];
  rows.length = 0;
  return rows;
}

export interface PieceTakers {
  /** Takes the records in place of rows being made of them. */
  readonly taker?: ByteTaker | undefined;
  /** Sees the pieces before rows are made of them. */
  readonly watcher?: PieceWatcher | undefined;
}

export class RecordInput implements BatchInput {
  readonly #feed: RecordFeed;
  readonly #parser: RecordParser;
  readonly #places: FilePlaces;
  readonly #takers: PieceTakers;
  /** Used again for each batch; grows to the most rows of a piece. */
  readonly #rows = newRows();
  #piece: Piece | undefined;

  constructor(feed: RecordFeed, parser: RecordParser, places: FilePlaces, takers: PieceTakers = {}) {
    this.#feed = feed;
    this.#parser = parser;
    this.#places = places;
    this.#takers = takers;
  }

  get bytesIn(): number {
    return this.#feed.bytesIn;
  }

  next(): Batch | undefined | Promise<Batch | undefined> {
    try {
      for (;;) {
        const piece = this.#feed.next();
        if (piece === undefined) return undefined;
        if (piece instanceof Promise) return this.#nextLater(piece);
        const batch = this.#parse(piece);
        if (batch !== undefined) return batch;
      }
    } catch (thrown) {
      return this.#fail(thrown);
    }
  }

  close(): void {
    this.#feed.close();
  }

  async #nextLater(first: Promise<Piece | undefined>): Promise<Batch | undefined> {
    try {
      for (let piece = await first; piece !== undefined; piece = await this.#feed.next()) {
        const batch = this.#parse(piece);
        if (batch !== undefined) return batch;
      }
      return undefined;
    } catch (thrown) {
      return this.#fail(thrown);
    }
  }

  /** Undefined where nothing in the piece is a row. */
  #parse(piece: Piece): Batch | undefined {
    this.#piece = piece;
    const { taker, watcher } = this.#takers;
    if (taker !== undefined) return { rows: this.#rows, count: 0, taken: taker.take(piece, this.#parser) };
    const isAscii = watcher?.see(piece) === true;
    const count = this.#parser.parse(isAscii ? { ...piece, isAscii } : piece, this.#rows);
    if (count === 0) return undefined;
    const headRecords = this.#parser.headRecords;
    return { rows: this.#rows, count, place: (index) => this.#places.placeOf(piece, headRecords + index) };
  }

  async #fail(thrown: unknown): Promise<never> {
    if (!(thrown instanceof RecordTooLong)) throw await this.#places.errorOf(thrown, this.#piece);
    const { seen, byteOffset } = thrown;
    const piece = { bytes: seen, start: 0, end: seen.length, offset: byteOffset };
    throw await this.#places.errorOf(this.#mistakeIn(piece) ?? thrown, piece);
  }

  /** A quote that stands where it must not makes the rest of the file look like one record: the parser finds it. */
  #mistakeIn(tooLong: Piece): RecordFault | undefined {
    if (this.#parser.rule.quote === undefined) return undefined;
    try {
      this.#parser.parse(tooLong, []);
    } catch (thrown) {
      if (thrown instanceof RecordFault && !thrown.isOpenEnded) return thrown;
    }
    return undefined;
  }
}
