/**
 * Runs every microtask there is, now, from a place that is none itself.
 *
 * Nothing in the simulator waits for real time or real input, so between two events of virtual time only microtasks are to be
 * done. A turn of the event loop does them too, and costs as much as all the rest of a small event. Node gives no other way to
 * run them than one that it keeps for old programs; where it is gone the turn takes its place, and nothing is another but the
 * speed.
 */
interface NodeProcess {
  readonly _tickCallback?: () => void;
}

const { process: node } = globalThis as { readonly process?: NodeProcess };

export const drainMicrotasks: (() => void) | undefined =
  typeof node?._tickCallback === "function" ? () => node._tickCallback?.() : undefined;
