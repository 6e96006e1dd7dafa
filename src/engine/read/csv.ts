/**
 * Strict CSV as RFC 4180 has it, with any one-character delimiter and quote:
 * - A field is quoted whole or not at all. In quotes, two quotes are one, and line ends and delimiters are data.
 * - A quote elsewhere is an error: it is either damage or another dialect, and guessing would shift columns.
 * - Lines without a character are skipped; blanks are data; an empty field is "", quoted or not.
 */
import type { CsvFieldType, CsvOptions } from "../../plan/node.ts";
import { firstBoundary } from "./boundaries.ts";
import { buildRow, type Columns, columnsOf, convertField } from "./csv-columns.ts";
import { type LoopPosition, loopEnd } from "./fast-loop.ts";
import type { Row } from "./fields.ts";
import { type RecordRule, spanOf, textStart } from "./place.ts";
import { RecordFault } from "./record-fault.ts";
import type { Piece } from "./record-feed.ts";
import { textOf } from "./record-input.ts";
import type { RecordParser } from "./record-parser.ts";

const CARRIAGE_RETURN = 0x0d;
const LINE_FEED = 0x0a;

const QUOTE_ADVICE =
  "Mend the record: a field with a quote in it is quoted whole, and its quotes doubled. " +
  "If quotes are ordinary characters here, set the option quote to one that the files do not have.";

/** The byte of the quote, for whoever looks for record ends; undefined where the options have none. */
export function quoteByte(csv: CsvOptions): number | undefined {
  return csv.quote === "" ? undefined : csv.quote.charCodeAt(0);
}

export class CsvParser implements RecordParser {
  readonly rule: RecordRule;
  readonly #csv: CsvOptions;
  readonly #quote: string;
  /** NaN, which equals nothing, where the options have none. */
  readonly #quoteUnit: number;
  readonly #delimiter: string;
  #columns: Columns | undefined;
  #headRecords = 0;
  /** Of the record last taken apart. */
  #fields: string[] = [];
  /** Where it ended, behind its line end. */
  #next = 0;

  /** @param columns Of the file, where its header was read before; it is not looked for in the text then. */
  constructor(csv: CsvOptions, columns: Columns | undefined) {
    this.rule = { quote: quoteByte(csv), skips: "empty" };
    this.#csv = csv;
    this.#quote = csv.quote;
    this.#quoteUnit = csv.quote.charCodeAt(0);
    this.#delimiter = csv.delimiter;
    this.#columns = columns ?? (typeof csv.header === "boolean" ? undefined : columnsOf(csv.header, csv));
  }

  get headRecords(): number {
    return this.#headRecords;
  }

  /** As a UTF-16 unit. */
  get delimiter(): number {
    return this.#delimiter.charCodeAt(0);
  }

  /** Undefined before the header was read, and where there is none. */
  get columns(): Columns | undefined {
    return this.#columns;
  }

  parse(piece: Piece, rows: unknown[]): number {
    if (this.#csv.header === false) {
      this.#headRecords = 0;
      return this.#parseArrays(textOf(piece), rows);
    }
    const at = this.begin(piece);
    return this.#columns === undefined ? 0 : this.#parseRows(piece, at, this.#columns, rows);
  }

  /** Where the rows of the piece begin in the bytes: behind the header, where it has one. Throws RecordFault. */
  begin(piece: Piece): number {
    this.#headRecords = 0;
    if (this.#columns !== undefined) return textStart(piece);
    const next = this.takeHeader(piece);
    if (this.#columns !== undefined) this.#headRecords = 1;
    return next;
  }

  #parseRows(piece: Piece, at: number, columns: Columns, rows: unknown[]): number {
    const { bytes, end } = piece;
    const { loop } = columns;
    const fastEnd = loop === undefined ? 0 : loopEnd(bytes, end);
    const text = fastEnd === 0 ? "" : bytes.toString("latin1", 0, fastEnd);
    const position: LoopPosition = { at, count: 0 };
    while (position.at < end) {
      if (position.at < fastEnd) loop?.(bytes, text, fastEnd, rows, position);
      if (position.at >= end) break;
      const row = this.parseRow(piece, columns, position);
      if (row !== undefined) rows[position.count++] = row;
    }
    return position.count;
  }

  /**
   * The row at a position, which is moved behind it; undefined for a line without a character.
   * @param position Its count: rows of the piece before this one. Throws RecordFault.
   */
  parseRow({ bytes, end }: Piece, columns: Columns, position: LoopPosition): Row | undefined {
    const cut = firstBoundary(bytes, position.at, end, this.rule.quote, 0);
    const next = cut === -1 ? end : cut + 1;
    const text = bytes.toString("utf8", position.at, next);
    position.at = next;
    if (this.#skipEmpty(text, 0) === text.length) return undefined;
    const record = this.#headRecords + position.count;
    this.#takeApart(text, 0, stopOf(text, 0), record);
    return buildRow(columns, this.#fields, record);
  }

  #parseArrays(text: string, rows: unknown[]): number {
    const { types } = this.#csv;
    const typed = Object.keys(types).map((name) => {
      const kind = types[name] as CsvFieldType;
      return { index: Number(name), field: { name, kind, optional: kind !== "string" } };
    });
    let count = 0;
    for (let at = this.#skipEmpty(text, 0); at < text.length; at = this.#skipEmpty(text, this.#next)) {
      this.#takeApart(text, at, stopOf(text, at), count);
      const row: unknown[] = this.#fields;
      for (const { index, field } of typed) {
        if (index < row.length) row[index] = convertField(row[index] as string, field, count);
      }
      rows[count++] = row;
    }
    return count;
  }

  /**
   * Reads the first record of the file as names, where the piece has one; returns where in the bytes the next begins.
   * Throws RecordFault.
   */
  takeHeader(piece: Piece): number {
    const span = spanOf(piece, 0, this.rule);
    if (span === undefined) return piece.end;
    const text = piece.bytes.toString("utf8", span.start, span.next);
    this.#takeApart(text, 0, stopOf(text, 0), 0);
    this.#columns = columnsOf(this.#fields, this.#csv);
    return span.next;
  }

  #skipEmpty(text: string, from: number): number {
    let at = from;
    for (;;) {
      const unit = text.charCodeAt(at);
      if (unit === LINE_FEED) at += 1;
      else if (unit === CARRIAGE_RETURN && text.charCodeAt(at + 1) === LINE_FEED) at += 2;
      else return at;
    }
  }

  /** Takes the record at `at` apart into `#fields`. `firstStop`: where its first line ends. Throws RecordFault. */
  #takeApart(text: string, at: number, firstStop: number, record: number): void {
    const delimiter = this.#delimiter;
    const delimiterUnit = delimiter.charCodeAt(0);
    const fields: string[] = [];
    this.#fields = fields;
    let stop = firstStop;
    for (let from = at; ; ) {
      if (text.charCodeAt(from) === this.#quoteUnit) {
        const end = this.#takeQuoted(text, from, record);
        // Line ends inside the quotes are behind us now.
        if (end > stop) stop = stopOf(text, end);
        const isLast =
          end === stop ||
          (end === stop - 1 && stop < text.length && text.charCodeAt(end) === CARRIAGE_RETURN);
        if (isLast) break;
        if (text.charCodeAt(end) !== delimiterUnit) throw this.#textAfterQuote(record);
        from = end + 1;
        continue;
      }
      const found = text.indexOf(delimiter, from);
      const isLast = found === -1 || found >= stop;
      const field = text.slice(
        from,
        isLast ? lineEnd(text, from, stop === text.length ? -1 : stop, stop) : found,
      );
      if (this.#quote !== "" && field.includes(this.#quote)) throw this.#bareQuote(record);
      fields.push(field);
      if (isLast) break;
      from = found + 1;
    }
    this.#next = stop + 1;
  }

  /** Pushes the quoted field that opens at `open`; returns where it ends, behind its closing quote. */
  #takeQuoted(text: string, open: number, record: number): number {
    const quote = this.#quote;
    const begin = open + 1;
    let close = text.indexOf(quote, begin);
    while (close !== -1 && text.charCodeAt(close + 1) === this.#quoteUnit)
      close = text.indexOf(quote, close + 2);
    if (close === -1) throw this.#unclosed(record);
    const value = text.slice(begin, close);
    // Of the quotes inside, every one is the first of two.
    this.#fields.push(value.includes(quote) ? value.replaceAll(quote + quote, quote) : value);
    return close + 1;
  }

  #unclosed(record: number): RecordFault {
    const column = this.#columnName(this.#fields.length);
    const what = `the quote that opens column ${JSON.stringify(column)} is never closed`;
    return new RecordFault({
      code: "RECORD_INVALID",
      record,
      column,
      what,
      advice: QUOTE_ADVICE,
      isOpenEnded: true,
    });
  }

  #textAfterQuote(record: number): RecordFault {
    const column = this.#columnName(this.#fields.length - 1);
    const what = `column ${JSON.stringify(column)} goes on after its closing quote`;
    return new RecordFault({ code: "RECORD_INVALID", record, column, what, advice: QUOTE_ADVICE });
  }

  #bareQuote(record: number): RecordFault {
    const column = this.#columnName(this.#fields.length);
    const what = `column ${JSON.stringify(column)} has a quote in it, but is not quoted`;
    return new RecordFault({ code: "RECORD_INVALID", record, column, what, advice: QUOTE_ADVICE });
  }

  /** Columns without a name go by their index. */
  #columnName(index: number): string {
    return this.#columns?.names[index] ?? String(index);
  }
}

/** Index of the first line feed from `at` on, or the text's end. */
function stopOf(text: string, at: number): number {
  const found = text.indexOf("\n", at);
  return found === -1 ? text.length : found;
}

/** Where the line's content ends: before a `\r` that stands before its `\n`. `feed`: the `\n`, or -1 for none. */
function lineEnd(text: string, at: number, feed: number, stop: number): number {
  return feed > at && text.charCodeAt(feed - 1) === CARRIAGE_RETURN ? feed - 1 : stop;
}
