import type { NodeId } from "../../base/ids.ts";
import type { Prng } from "../../base/prng.ts";
import { nameOf } from "./live-node.ts";

/** How often some nodes stay cut off when all else has healed. */
const CUT = 0.4;

/**
 * Nodes that nobody needs, by L20: fewer than the others, but for one of two, and never all that are ever up again.
 * @param gone Places of nodes that are gone for good.
 */
export function drawMinority(random: Prng, count: number, gone: ReadonlySet<number>): ReadonlySet<NodeId> {
  const cut = new Set<number>();
  if (count < 2 || !random.chance(CUT)) return new Set();
  const first = random.below(count);
  const size = 1 + random.below(Math.max(1, Math.floor((count - 1) / 2)));
  for (let index = 0; index < size; index++) cut.add((first + index) % count);
  let left = 0;
  for (let index = 0; index < count; index++) if (!cut.has(index) && !gone.has(index)) left++;
  return left === 0 ? new Set() : new Set([...cut].map(nameOf));
}
