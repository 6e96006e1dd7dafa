import { BicoastalError } from "../../base/errors.ts";
import type { InputFile } from "../../plan/task.ts";
import type { Inputs } from "../../ports/inputs.ts";
import type { RecordPlace } from "../batch.ts";
import { excerptOf, type RecordRule, spanOf, withLine } from "./place.ts";
import { RecordFault } from "./record-fault.ts";
import { type Piece, RecordTooLong } from "./record-feed.ts";

/** Tells where the records of one file are, and turns what is wrong with them into errors that say so. */
export class FilePlaces {
  readonly #inputs: Inputs;
  readonly #file: InputFile;
  readonly #rule: RecordRule;

  constructor(inputs: Inputs, file: InputFile, rule: RecordRule) {
    this.#inputs = inputs;
    this.#file = file;
    this.#rule = rule;
  }

  /** @param record Index among the records of the piece. */
  async placeOf(piece: Piece, record: number): Promise<RecordPlace> {
    const span = spanOf(piece, record, this.#rule);
    if (span === undefined) return { file: this.#file.path };
    const byteOffset = piece.offset + span.start - piece.start;
    return withLine(this.#inputs, this.#file, byteOffset, excerptOf(piece.bytes, span.start, span.end));
  }

  /** What to throw for `thrown`; anything but a RecordFault is thrown as it is. */
  async errorOf(thrown: unknown, piece: Piece | undefined): Promise<unknown> {
    if (thrown instanceof RecordTooLong) {
      const excerpt = excerptOf(thrown.seen, 0, thrown.seen.length);
      return toError(thrown, await withLine(this.#inputs, this.#file, thrown.byteOffset, excerpt));
    }
    if (!(thrown instanceof RecordFault) || piece === undefined) return thrown;
    return toError(thrown, await this.placeOf(piece, thrown.record));
  }
}

function toError(fault: RecordFault, place: RecordPlace): BicoastalError {
  const at = place.line === undefined ? `, at byte ${place.byteOffset ?? "?"}` : `:${place.line}`;
  const begins = place.excerpt === undefined ? "" : ` The record begins ${JSON.stringify(place.excerpt)}.`;
  return new BicoastalError(fault.code, `${place.file}${at}: ${fault.what}.${begins} ${fault.advice}`, {
    details: {
      ...place,
      ...(fault.column === undefined ? {} : { column: fault.column }),
      ...(fault.field === undefined ? {} : { field: fault.field }),
    },
    cause: fault.cause,
  });
}
