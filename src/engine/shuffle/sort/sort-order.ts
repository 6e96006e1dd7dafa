import { compareKeys } from "../../../base/compare.ts";
import type { Collation } from "../../../plan/node.ts";
import type { KeyOrder } from "../runs/merge.ts";

/**
 * The order of a sort's keys. A list of directions is for the elements of array keys in turn; elements beyond the
 * list ascend, and a key that is no array goes by the first direction. With a collation, keys that are strings, and
 * elements of array keys that are, go by it; all else by `compareKeys`.
 */
export function sortOrder(descending: boolean | readonly boolean[], collation?: Collation): KeyOrder {
  const ascending = collation === undefined ? compareKeys : collatedOrder(collation);
  if (descending === false) return ascending;
  if (descending === true) return (a, b) => ascending(b, a);
  return (a, b) =>
    Array.isArray(a) && Array.isArray(b)
      ? compareElements(a, b, ascending, descending)
      : directed(ascending, descending[0] === true, a, b);
}

function collatedOrder({ locale, numeric, sensitivity }: Collation): KeyOrder {
  const { compare } = new Intl.Collator(locale, { numeric, sensitivity });
  const order: KeyOrder = (a, b) => {
    if (typeof a === "string" && typeof b === "string") return compare(a, b);
    return Array.isArray(a) && Array.isArray(b) ? compareElements(a, b, order, []) : compareKeys(a, b);
  };
  return order;
}

const directed = (order: KeyOrder, descending: boolean, a: unknown, b: unknown): number =>
  descending ? order(b, a) : order(a, b);

function compareElements(
  a: readonly unknown[],
  b: readonly unknown[],
  ascending: KeyOrder,
  descending: readonly boolean[],
): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const order = directed(ascending, descending[i] === true, a[i], b[i]);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}
