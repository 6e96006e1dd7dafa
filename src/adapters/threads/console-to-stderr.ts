/**
 * Sends what user code prints to stderr: stdout is for the job's rows. Returns a function that undoes it.
 * Only where user code runs in the main thread; the output of other threads is redirected as a whole.
 */
export function consoleToStderr(): () => void {
  const { log, info, debug, error } = console;
  const toStderr = error.bind(console);
  Object.assign(console, { log: toStderr, info: toStderr, debug: toStderr });
  return () => void Object.assign(console, { log, info, debug });
}
