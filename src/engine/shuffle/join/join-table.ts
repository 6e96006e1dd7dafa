/**
 * A join in memory: one index of keys, and for each side the rows of every key. One side is taken first, as a whole;
 * then of the other, rows that can give nothing are let go of at once. So the first should be the smaller.
 *
 * Keys come out as the left side wrote them, where it has them: 0 and -0 are one key.
 */
import type { JoinType } from "../../../plan/node.ts";
import type { Batch } from "../../batch.ts";
import { BatchRows } from "../generated-input.ts";
import type { Cursor } from "../runs/cursor.ts";
import { entriesOf, ROW_BYTES, sortedRows } from "./chained-rows.ts";
import { estimateFrameBytes } from "./frame-size.ts";
import { JOIN_RULES, type JoinRules } from "./join-rules.ts";
import { MatchIndex, MISSING } from "./match-index.ts";
import { END, RowChains } from "./row-chains.ts";

export type Side = 0 | 1;

export class JoinTable {
  bytes = 0;
  readonly #rules: JoinRules;
  readonly #pairs: boolean;
  readonly #firstSide: Side;
  readonly #index = new MatchIndex();
  readonly #sides = [new RowChains(), new RowChains()] as const;

  constructor(how: JoinType, firstSide: Side) {
    this.#rules = JOIN_RULES[how];
    this.#pairs = this.#rules.both === "pairs";
    this.#firstSide = firstSide;
  }

  /** Takes rows of the first side until there are some of the other. Throws KEY_INVALID. */
  add(side: Side, keys: readonly unknown[], values: readonly unknown[]): void {
    const kept = side === this.#firstSide ? this.#addFirst(keys, values) : this.#addSecond(keys, values);
    if (kept === 0) return;
    const bytes = estimateFrameBytes(keys, values);
    this.bytes += Math.ceil((bytes * kept) / values.length) + kept * ROW_BYTES;
  }

  /** The rows of a side that it still holds, by key. */
  sorted(side: Side): Cursor {
    return sortedRows(this.#index, this.#sides[side]);
  }

  *batches(): Generator<Batch, void> {
    const [left, right] = this.#sides;
    const { rightOnly } = this.#rules;
    const { keys } = this.#index;
    const batch = new BatchRows();
    for (const entry of entriesOf(this.#index, (each) => this.#gives(each))) {
      const key = keys[entry];
      const firstRight = right.first(entry);
      for (let l = left.first(entry); l !== END; l = left.next(l)) {
        const value = left.values[l];
        if (!this.#pairs) batch.push([key, value]);
        else if (firstRight === END) batch.push([key, [value, undefined]]);
        for (let r = this.#pairs ? firstRight : END; r !== END; r = right.next(r)) {
          if (batch.isFull) yield* handed(batch);
          batch.push([key, [value, right.values[r]]]);
        }
        if (batch.isFull) yield* handed(batch);
      }
      if (!rightOnly || left.first(entry) !== END) continue;
      for (let r = firstRight; r !== END; r = right.next(r)) {
        batch.push([key, [undefined, right.values[r]]]);
        if (batch.isFull) yield* handed(batch);
      }
    }
    if (batch.rows.length > 0) yield batch.batch();
  }

  #gives(entry: number): boolean {
    const [left, right] = this.#sides;
    const { leftOnly, rightOnly, both } = this.#rules;
    if (left.first(entry) === END) return rightOnly;
    return right.first(entry) === END ? leftOnly : both !== "nothing";
  }

  #addFirst(keys: readonly unknown[], values: readonly unknown[]): number {
    const index = this.#index;
    const side = this.#firstSide;
    const rows = this.#sides[side];
    const oneEach = side === 1 && !this.#pairs;
    let kept = 0;
    for (let i = 0; i < values.length; i++) {
      const entry = index.enter(keys[i]);
      if (oneEach && rows.first(entry) !== END) continue;
      rows.add(entry, values[i]);
      kept++;
    }
    return kept;
  }

  #addSecond(keys: readonly unknown[], values: readonly unknown[]): number {
    const index = this.#index;
    const first = this.#sides[this.#firstSide];
    const isLeft = this.#firstSide === 1;
    const rows = this.#sides[isLeft ? 0 : 1];
    const { leftOnly, rightOnly, both } = this.#rules;
    const alone = isLeft ? leftOnly : rightOnly;
    const oneEach = !isLeft && !this.#pairs;
    let kept = 0;
    for (let i = 0; i < values.length; i++) {
      const key = keys[i];
      const entry = alone ? index.enter(key) : index.find(key);
      if (entry === MISSING) continue;
      if (isLeft && both === "nothing" && first.first(entry) !== END) continue;
      const known = rows.first(entry) !== END;
      if (oneEach && known) continue;
      if (isLeft && !known && typeof key !== "string") index.keys[entry] = key;
      rows.add(entry, values[i]);
      kept++;
    }
    return kept;
  }
}

function* handed(batch: BatchRows): Generator<Batch, void> {
  yield batch.batch();
  batch.clear();
}
