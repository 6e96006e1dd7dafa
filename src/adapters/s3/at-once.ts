/** Requests in flight for one listing or commit: enough to hide the way to the server, few enough for its limits. */
const AT_ONCE = 16;

/**
 * Does something to each item, several at a time. After a failure none is begun any more; it is thrown when all that
 * were begun have ended, so that nothing goes on behind the caller's back.
 */
export async function eachAtOnce<T>(
  items: Iterable<T>,
  act: (item: T) => Promise<void>,
  atOnce = AT_ONCE,
): Promise<void> {
  const failures: unknown[] = [];
  const rest = items[Symbol.iterator]();
  const work = async (): Promise<void> => {
    for (let next = rest.next(); next.done !== true && failures.length === 0; next = rest.next()) {
      await act(next.value).catch((error) => failures.push(error));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  if (failures.length > 0) throw failures[0];
}
