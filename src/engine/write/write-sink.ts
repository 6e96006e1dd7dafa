/** The sink of a `write` end: one staged file of one attempt. */
import { unreachable } from "../../base/assert.ts";
import type { AttemptId } from "../../base/ids.ts";
import type { WriteEnd } from "../../plan/node.ts";
import type { OutputFile } from "../../plan/task.ts";
import type { Gzip } from "../../ports/codec.ts";
import type { Outputs, OutputTarget } from "../../ports/outputs.ts";
import type { RowSink } from "../shuffle/sink.ts";
import { encodeJson, unencodable } from "./encode-json.ts";
import { createCsvFormatter } from "./format-csv.ts";
import { TextFile } from "./text-file.ts";

const EXTENSIONS = { jsonl: ".jsonl", csv: ".csv", text: ".txt" } as const;

export interface WriteSinkOptions {
  readonly end: WriteEnd;
  readonly target: OutputTarget;
  readonly attempt: AttemptId;
  /** Index of the sink in its stage: several may feed one end. */
  readonly sinkIndex: number;
  readonly outputs: Outputs;
  readonly gzip: Gzip;
}

/**
 * Makes no file for a partition without records, except the first: so that an empty result is a directory with one
 * empty file, and a small one is not a thousand of them.
 */
export class WriteSink implements RowSink {
  readonly #options: WriteSinkOptions;
  readonly #staged: string;
  #file: TextFile | undefined;
  #format: ((row: unknown) => string) | undefined;
  #rows = 0;

  constructor(options: WriteSinkOptions) {
    this.#options = options;
    this.#staged = stagedName(options);
    if (options.attempt.partition === 0) this.#open();
  }

  push(row: unknown): void {
    const file = this.#file ?? this.#open();
    file.line(this.#format!(row));
    this.#rows++;
  }

  /** So many rows that are text, in UTF-8, a line feed behind each. Only for the text format. */
  texts(bytes: Uint8Array, rows: number): void {
    const file = this.#file ?? this.#open();
    file.lines(bytes);
    this.#rows += rows;
  }

  finish(): void {}

  /** Makes the file durable. */
  async close(): Promise<OutputFile | undefined> {
    if (this.#file === undefined) return undefined;
    const staged = await this.#file.close();
    const { target, sinkIndex: sink } = this.#options;
    return {
      endIndex: target.endIndex,
      sink,
      staged,
      bytes: this.#file.bytes,
      rows: this.#rows,
    };
  }

  abort(): void {
    this.#file?.abort();
  }

  #open(): TextFile {
    const { end, target, outputs, gzip } = this.#options;
    const writer = outputs.create(target, this.#staged);
    const file = new TextFile(writer, end.gzip ? gzip : undefined);
    this.#file = file;
    this.#format = formatOf(end, (header) => file.line(header));
    return file;
  }
}

/** `s1.p00003.e1.a0.k0.jsonl`: no two attempts, and no two sinks of one end, write the same file. */
function stagedName({ attempt, sinkIndex, end }: WriteSinkOptions): string {
  const { stage, partition, epoch } = attempt;
  const part = `p${String(partition).padStart(5, "0")}`;
  return `s${stage}.${part}.e${epoch}.a${attempt.attempt}.k${sinkIndex}${extensionOf(end)}`;
}

/** `.csv`, `.jsonl.gz`, … */
export const extensionOf = (end: WriteEnd): string => `${EXTENSIONS[end.format]}${end.gzip ? ".gz" : ""}`;

function formatOf(end: WriteEnd, header: (line: string) => void): (row: unknown) => string {
  switch (end.format) {
    case "jsonl":
      return (row) => encodeJson(row, "write jsonl");
    case "csv":
      return createCsvFormatter(end.columns, header);
    case "text":
      return textOf;
    default:
      return unreachable(end.format);
  }
}

/** A record that contains a line end becomes several lines: it is the user's text. */
function textOf(row: unknown): string {
  switch (typeof row) {
    case "string":
      return row;
    case "number":
    case "boolean":
    case "bigint":
      return String(row);
    default: {
      const got =
        row === null || row === undefined ? String(row) : Array.isArray(row) ? "a list" : `a ${typeof row}`;
      throw unencodable(
        "write text",
        `a record that is ${got}`,
        "Map records to text before it, or write jsonl.",
      );
    }
  }
}
