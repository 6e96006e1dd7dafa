import { assert, unreachable } from "../../base/assert.ts";
import type { SourceFormat } from "../../plan/node.ts";
import type { InputFile, SourceSplit } from "../../plan/task.ts";
import type { InputReader, Inputs } from "../../ports/inputs.ts";
import type { BatchInput } from "../batch.ts";
import { type ByteSource, GzipBytes, PlainBytes } from "./byte-source.ts";
import type { ByteTaker, PieceWatcher } from "./byte-taker.ts";
import { CsvParser, quoteByte } from "./csv.ts";
import { type Columns, verifyOptions } from "./csv-columns.ts";
import { FilePlaces } from "./fault-error.ts";
import { ItemsInput } from "./items.ts";
import { JsonFieldsParser } from "./json-fields.ts";
import { JsonlParser } from "./jsonl.ts";
import { LinesParser } from "./lines.ts";
import { CHUNK_BYTES, type Piece, RecordFeed } from "./record-feed.ts";
import { RecordInput } from "./record-input.ts";
import type { RecordParser } from "./record-parser.ts";
import { SequenceInput } from "./sequence-input.ts";
import { isGzip } from "./source-file.ts";
import { WholeFileInput } from "./whole-file.ts";

type FileFormat = Extract<SourceFormat, { readonly paths: readonly string[] }>;
type TextFormat = Exclude<FileFormat, { readonly format: "files" }>;
type BytesSplit = Extract<SourceSplit, { readonly kind: "bytes" }>;

export interface ReadOptions {
  /** Bytes read at a time; from 1. The records are the same whatever it is. */
  readonly chunkBytes?: number;
  /** Takes the records of `lines`, `jsonl` and `csv` as bytes, so that batches have no rows. */
  readonly taker?: ByteTaker | undefined;
  /** Sees the bytes of `lines` before they become rows. */
  readonly watcher?: PieceWatcher | undefined;
}

/**
 * The records of one split: strings of `lines`, values of `jsonl`, objects of `csv` (arrays of strings without a
 * header), `FileRow`s of `files`, numbers of `range`, values of `of`; in order, each in exactly one split.
 *
 * Throws, or rejects `next`, with what `Inputs.open` throws, with RECORD_INVALID or RECORD_TOO_LONG naming file, line
 * and byte offset, and with INPUT_CORRUPT for damaged gzip files. The caller closes the input, then too.
 */
export function openSource(
  source: SourceFormat,
  split: SourceSplit,
  inputs: Inputs,
  options: ReadOptions = {},
): BatchInput | Promise<BatchInput> {
  if (source.format === "range" || source.format === "of") {
    assert(split.kind === "items", "a split of items belongs to a source of items");
    return new ItemsInput(source, split.start, split.end);
  }
  if (split.kind === "files") {
    return new SequenceInput(
      split.files.map((file) => () => openSource(source, wholeFile(file), inputs, options)),
    );
  }
  assert(split.kind === "bytes", "a split of files belongs to a source of files");
  assert(source.format !== "files" || options.taker === undefined, "whole files are not taken as bytes");
  return openFile(source, split, inputs, options);
}

function wholeFile(file: InputFile): BytesSplit {
  return { kind: "bytes", file, start: 0, end: file.sizeBytes };
}

async function openFile(
  source: FileFormat,
  split: BytesSplit,
  inputs: Inputs,
  options: ReadOptions,
): Promise<BatchInput> {
  const { file } = split;
  if (source.format === "files") {
    const bytes = isGzip(file)
      ? new GzipBytes(await inputs.openGzip(file))
      : new PlainBytes(await inputs.open(file), 0);
    return new WholeFileInput(bytes, file, source.as, source.recordBytesMax);
  }
  if (source.format === "csv") verifyOptions(source.csv);
  if (isGzip(file)) {
    const bytes = new GzipBytes(await inputs.openGzip(file));
    return textInput(source, { ...split, end: Number.POSITIVE_INFINITY }, bytes, undefined, inputs, options);
  }
  const reader = await inputs.open(file, { end: split.end });
  try {
    const header = await headerBefore(source, split, reader, inputs);
    const start = Math.max(split.start, header?.end ?? 0);
    // One byte before, to see whether a record begins right here.
    const bytes = new PlainBytes(reader, Math.max(start - 1, 0));
    return textInput(source, { ...split, start }, bytes, header?.columns, inputs, options);
  } catch (thrown) {
    reader.close();
    throw thrown;
  }
}

function textInput(
  source: TextFormat,
  split: BytesSplit,
  bytes: ByteSource,
  columns: Columns | undefined,
  inputs: Inputs,
  options: ReadOptions,
): BatchInput {
  const parser = parserFor(source, columns);
  const feed = new RecordFeed(bytes, {
    position: Math.max(split.start - 1, 0),
    end: split.end,
    skipsFirst: split.start > 0,
    quote: parser.rule.quote,
    recordBytesMax: source.recordBytesMax,
    chunkBytes: options.chunkBytes ?? CHUNK_BYTES,
  });
  return new RecordInput(feed, parser, new FilePlaces(inputs, split.file, parser.rule), options);
}

function parserFor(source: TextFormat, columns: Columns | undefined): RecordParser {
  switch (source.format) {
    case "lines":
      return new LinesParser();
    case "jsonl":
      return source.fields === undefined ? new JsonlParser() : new JsonFieldsParser(source.fields);
    case "csv":
      return new CsvParser(source.csv, columns);
    default:
      return unreachable(source);
  }
}

interface Header {
  readonly columns: Columns;
  /** Where the file's first record after it can begin. */
  readonly end: number;
}

/** Reads the header at the start of a CSV file, for a split that begins after the start; undefined: there is none. */
async function headerBefore(
  source: TextFormat,
  split: BytesSplit,
  reader: InputReader,
  inputs: Inputs,
): Promise<Header | undefined> {
  if (source.format !== "csv" || source.csv.header !== true || split.start === 0) return undefined;
  const parser = new CsvParser(source.csv, undefined);
  const places = new FilePlaces(inputs, split.file, parser.rule);
  const feed = new RecordFeed(new PlainBytes(reader, 0), {
    position: 0,
    end: Number.POSITIVE_INFINITY,
    skipsFirst: false,
    quote: quoteByte(source.csv),
    recordBytesMax: source.recordBytesMax,
    chunkBytes: HEADER_CHUNK_BYTES,
  });
  let piece: Piece | undefined;
  try {
    for (piece = await feed.next(); piece !== undefined; piece = await feed.next()) {
      const next = parser.takeHeader(piece);
      if (parser.columns !== undefined) {
        return { columns: parser.columns, end: piece.offset + next - piece.start };
      }
    }
    return undefined;
  } catch (thrown) {
    throw await places.errorOf(thrown, piece);
  }
}

/** Headers are short. */
const HEADER_CHUNK_BYTES = 4 * 1024;
