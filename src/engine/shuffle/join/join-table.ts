/**
 * A join in memory: one index of keys, and for each side the rows of every key. One side is taken first, as a whole;
 * then of the other, rows that can give nothing are let go of at once. So the first should be the smaller.
 *
 * Nothing is a row before it comes out: frames are taken in columns, keys are looked up as the bytes and numbers they
 * are, and values stay in columns (column-store.ts) until the batch they belong to.
 *
 * Keys come out as the left side wrote them, where it has them: 0 and -0 are one key.
 */
import type { JoinType } from "../../../plan/node.ts";
import type { Batch } from "../../batch.ts";
import { columnValues } from "../block/column-decode.ts";
import type { Cursor } from "../runs/cursor.ts";
import type { PairColumns } from "../shuffle-request.ts";
import { JOIN_RULES, type JoinRules } from "./join-rules.ts";
import { JoinedBatch } from "./joined-batch.ts";
import { MatchIndex } from "./match-index.ts";
import { roomFor } from "./room.ts";
import { type RowsByKey, SideRows } from "./side-rows.ts";

export type Side = 0 | 1;

/** For each key, which sides have it. */
const HAS = [1, 2] as const;
/** Rows of one key that are made once for a batch, and shared by all that they match there. */
const SHARED_MAX = 256;
/** Rows made at once of those that move to scratch. */
const LOT_ROWS = 256;

export class JoinTable {
  readonly #rules: JoinRules;
  readonly #pairs: boolean;
  readonly #firstSide: Side;
  readonly #index = new MatchIndex();
  readonly #sides = [new SideRows(), new SideRows()] as const;
  /** By entry: HAS of the sides that have rows of it here. */
  #has = new Uint8Array(0);

  constructor(how: JoinType, firstSide: Side) {
    this.#rules = JOIN_RULES[how];
    this.#pairs = this.#rules.both === "pairs";
    this.#firstSide = firstSide;
  }

  /** What it holds, and what it will take to give it out in order. */
  get bytes(): number {
    return this.#index.bytes + this.#sides[0].bytes + this.#sides[1].bytes;
  }

  /** Takes rows of the first side until there are some of the other. Throws KEY_INVALID. */
  add(side: Side, { rows, keys, values }: PairColumns): void {
    const { leftOnly, rightOnly, both } = this.#rules;
    const isFirst = side === this.#firstSide;
    const alone = side === 0 ? leftOnly : rightOnly;
    const entries = this.#index.locate(keys, rows, isFirst || alone);
    this.#has = roomFor(this.#has, this.#index.size);
    const left = side === 0 && !isFirst && keys.kind !== "text" && keys.kind !== "dictionary";
    const leftKeys = left ? columnValues(keys, rows) : undefined;
    // Anti: what has a match gives nothing, and of the other side it is enough to know that it is there.
    const droppedWith = !isFirst && side === 0 && both === "nothing" ? HAS[1] : 0;
    const oneEach = side === 1 && !this.#pairs;
    const picked = new Uint32Array(rows);
    let kept = 0;
    for (let row = 0; row < rows; row++) {
      const entry = entries[row] as number;
      if (entry < 0) continue;
      const has = this.#has[entry] as number;
      if ((has & droppedWith) !== 0) continue;
      if ((has & HAS[side]) === 0) {
        this.#has[entry] = has | HAS[side];
        if (leftKeys !== undefined) this.#index.setKey(entry, leftKeys[row]);
      } else if (oneEach) continue;
      picked[kept] = row;
      entries[kept++] = entry;
    }
    if (kept === 0) return;
    this.#sides[side].add(
      values,
      entries.subarray(0, kept),
      kept === rows ? undefined : picked.subarray(0, kept),
      rows,
    );
  }

  /** The rows of a side that it still holds, by key. */
  sorted(side: Side): Cursor {
    const rows = this.#rowsOf(side);
    const cursor = {
      key: undefined as unknown,
      value: undefined as unknown,
      next: (): boolean => {
        const next = rows.next();
        if (next.done === true) return false;
        [cursor.key, cursor.value] = next.value;
        return true;
      },
    };
    return cursor;
  }

  *#rowsOf(side: Side): Generator<[key: unknown, value: unknown], void> {
    const entries = this.#sortedEntries((has) => (has & HAS[side]) !== 0);
    const { values } = this.#sides[side];
    const { rows, starts } = this.#byKey(side, entries);
    for (let place = 0; place < entries.length; place++) {
      const key = this.#index.keyOf(entries[place] as number);
      const end = starts[place + 1] as number;
      for (let from = starts[place] as number; from < end; ) {
        let to = from + 1;
        let textBytes = values.textBytesOf(rows[from] as number);
        while (to < end && to - from < LOT_ROWS && textBytes < JoinedBatch.bytesMax)
          textBytes += values.textBytesOf(rows[to++] as number);
        for (const value of values.take(rows.subarray(from, to))) yield [key, value];
        from = to;
      }
    }
  }

  *batches(): Generator<Batch, void> {
    const entries = this.#sortedEntries((has) => this.#gives(has));
    const lefts = this.#byKey(0, entries);
    const batch = new JoinedBatch(
      this.#index,
      this.#sides.map(({ values }) => values) as [SideRows["values"], SideRows["values"]],
    );
    if (!this.#pairs) yield* this.#leftBatches(entries, lefts, batch);
    else yield* this.#pairBatches(entries, lefts, this.#byKey(1, entries), batch);
    if (!batch.isEmpty) yield batch.takePairs();
  }

  *#leftBatches(
    entries: Uint32Array,
    { rows, starts }: RowsByKey,
    batch: JoinedBatch,
  ): Generator<Batch, void> {
    for (let place = 0; place < entries.length; place++) {
      let key = batch.addKey(entries[place] as number);
      for (let l = starts[place] as number; l < (starts[place + 1] as number); l++) {
        if (batch.isFull) {
          yield batch.takeLefts();
          key = batch.addKey(entries[place] as number);
        }
        batch.add(key, batch.addLeft(rows[l] as number), JoinedBatch.NONE);
      }
    }
    if (!batch.isEmpty) yield batch.takeLefts();
  }

  *#pairBatches(
    entries: Uint32Array,
    lefts: RowsByKey,
    rights: RowsByKey,
    batch: JoinedBatch,
  ): Generator<Batch, void> {
    const { NONE } = JoinedBatch;
    for (let place = 0; place < entries.length; place++) {
      const entry = entries[place] as number;
      const leftFrom = lefts.starts[place] as number;
      const leftCount = (lefts.starts[place + 1] as number) - leftFrom;
      const rightFrom = rights.starts[place] as number;
      const rightCount = (rights.starts[place + 1] as number) - rightFrom;
      const shares = leftCount > 1 && rightCount <= SHARED_MAX && batch.holdsRights(rightCount);
      let key = NONE;
      let shared = NONE;
      for (let l = 0; l < Math.max(leftCount, 1); l++) {
        let left = NONE;
        for (let r = 0; r < Math.max(rightCount, 1); r++) {
          if (batch.isFull) {
            yield batch.takePairs();
            key = left = shared = NONE;
          }
          if (key === NONE) key = batch.addKey(entry);
          if (left === NONE && leftCount > 0) left = batch.addLeft(lefts.rows[leftFrom + l] as number);
          if (rightCount === 0) batch.add(key, left, NONE);
          else if (!shares) batch.add(key, left, batch.addRight(rights.rows[rightFrom + r] as number));
          else {
            if (shared === NONE) shared = batch.addRights(rights.rows, rightFrom, rightCount);
            batch.add(key, left, shared + r);
          }
        }
      }
    }
  }

  #sortedEntries(wanted: (has: number) => boolean): Uint32Array {
    const { size } = this.#index;
    const entries = new Uint32Array(size);
    let count = 0;
    for (let entry = 0; entry < size; entry++)
      if (wanted(this.#has[entry] as number)) entries[count++] = entry;
    return this.#index.sort(entries.subarray(0, count));
  }

  #byKey(side: Side, entries: Uint32Array): RowsByKey {
    const placeOf = new Int32Array(this.#index.size).fill(-1);
    for (let place = 0; place < entries.length; place++) placeOf[entries[place] as number] = place;
    return this.#sides[side].byKey(placeOf, entries.length);
  }

  #gives(has: number): boolean {
    const { leftOnly, rightOnly, both } = this.#rules;
    if ((has & HAS[0]) === 0) return rightOnly && has !== 0;
    return (has & HAS[1]) === 0 ? leftOnly : both !== "nothing";
  }
}
