import { compareKeys } from "../../../base/compare.ts";
import type { KeyOrder } from "../runs/merge.ts";

/**
 * The order of a sort's keys. A list of directions is for the elements of array keys in turn; elements beyond the
 * list ascend, and a key that is no array goes by the first direction.
 */
export function sortOrder(descending: boolean | readonly boolean[]): KeyOrder {
  if (descending === false) return compareKeys;
  if (descending === true) return (a, b) => compareKeys(b, a);
  return (a, b) =>
    Array.isArray(a) && Array.isArray(b)
      ? compareElements(a, b, descending)
      : directed(descending[0] === true, a, b);
}

const directed = (descending: boolean, a: unknown, b: unknown): number =>
  descending ? compareKeys(b, a) : compareKeys(a, b);

function compareElements(
  a: readonly unknown[],
  b: readonly unknown[],
  descending: readonly boolean[],
): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const order = directed(descending[i] === true, a[i], b[i]);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}
