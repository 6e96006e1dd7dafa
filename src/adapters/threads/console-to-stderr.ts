/**
 * Sends what user code prints to stderr: stdout is for the job's rows. Returns a function that undoes it.
 * Only where user code runs in the main thread; the output of other threads is redirected as a whole.
 */
export function consoleToStderr(): () => void {
  const { log, info, debug, error } = console;
  // Bound once: this is called for each task, and some take microseconds.
  if (bound?.error !== error) bound = { error, toStderr: error.bind(console) };
  const { toStderr } = bound;
  console.log = toStderr;
  console.info = toStderr;
  console.debug = toStderr;
  return () => {
    console.log = log;
    console.info = info;
    console.debug = debug;
  };
}

let bound: { readonly error: Console["error"]; readonly toStderr: Console["error"] } | undefined;
