/**
 * Functions of a plan that are not the job's but ours. A plan is known again by the text of its functions, and the text of
 * ours depends on how they were built: what the command loads is another file than what a thread does. So they go by name.
 */
interface OwnFunction {
  readonly name: string;
  /** The job's functions that it calls. */
  readonly of: readonly unknown[];
}

const known = new WeakMap<object, OwnFunction>();

/** The function, now known by this name, which is another for each, and by the job's functions that it calls. */
export function own<F extends (...args: never[]) => unknown>(
  name: string,
  fn: F,
  ...of: readonly unknown[]
): F {
  known.set(fn, { name, of });
  return fn;
}

/** Undefined for a function of the job's. */
export const ownFunction = (fn: object): OwnFunction | undefined => known.get(fn);
