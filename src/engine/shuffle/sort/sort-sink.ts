/**
 * The map side of a sort. Which keys go to which partition is known only when every map task has run, so nothing is
 * partitioned here: the sink writes sorted runs, and marks by which a reader finds its range in them (sort-marks.ts).
 *
 * A sink begins with what is fastest: rows that are text, with keys that are text. From the first row on that is
 * something else, it does without, in runs of their own.
 */
import { assert } from "../../../base/assert.ts";
import { checkKey } from "../../../base/hash.ts";
import type { SortNode } from "../../../plan/node.ts";
import { borrowSortKernel, returnSortKernel } from "../../kernel/sort-kernels.ts";
import { FrameBuffer } from "../block/frame-buffer.ts";
import { estimateBytes } from "../estimate.ts";
import { settled } from "../group/group.ts";
import { owned } from "../own-string.ts";
import type { KeyedSink } from "../sink.ts";
import { SINK_BYTES, type SinkTarget } from "../sink-options.ts";
import { KeyBytes, unitBytesMax, writeUnits } from "./key-bytes.ts";
import { RUN_ROWS, RunBuilder } from "./run-builder.ts";
import {
  frameList,
  KEY_BYTES_MAX,
  LIST_FRAMES,
  LIST_SAMPLES,
  MARK_FRAME,
  MARK_RUN,
  MARK_SAMPLE,
  MarkWriter,
  markKey,
  RUN_DERIVED,
  RUN_TEXT,
  RUN_UNTAGGED,
  SAMPLES_PER_RUN,
  valueList,
} from "./sort-marks.ts";

/** Rows taken in at once: joined, they are written as one text. */
const PENDING_ROWS = 512;
const PENDING_UNITS = 64 * 1024;

export class SortSink implements KeyedSink {
  readonly #target: SinkTarget;
  readonly #kernel = borrowSortKernel();
  readonly #run: RunBuilder;
  readonly #frameMarks: MarkWriter;
  readonly #samples: MarkWriter;
  readonly #keyBytes = new KeyBytes();
  /** For the elements of array keys. */
  readonly #descending: readonly boolean[] | undefined;
  readonly #keysAreRows: boolean;
  #rowsAreText = true;
  /** Whether keys are of any type, and tagged. */
  #tagged: boolean;
  #runs = 0;
  #rows: unknown[] = [];
  #keys: unknown[] = [];
  /** Characters of rows and keys that wait. */
  #units = 0;
  /** Rows of the run where they are not text, and what they cost. */
  #values: unknown[] = [];
  #valueBytes = 0;
  /** Of the lines that came as bytes, those whose keys are still to come: they are the run's last rows. */
  #linesLeft = 0;

  constructor(node: SortNode, target: SinkTarget) {
    this.#target = target;
    this.#keysAreRows = node.by === "record";
    this.#descending = typeof node.descending === "boolean" ? undefined : node.descending;
    this.#tagged = this.#descending !== undefined;
    this.#run = new RunBuilder(this.#kernel, node.descending === true);
    const { block, sinkIndex } = target;
    const marksIn = (list: number): MarkWriter =>
      new MarkWriter((marks, body) => block.appendBytes(sinkIndex, list, marks, body));
    this.#frameMarks = marksIn(LIST_FRAMES);
    this.#samples = marksIn(LIST_SAMPLES);
  }

  add(given: unknown, value: unknown): void {
    const key = settled(given);
    checkKey(key);
    if (this.#linesLeft > 0 && this.#addKeyOfLine(key)) return;
    const row = this.#keysAreRows ? key : settled(value);
    if (typeof key === "string") this.#units += key.length;
    else if (!this.#tagged) this.#widen(row, key);
    if (typeof row === "string") this.#units += row.length;
    else if (this.#rowsAreText) this.#widen(row, key);
    this.#rows.push(row);
    if (!this.#keysAreRows) this.#keys.push(key);
    if (this.#rows.length >= PENDING_ROWS || this.#units >= PENDING_UNITS) this.#takePending();
  }

  /** Lines of bytes [from, to), which are the records. Returns how many. Only for a sink that is given nothing else. */
  addLines(bytes: Uint8Array, from: number, to: number): number {
    const { rows } = this.#run;
    const end = this.#run.addAsciiLines(bytes, from, to);
    if (end !== undefined) {
      const added = this.#run.rows - rows;
      if (this.#run.isFull) this.#writeRun();
      return added + this.#addComparable(bytes, end, to);
    }
    const text = Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString("utf8");
    const units = Buffer.allocUnsafeSlow(unitBytesMax(text));
    return this.#addComparable(units, 0, writeUnits(units, 0, text));
  }

  /**
   * Says that the next records are the lines of bytes [from, to), in order, each of which is `add`ed with its key: then
   * the bytes are taken as they are, where that can be, and their strings are not looked at. Returns whether they are:
   * they are ASCII then.
   */
  expectLines(bytes: Uint8Array, from: number, to: number): boolean {
    assert(this.#linesLeft === 0, "every line that was expected is added");
    this.#takePending();
    const run = this.#run;
    const linesMax = to - from;
    if (this.#keysAreRows || this.#tagged || !this.#rowsAreText || linesMax > RUN_ROWS) return false;
    // A run ends where a piece does: rows and keys must be as many.
    if (linesMax > run.rowsLeft) this.#writeRun();
    const { rows } = run;
    if (run.addAsciiLines(bytes, from, to) === undefined) return false;
    this.#linesLeft = run.rows - rows;
    return true;
  }

  finish(): void {
    this.#takePending();
    this.#writeRun();
    this.#frameMarks.flush();
    this.#samples.flush();
    returnSortKernel(this.#kernel);
  }

  #addComparable(bytes: Uint8Array, from: number, to: number): number {
    const run = this.#run;
    let rows = 0;
    for (let at = from; at < to; ) {
      const before = run.rows;
      at = run.addLines(bytes, at, to);
      rows += run.rows - before;
      if (run.isFull) this.#writeRun();
    }
    return rows;
  }

  /** False where it is not a text: then it and all that follow are taken as strings again. */
  #addKeyOfLine(key: unknown): boolean {
    if (typeof key !== "string") {
      this.#takeKeysOfLines();
      this.#run.dropRows(this.#linesLeft);
      this.#linesLeft = 0;
      return false;
    }
    this.#keys.push(key);
    this.#units += key.length;
    this.#linesLeft--;
    if (this.#keys.length >= PENDING_ROWS || this.#units >= PENDING_UNITS || this.#linesLeft === 0) {
      this.#takeKeysOfLines();
    }
    return true;
  }

  #takeKeysOfLines(): void {
    this.#run.addKeys(this.#keys as string[]);
    this.#keys = [];
    this.#units = 0;
    if (this.#linesLeft === 0 && this.#run.isFull) this.#writeRun();
  }

  /** From here on there are also rows like this one. */
  #widen(row: unknown, key: unknown): void {
    this.#takePending();
    this.#writeRun();
    if (typeof row !== "string") this.#rowsAreText = false;
    if (typeof key !== "string") this.#tagged = true;
    // Among rows that are no text, keys of all types are to be expected.
    if (!this.#rowsAreText && this.#keysAreRows) this.#tagged = true;
  }

  #takePending(): void {
    const rows = this.#rows;
    if (rows.length === 0) return;
    const run = this.#run;
    if (run.rowsLeft < rows.length) this.#writeRun();
    if (this.#rowsAreText) run.addRows(rows as string[]);
    else {
      for (const row of rows) {
        this.#values.push(owned(row));
        this.#valueBytes += estimateBytes(row);
      }
    }
    const keys = this.#keysAreRows ? rows : this.#keys;
    if (this.#tagged) for (const key of keys) run.addKey(this.#keyBytes.of(key, this.#descending));
    else if (!this.#keysAreRows || !this.#rowsAreText) run.addKeys(keys as string[]);
    this.#rows = [];
    this.#keys = [];
    this.#units = 0;
    if (run.isFull || this.#valueBytes >= SINK_BYTES) this.#writeRun();
  }

  #writeRun(): void {
    if (this.#run.isEmpty) return;
    const order = this.#run.sort();
    const rows = order.length;
    const untagged = !this.#tagged;
    const derived = this.#keysAreRows && !this.#rowsAreText;
    const stored =
      (this.#rowsAreText ? RUN_TEXT : 0) | (untagged ? RUN_UNTAGGED : 0) | (derived ? RUN_DERIVED : 0);
    this.#mark(MARK_RUN, stored, rows - 1);
    if (this.#rowsAreText) this.#writeTexts(rows);
    else this.#writeValues(order, !derived);
    this.#sample(rows);
    this.#runs++;
    this.#run.clear();
    this.#values = [];
    this.#valueBytes = 0;
  }

  #writeTexts(rows: number): void {
    const { block, sinkIndex } = this.#target;
    const storage = this.#run.keyStorage();
    for (let at = 0; at < rows; ) {
      this.#mark(MARK_FRAME, 0, at);
      const frame = this.#run.textFrame(at, storage);
      block.appendInPlace(sinkIndex, frameList(this.#runs), frame);
      at += frame.rows;
    }
  }

  #writeValues(order: Uint32Array, withKeys: boolean): void {
    const { block, sinkIndex } = this.#target;
    const storage = this.#run.keyStorage();
    // Putting frames together may move the kernel's memory.
    const places = order.slice();
    const frame = new FrameBuffer();
    for (let at = 0, from = 0; at < places.length; at++) {
      const row = places[at] as number;
      frame.addRow(this.#values[row]);
      // A joined text takes its room when it is written: let go frame by frame, a run's texts never stand there all at once.
      this.#values[row] = undefined;
      if (!frame.isFull && at + 1 < places.length) continue;
      this.#mark(MARK_FRAME, 0, from);
      block.append(sinkIndex, valueList(this.#runs), undefined, frame.values);
      if (withKeys) {
        const keys = this.#run.keyFrame(from, at + 1, storage);
        block.appendInPlace(sinkIndex, frameList(this.#runs), keys);
      }
      frame.clear();
      from = at + 1;
    }
  }

  #sample(rows: number): void {
    const samples = Math.min(rows, SAMPLES_PER_RUN);
    for (let i = 0; i < samples; i++) {
      const start = Math.floor((i * rows) / samples);
      const end = Math.floor(((i + 1) * rows) / samples);
      this.#mark(MARK_SAMPLE, end - start, (start + end) >> 1);
    }
  }

  /** @param place Of the row with the key, in the run's order. */
  #mark(mark: number, rows: number, place: number): void {
    const isSample = mark === MARK_SAMPLE;
    const bytesMax = isSample ? KEY_BYTES_MAX - 1 : KEY_BYTES_MAX;
    const key = this.#run.keyAt(place, bytesMax);
    const marks = isSample ? this.#samples : this.#frameMarks;
    marks.add(mark, rows, markKey(key, !this.#tagged, bytesMax));
  }
}
