/**
 * From V8 13 on, code that is optimised while it runs may have loops without the check by which a thread is stopped,
 * for which there is neither an end by `terminate()` nor by V8's own limit: `for (;;) list.push(Array(100).fill(0))`
 * takes all memory there is (seen with Node 24.21 and 26.10, not with 22.23). It comes with the unrolling of loops,
 * and goes without it. The flag is the whole process's, and what was optimised before keeps its shape.
 */
import { setFlagsFromString } from "node:v8";

const AFFECTED_NODE_MIN = 24;

let done = false;

/** Sees to it that threads started from now on can be stopped wherever they are. */
export function keepLoopsStoppable(): void {
  if (done || Number.parseInt(process.versions.node, 10) < AFFECTED_NODE_MIN) return;
  setFlagsFromString("--no-turboshaft-loop-unrolling");
  done = true;
}
