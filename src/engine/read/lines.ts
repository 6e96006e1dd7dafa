import type { Piece } from "./record-feed.ts";
import { textOf } from "./record-input.ts";
import type { RecordParser } from "./record-parser.ts";

const CARRIAGE_RETURN = 0x0d;

/** Each line is a record, empty ones too, without its `\n` or `\r\n`. A lone `\r` is data. */
export class LinesParser implements RecordParser {
  readonly rule = { quote: undefined, skips: "none" } as const;
  readonly headRecords = 0;

  parse(piece: Piece, rows: unknown[]): number {
    const text = textOf(piece);
    const hasReturns = text.includes("\r");
    let count = 0;
    let at = 0;
    for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", at)) {
      const returns = hasReturns && end > at && text.charCodeAt(end - 1) === CARRIAGE_RETURN ? 1 : 0;
      rows[count++] = text.slice(at, end - returns);
      at = end + 1;
    }
    if (at < text.length) rows[count++] = text.slice(at);
    return count;
  }
}
