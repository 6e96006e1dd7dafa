/** What a thread needs to know to end a process whose main thread loops. Plain data. */
export interface LoadWatch {
  /** Its one element is 0 while the main thread loads. */
  readonly state: Int32Array;
  readonly loadTimeoutMs: number;
  /** For stderr, where the time is over. */
  readonly message: string;
  /** From the polite end of the process to the end by force. */
  readonly exitGraceMs: number;
  /** The main thread keeps the function that ends the process under the symbol of this name. */
  readonly end: string;
}

/** In a thread that can wait without blocking: ends the process where the main thread still loads when the time is over. */
export function watchFromThread(watch: LoadWatch): void {
  const onTime = (): void => {
    if (Atomics.load(watch.state, 0) === 0) endMainThread(watch);
  };
  setTimeout(onTime, watch.loadTimeoutMs).unref();
}

/**
 * Called in a thread: says on stderr why, and has the inspector run `process.exit` in the midst of the main thread's
 * loop. It names nothing outside itself: its text is also run in a thread that imports nothing.
 */
export function endMainThread({ message, exitGraceMs, end }: LoadWatch): void {
  process.getBuiltinModule("node:fs").writeSync(2, message);
  setTimeout(() => process.kill(process.pid, "SIGKILL"), exitGraceMs);
  const { Session } = process.getBuiltinModule("node:inspector");
  const session = new Session();
  session.connectToMainThread();
  session.post("Runtime.evaluate", { expression: `process[Symbol.for('${end}')]()` });
}
