/** Blocks that are opened at a time: of other nodes, each waits for an answer or two. */
export const BLOCKS_FETCHED_MAX = 4;

/** Does it with all at once. After a failure, which is that of the first in order, nothing is under way any more. */
export async function allEnded<T>(all: readonly T[], action: (one: T) => Promise<void>): Promise<void> {
  const ended = await Promise.allSettled(all.map(action));
  for (const one of ended) if (one.status === "rejected") throw one.reason;
}
