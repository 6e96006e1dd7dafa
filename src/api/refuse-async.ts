/**
 * Types that make an async function in an operator an error of the compiler. It is one at run time too, for what
 * types do not see, such as a promise in one branch only.
 */

/** What an operator gives for an async function: nothing that can be used, or returned from a job's `run`. */
export interface AsyncFunctionRefused {
  readonly error: "Functions of operators must not be async: return the value itself.";
}

/** An object that is no promise. With `object` in it, types without any field in common are taken. */
export type NotPromise = object & { readonly then?: string | number | bigint | boolean | null | undefined };

/**
 * Bound of a function's result, where only a promise is looked for. The list tells the compiler to make tuples of
 * array literals, as it decides that for the first overload only; `OnlyPromise` takes it out again.
 */
export type PromiseOrTuple = PromiseLike<unknown> | [];

/** `any` counts as no promise. */
export type OnlyPromise<U> = U & (0 extends 1 & U ? never : U extends readonly unknown[] ? never : unknown);

/** A function that never returns is one of every type: it gives no records. */
export type Refused<U, Given> = [U] extends [never] ? Given : AsyncFunctionRefused;

/** The type itself, which no promise can be assigned to. For places where functions of unknown types are rare. */
export type Synchronous<R> = R & (R extends PromiseLike<unknown> ? AsyncFunctionRefused : unknown);
