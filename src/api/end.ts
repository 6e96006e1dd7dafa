import type { EndNode } from "../plan/node.ts";
import { END } from "./brand.ts";

/**
 * What becomes of a data set's records: collected, counted, reduced or written. Returned from a job's `run`;
 * does nothing by itself.
 *
 * @typeParam Value What the job's caller gets for it.
 */
export class End<out Value> {
  readonly [END]: EndNode;
  declare readonly [endValue]?: Value;

  /** Made by the ends of a data set, such as `count()`. */
  constructor(node: EndNode) {
    this[END] = Object.freeze(node);
    Object.freeze(this);
  }
}

declare const endValue: unique symbol;
