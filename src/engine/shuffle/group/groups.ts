/** Cuts sorted rows into groups of one key. */
import { compareKeys, sameKey } from "../../../base/compare.ts";
import { estimateBytes } from "../estimate.ts";
import { owned } from "../own-string.ts";
import type { Cursor } from "../runs/cursor.ts";
import { beginStreaming, endStreaming, Group } from "./group.ts";
import { GroupCursor } from "./group-rows.ts";

export interface GroupsOptions {
  readonly rows: Cursor;
  /** A group that takes more is given out as a stream. Infinity where the rows are in memory anyway. */
  readonly inlineBytes: number;
}

/** Before the first group until `next` is called. */
export class Groups {
  /** Of the current group. */
  key: unknown = undefined;
  readonly #rows: Cursor;
  readonly #inlineBytes: number;
  #started = false;
  /** Whether the cursor is on a row that has not been taken. */
  #onRow = false;
  #live: Group | undefined;
  #streaming = false;

  constructor({ rows, inlineBytes }: GroupsOptions) {
    this.#rows = rows;
    this.#inlineBytes = inlineBytes;
  }

  /** Skips what is left of this group and goes to the next; false at the end. */
  next(): boolean {
    this.#live?.end();
    this.#live = undefined;
    if (this.#started) while (this.hasValue()) this.takeValue();
    else this.#onRow = this.#rows.next();
    this.#started = true;
    if (this.#onRow) this.key = owned(this.#rows.key);
    return this.#onRow;
  }

  /** Whether the current group has a value that was not taken. */
  hasValue(): boolean {
    return this.#onRow && sameKey(this.#rows.key, this.key);
  }

  takeValue(): unknown {
    const { value } = this.#rows;
    this.#onRow = this.#rows.next();
    return value;
  }

  /** The values left of the current group: an array, or a stream where they are too many. */
  values(): readonly unknown[] | Group {
    const rows = this.#rows;
    if (rows instanceof GroupCursor) return this.hasValue() ? this.#restOf(rows) : [];
    const values: unknown[] = [];
    let bytes = 0;
    while (this.hasValue()) {
      if (bytes > this.#inlineBytes) return this.#stream(values);
      const value = owned(this.takeValue());
      if (this.#inlineBytes !== Number.POSITIVE_INFINITY) bytes += estimateBytes(value);
      values.push(value);
    }
    return values;
  }

  /** All values left of the current group, whatever they take. */
  allValues(): unknown[] {
    const rows = this.#rows;
    if (rows instanceof GroupCursor) return this.hasValue() ? this.#restOf(rows) : [];
    const values: unknown[] = [];
    while (this.hasValue()) values.push(owned(this.takeValue()));
    return values;
  }

  close(): void {
    this.#live?.end();
    if (this.#streaming) endStreaming();
    this.#streaming = false;
  }

  #restOf(rows: GroupCursor): unknown[] {
    const values = rows.restOfKey();
    this.#onRow = rows.next();
    return values;
  }

  #stream(first: readonly unknown[]): Group {
    if (!this.#streaming) beginStreaming();
    this.#streaming = true;
    this.#live = new Group(this.key, this.#rest(first));
    return this.#live;
  }

  *#rest(first: readonly unknown[]): Generator<unknown> {
    yield* first;
    while (this.hasValue()) yield this.takeValue();
  }
}

/** Which of two has the smaller key: negative the first, 0 both the same; a side at its end comes last. */
export function compareSides(left: Groups | undefined, right: Groups | undefined): number {
  if (left === undefined) return 1;
  return right === undefined ? -1 : compareKeys(left.key, right.key);
}
