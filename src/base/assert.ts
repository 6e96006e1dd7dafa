/** Thrown when the program itself is wrong. Never caught to go on: the process dies and a new one recovers. */
export class InvariantViolation extends Error {
  override readonly name = "InvariantViolation";
}

/** Checks one fact that must hold whatever the input; a failure is a bug in Bicoastal, never a user's mistake. */
export function assert(condition: unknown, fact: string): asserts condition {
  if (!condition)
    throw new InvariantViolation(`This must always hold, and did not: ${fact}. Please report it.`);
}

/** Closes an exhaustive `switch` over a union: a forgotten case is a compile error here. */
export function unreachable(value: never): never {
  throw new InvariantViolation(`No case for ${JSON.stringify(value)}. Please report it.`);
}
