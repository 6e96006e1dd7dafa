/** Ends a task that was asked to stop. No failure, and never shown: the caller maps it to the outcome `stopped`. */
export class Stopped extends Error {
  override readonly name = "Stopped";
  constructor() {
    super("The task was asked to stop.");
  }
}

export const isStopped = (error: unknown): boolean => error instanceof Stopped;
